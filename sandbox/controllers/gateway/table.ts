import type { EndpointSlice } from '../objects.ts';
import { intersect } from './hosts.ts';

/** What the gateways' proxies were told: they go on with it while the controller is down. */

export interface ProgrammedRoute {
  /** `<namespace>/<name>` of the gateways that accepted it. */
  gateways: string[];
  namespace: string;
  /** Empty: every host. */
  hosts: string[];
  /** Absent `service`: a reference that cannot be resolved, whose share of the requests fails. */
  backends: { service?: string; weight: number }[];
  /** The older route wins a host. */
  since: string;
}

export type GatewayWay =
  | { kind: 'endpoint'; ip: string; service: string }
  | { kind: 'answered'; status: number; why: string };

/** The route that a gateway takes for a host. */
export function routeFor(
  routes: readonly ProgrammedRoute[],
  gateway: string,
  host: string,
): ProgrammedRoute | undefined {
  const fitting = routes
    .filter((route) => route.gateways.includes(gateway))
    .map((route) => ({ route, rank: rankOf(route, host.toLowerCase()) }))
    .filter(({ rank }) => rank > 0)
    .sort((a, b) => b.rank - a.rank || (a.route.since < b.route.since ? -1 : 1));
  return fitting[0]?.route;
}

export function wayThrough(
  routes: readonly ProgrammedRoute[],
  slices: readonly EndpointSlice[],
  { gateway, host, random }: { gateway: string; host: string; random: () => number },
): GatewayWay {
  const route = routeFor(routes, gateway, host);
  if (!route) return { kind: 'answered', status: 404, why: `no route of ${gateway} has the host` };
  const backend = byWeight(route.backends, random);
  if (!backend) return { kind: 'answered', status: 500, why: 'no backend has weight' };
  const { service } = backend;
  if (service === undefined) return { kind: 'answered', status: 500, why: 'a backend cannot be resolved' };
  const endpoints = slices
    .filter(({ metadata }) => metadata.namespace === route.namespace)
    .filter(({ metadata }) => metadata.labels?.['kubernetes.io/service-name'] === service)
    .flatMap((slice) => slice.endpoints ?? [])
    .filter(({ conditions }) => conditions?.ready !== false);
  const ip = endpoints[Math.floor(random() * endpoints.length)]?.addresses[0];
  if (ip === undefined) return { kind: 'answered', status: 503, why: `Service ${service} has no ready endpoint` };
  return { kind: 'endpoint', ip, service };
}

/** An exact host outranks a wildcard, a longer wildcard a shorter one; 0: it does not have the host. */
function rankOf({ hosts }: ProgrammedRoute, host: string): number {
  if (hosts.length === 0) return 1;
  const ranks = hosts.filter((one) => intersect(one, host)).map((one) => (one === host ? 1_000 : 1 + one.length));
  return Math.max(0, ...ranks);
}

function byWeight<T extends { weight: number }>(backends: readonly T[], random: () => number): T | undefined {
  let left = random() * backends.reduce((total, { weight }) => total + weight, 0);
  for (const backend of backends) {
    if (backend.weight > 0 && left < backend.weight) return backend;
    left -= backend.weight;
  }
  return undefined;
}
