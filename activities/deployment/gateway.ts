import { type FoundRoute, judgeRoutes, type RouteVerdict } from '../../domain/deployment/http-route.ts';
import type { DeploymentDependencies } from './dependencies.ts';
import { type Kind, kinds, type Live, ofScope, refOf, wire } from './objects.ts';

/** What a gate looks at with external DNS: the scope's HTTPRoute, what its gateway says of it, and the endpoints behind it. */

export async function seeRoutes(deps: DeploymentDependencies, namespace: string, scopeId: string) {
  const live = await ofScope<Live>(deps.kubernetes, kinds.route, namespace, scopeId);
  return live.map((route) => wire<FoundRoute>(route));
}

/** The gateways' word on routes; of one that says nothing also whether it exists. */
export async function askGateways(deps: DeploymentDependencies, routes: readonly FoundRoute[]): Promise<RouteVerdict> {
  const verdict = judgeRoutes(routes);
  if (verdict.kind !== 'waiting') return verdict;
  const absent: string[] = [];
  for (const name of new Set(verdict.missing)) {
    const [namespace = '', gateway = ''] = name.split('/');
    if (!(await deps.kubernetes.read(refOf(kinds.gateway, namespace, gateway)))) absent.push(name);
  }
  if (absent.length === 0) return verdict;
  return { ...verdict, message: `${verdict.message}; there is no Gateway ${absent.join(', ')}` };
}

/** Pods of a Service that may get requests: one has an endpoint for each address family. Absent conditions mean ready. */
export async function readyEndpoints(
  deps: DeploymentDependencies,
  namespace: string,
  service: string,
): Promise<number> {
  const slices = await deps.kubernetes.list<Live & Slice>(kinds.endpointSlice, {
    namespace,
    labelSelector: `kubernetes.io/service-name=${service}`,
  });
  const endpoints = slices.flatMap((slice) => slice.endpoints ?? []);
  const ready = endpoints.filter(({ conditions }) => conditions?.ready !== false);
  return new Set(ready.map(({ targetRef, addresses }) => targetRef?.uid ?? addresses?.[0])).size;
}

interface Slice {
  endpoints?: { addresses?: string[]; conditions?: { ready?: boolean }; targetRef?: { uid?: string } }[];
}

/** Only with external DNS a scope has a gateway in the place of a balancer. */
export function isByGateway({ scope }: { scope: { dnsType?: string } }): boolean {
  return scope.dnsType === 'external_dns';
}

/** What leads traffic to the versions of a scope. */
export function routeKind(request: { scope: { dnsType?: string } }): Kind {
  return isByGateway(request) ? kinds.route : kinds.ingress;
}
