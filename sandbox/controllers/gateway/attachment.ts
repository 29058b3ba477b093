import { type Namespace, type Service, selects } from '../objects.ts';
import { intersect } from './hosts.ts';
import type { BackendRef, Gateway, HttpRoute, Listener, ParentRef } from './objects.ts';

/** Whether a route may attach to one of its parents, and whether what it names exists: the two conditions of its status. */

export interface Judgement {
  status: 'True' | 'False';
  reason: string;
  message: string;
}

/** What a gateway controller looks up. */
export interface Surroundings {
  gateway(namespace: string, name: string): Gateway | undefined;
  service(namespace: string, name: string): Service | undefined;
  namespace(name: string): Namespace | undefined;
  hasSecret(namespace: string, name: string): Promise<boolean>;
}

/** Undefined: there is no such gateway, so nobody speaks for it. */
export async function judgeParent(
  route: HttpRoute,
  parent: ParentRef,
  around: Surroundings,
): Promise<{ accepted: Judgement; resolved: Judgement } | undefined> {
  const namespace = parent.namespace ?? route.metadata.namespace ?? '';
  const gateway = (parent.kind ?? 'Gateway') === 'Gateway' ? around.gateway(namespace, parent.name) : undefined;
  if (!gateway) return undefined;
  return { accepted: await attach(route, parent, gateway, around), resolved: resolve(route, around) };
}

const good = (reason: string, message: string): Judgement => ({ status: 'True', reason, message });
const bad = (reason: string, message: string): Judgement => ({ status: 'False', reason, message });

async function attach(
  route: HttpRoute,
  { sectionName, port }: ParentRef,
  gateway: Gateway,
  around: Surroundings,
): Promise<Judgement> {
  const named = gateway.spec.listeners.filter(
    (listener) =>
      (sectionName === undefined || listener.name === sectionName) && (port === undefined || listener.port === port),
  );
  if (named.length === 0) return bad('NoMatchingParent', 'There are no listeners that match this parent ref');
  const open = named.filter(
    (listener) => ['HTTP', 'HTTPS'].includes(listener.protocol) && allows(listener, route, gateway, around),
  );
  if (open.length === 0)
    return bad('NotAllowedByListeners', `No listener allows routes of namespace ${route.metadata.namespace}`);
  const fitting = open.filter((listener) => fits(listener, route));
  if (fitting.length === 0)
    return bad(
      'NoMatchingListenerHostname',
      `There are no hostname intersections between ${(route.spec.hostnames ?? []).join(', ')} and this parent ref's listener(s)`,
    );
  const missing: string[] = [];
  for (const listener of fitting) {
    const secret = await missingCertificate(listener, gateway, around);
    if (secret === undefined) return good('Accepted', 'Route is accepted');
    missing.push(`listener ${listener.name}: TLS certificate Secret ${secret} was not found`);
  }
  // Each implementation has a reason of its own for this.
  return bad('NoReadyListeners', missing.join('; '));
}

function allows({ allowedRoutes }: Listener, route: HttpRoute, gateway: Gateway, around: Surroundings): boolean {
  const { from = 'Same', selector } = allowedRoutes?.namespaces ?? {};
  const namespace = route.metadata.namespace ?? '';
  if (from === 'All') return true;
  if (from === 'Same') return namespace === gateway.metadata.namespace;
  return selects(selector?.matchLabels, around.namespace(namespace)?.metadata.labels);
}

function fits({ hostname }: Listener, { spec: { hostnames = [] } }: HttpRoute): boolean {
  if (hostname === undefined || hostnames.length === 0) return true;
  return hostnames.some((host) => intersect(host, hostname));
}

async function missingCertificate(
  { tls }: Listener,
  { metadata }: Gateway,
  around: Surroundings,
): Promise<string | undefined> {
  for (const { name, namespace = metadata.namespace ?? '' } of tls?.certificateRefs ?? [])
    if (!(await around.hasSecret(namespace, name))) return `${namespace}/${name}`;
  return undefined;
}

function resolve(route: HttpRoute, around: Surroundings): Judgement {
  for (const backend of (route.spec.rules ?? []).flatMap(({ backendRefs = [] }) => backendRefs)) {
    const problem = backendProblem(route, backend, around);
    if (problem) return problem;
  }
  return good('ResolvedRefs', 'All references are resolved');
}

/** ReferenceGrants do not exist here: a Service of another namespace is never permitted. */
export function backendProblem(
  { metadata }: HttpRoute,
  { group = '', kind = 'Service', namespace, name, port }: BackendRef,
  around: Surroundings,
): Judgement | undefined {
  const own = metadata.namespace ?? '';
  if (group !== '' || kind !== 'Service')
    return bad('InvalidKind', `Kind ${group === '' ? kind : `${group}/${kind}`} is no backend`);
  if (namespace !== undefined && namespace !== own)
    return bad('RefNotPermitted', `Backend ref to Service ${namespace}/${name} not permitted by any ReferenceGrant`);
  const service = around.service(own, name);
  if (!service) return bad('BackendNotFound', `Service ${own}/${name} not found`);
  if (!service.spec?.ports?.some((one) => one.port === port))
    return bad('BackendNotFound', `TCP port ${port} not found on Service ${own}/${name}`);
  return undefined;
}
