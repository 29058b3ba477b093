import type { HostRouting } from '../../contract/deployment/status.ts';
import { percentages } from './expected.ts';
import type { ObservedRule } from './gate.ts';
import { MAIN_LISTENER } from './shape.ts';

/** What an HTTPRoute asks for, and what its gateways say about it (specs: deployment, section 12). */

interface ParentRef {
  name: string;
  /** Absent: the route's own. */
  namespace?: string;
  sectionName?: string;
  port?: number;
}

interface Condition {
  type: string;
  status: string;
  reason?: string;
  message?: string;
  observedGeneration?: number;
}

interface BackendRef {
  name: string;
  /** Absent: `Service`. */
  kind?: string;
  /** Absent: the route's own. */
  namespace?: string;
  /** Absent: 1. Shares, not percent. */
  weight?: number;
}

/** An HTTPRoute of the cluster, as far as its routing goes. */
export interface FoundRoute {
  metadata?: { name?: string; namespace?: string; generation?: number };
  spec?: {
    parentRefs?: ParentRef[];
    hostnames?: string[];
    rules?: { backendRefs?: BackendRef[] }[];
  };
  status?: { parents?: { parentRef: ParentRef; conditions?: Condition[] }[] };
}

/** Rules as a balancer would have them; every host on the main listener, which stands for all of the gateway's. */
export function rulesOfRoutes(routes: readonly FoundRoute[]): ObservedRule[] {
  return routes.flatMap((route) =>
    (route.spec?.rules ?? []).map(({ backendRefs = [] }) => ({
      port: MAIN_LISTENER,
      hosts: hostsOf(route),
      // A single backend of weight 0 gets nothing, which a single target group would.
      groups: backendRefs.every(({ weight }) => weight === 0)
        ? []
        : backendRefs.map((backend) => {
            const service = serviceOf(route, backend);
            return { arn: service, service, weight: backend.weight ?? 1 };
          }),
    })),
  );
}

/** What routes that exist say, in percent. */
export function routingOfRoutes(routes: readonly FoundRoute[]): HostRouting[] {
  return rulesOfRoutes(routes).flatMap(({ hosts, port, groups }) =>
    hosts.map((host) => ({
      host,
      port,
      weights: percentages(groups.map(({ service = '', weight = 1 }) => [service, weight])),
    })),
  );
}

/** A backend that is no Service of the route's namespace has a name that no Service can have. */
function serviceOf({ metadata }: FoundRoute, { name, kind = 'Service', namespace }: BackendRef): string {
  const own = kind === 'Service' && (namespace ?? metadata?.namespace) === metadata?.namespace;
  return own ? name : `${kind} ${namespace ?? metadata?.namespace}/${name}`;
}

const hostsOf = ({ spec }: FoundRoute) => (spec?.hostnames ?? []).map((host) => host.toLowerCase());

/** `missing`: the gateways that have said nothing at all, as `<namespace>/<name>`. */
export type RouteVerdict =
  | { kind: 'accepted' }
  | { kind: 'waiting'; message: string; missing: string[] }
  | { kind: 'refused'; type: 'CertificateMissing' | 'RouteNotAccepted'; message: string };

const CONDITIONS = ['Accepted', 'ResolvedRefs'] as const;

/** Whether every parent of every route has accepted it as it is now. A refusal outweighs what is still open. */
export function judgeRoutes(routes: readonly FoundRoute[]): RouteVerdict {
  const open: string[] = [];
  const missing: string[] = [];
  for (const route of routes) {
    const generation = route.metadata?.generation ?? 0;
    for (const wanted of route.spec?.parentRefs ?? []) {
      const parent = sayParent(route, wanted);
      const said = (route.status?.parents ?? []).filter(({ parentRef }) => sayParent(route, parentRef) === parent);
      if (said.length === 0) {
        missing.push(`${wanted.namespace ?? route.metadata?.namespace}/${wanted.name}`);
        open.push(`${parent} has not looked at the HTTPRoute yet`);
      }
      for (const { conditions = [] } of said) {
        for (const type of CONDITIONS) {
          const found = conditions.find((one) => one.type === type && (one.observedGeneration ?? 0) >= generation);
          if (found?.status === 'False') return refusal(route, parent, found);
          if (found?.status !== 'True') open.push(`${parent} has not said ${type} of generation ${generation} yet`);
        }
      }
    }
    if ((route.spec?.parentRefs ?? []).length === 0) open.push('the HTTPRoute names no gateway');
  }
  return open.length === 0 ? { kind: 'accepted' } : { kind: 'waiting', message: open.join('; '), missing };
}

function refusal(route: FoundRoute, parent: string, { type, reason = '', message = '' }: Condition): RouteVerdict {
  // A host may be called tls.example.com.
  const words = hostsOf(route).reduce((text, host) => text.replaceAll(host, ''), `${reason} ${message}`.toLowerCase());
  return {
    kind: 'refused',
    type: /certificate|tls/.test(words) ? 'CertificateMissing' : 'RouteNotAccepted',
    message: [`${parent}: ${type} is False`, reason, message].filter((part) => part !== '').join(', '),
  };
}

function sayParent({ metadata }: FoundRoute, { name, namespace, sectionName, port }: ParentRef): string {
  const part = [sectionName, port].filter((one) => one !== undefined).join(':');
  return `gateway ${namespace ?? metadata?.namespace}/${name}${part === '' ? '' : ` (${part})`}`;
}
