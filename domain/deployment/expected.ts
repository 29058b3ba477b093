import type { HostRouting } from '../../contract/deployment/status.ts';
import { ALB } from '../scope/keeper.ts';
import type { OwnRouting } from './rollout/routing.ts';
import type { BackendService, RoutePort, RouteShape } from './shape.ts';

/** What the balancer must do for a routing (specs: deployment, section 10). */

export interface WeightedService {
  service: BackendService;
  /** Percent of the traffic; those of one port sum to 100. */
  percent: number;
}

/**
 * The Services behind one port, blue before green. A port that blue lacks carries green alone; one that green lacks carries
 * blue alone until its Ingress is removed.
 */
export function weightsOf({ services: { blue, green } }: RoutePort, routing: OwnRouting): WeightedService[] {
  if (blue && green) {
    if (routing.form === 'single') return [{ service: routing.side === 'green' ? green : blue, percent: 100 }];
    return [
      { service: blue, percent: 100 - routing.percent },
      { service: green, percent: routing.percent },
    ];
  }
  const only = green ?? blue;
  return only ? [{ service: only, percent: 100 }] : [];
}

/** Weight per Service for every host on every listener of the scope, main listener first. */
export function expectedRouting(shape: RouteShape, routing: OwnRouting): HostRouting[] {
  return shape.ports.flatMap((port) =>
    shape.hosts.map((host) => ({
      host,
      port: port.listener,
      weights: Object.fromEntries(weightsOf(port, routing).map(({ service, percent }) => [service.name, percent])),
    })),
  );
}

/** Percent that green gets where it gets most, of the listeners that both versions serve, by what they are seen to do. */
export function greenPercent({ ports }: RouteShape, actual: readonly HostRouting[]): number {
  const shares = ports.flatMap(({ listener, services: { blue, green } }) =>
    blue && green ? actual.flatMap(({ port, weights }) => (port === listener ? (weights[green.name] ?? 0) : [])) : [],
  );
  return Math.max(0, ...shares);
}

/** An Ingress of the cluster, as far as its routing goes. */
export interface FoundIngress {
  metadata?: { name?: string; annotations?: Record<string, string> };
  spec?: {
    rules?: {
      host?: string;
      http?: { paths?: { backend?: { service?: { name?: string; port?: { name?: string; number?: number } } } }[] };
    }[];
  };
}

/** What Ingresses that exist say; weights in percent. An action that cannot be read gives no weights. */
export function routingOf(found: readonly FoundIngress[]): HostRouting[] {
  return found.flatMap((ingress) => {
    const port = listenerOf(ingress);
    return (ingress.spec?.rules ?? []).flatMap(({ host, http }) => {
      if (host === undefined) return [];
      const service = http?.paths?.[0]?.backend?.service;
      return [{ host: host.toLowerCase(), port, weights: backendWeights(ingress, service) }];
    });
  });
}

function listenerOf({ metadata }: FoundIngress): number {
  try {
    const ports = JSON.parse(metadata?.annotations?.[`${ALB}/listen-ports`] ?? '[]') as Record<string, number>[];
    return ports.map(({ HTTPS }) => HTTPS).find((port) => port !== undefined) ?? 443;
  } catch {
    return 443;
  }
}

type Backend = { name?: string; port?: { name?: string; number?: number } } | undefined;

function backendWeights({ metadata }: FoundIngress, service: Backend): Record<string, number> {
  if (service?.name === undefined) return {};
  if (service.port?.name !== 'use-annotation') return { [service.name]: 100 };
  try {
    const action = JSON.parse(metadata?.annotations?.[`${ALB}/actions.${service.name}`] ?? '{}') as {
      forwardConfig?: { targetGroups?: { serviceName?: string; weight?: number }[] };
    };
    const groups = action.forwardConfig?.targetGroups ?? [];
    return percentages(groups.map(({ serviceName, weight }) => [serviceName ?? '', weight ?? 1]));
  } catch {
    return {};
  }
}

/** Shares in percent, rounded to hundredths, of weights of any sum. */
export function percentages(weights: readonly (readonly [string, number])[]): Record<string, number> {
  const total = weights.reduce((sum, [, weight]) => sum + weight, 0);
  const shares: Record<string, number> = {};
  for (const [name, weight] of weights) {
    const share = total === 0 ? 0 : Math.round((weight * 10_000) / total) / 100;
    shares[name] = (shares[name] ?? 0) + share;
  }
  return shares;
}
