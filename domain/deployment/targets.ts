import type { Side } from '../../contract/deployment/status.ts';
import type { DnsType } from '../../contract/scope/input.ts';
import type { TargetNeed } from './rollout/types.ts';
import type { DeploymentTimings } from './settings.ts';

/** Whether the targets behind a side can take its traffic (specs: deployment, sections 7 and 10). */

/** Health of one target group: how many targets are in each state. */
export interface GroupHealth {
  arn: string;
  service: string;
  states: Partial<Record<TargetState, number>>;
}

export type TargetState = 'initial' | 'healthy' | 'unhealthy' | 'unused' | 'draining' | 'unavailable';

export interface SideHealth {
  /** Target groups of the side that rules name. */
  groups: GroupHealth[];
  /** Ready pods by the Deployment's status. */
  readyPods: number;
}

export type Health = Partial<Record<Side, SideHealth>>;

export interface TargetVerdict {
  ok: boolean;
  /** Of each side that was asked about, the fewest healthy targets of its groups. */
  healthy: Partial<Record<Side, number>>;
  /** One line for each target group that is not healthy enough. */
  missing: string[];
}

/** `ids` names the sides in the lines. */
export function judgeTargets(
  needs: readonly TargetNeed[],
  health: Health,
  healthyPercent: number,
  ids: Partial<Record<Side, string>>,
): TargetVerdict {
  const healthy: Partial<Record<Side, number>> = {};
  const missing: string[] = [];
  for (const { side, healthy: wanted } of needs) {
    const { groups, readyPods } = health[side] ?? { groups: [], readyPods: 0 };
    const needed = wanted !== 'planned' ? 1 : Math.max(1, Math.ceil((readyPods * healthyPercent) / 100));
    const counts = groups.map((group) => ({ group, count: healthyTargets(group, readyPods) }));
    healthy[side] = counts.length === 0 ? 0 : Math.min(...counts.map(({ count }) => count));
    const name = ids[side] ?? side;
    if (groups.length === 0) missing.push(`${name} has no target group on the balancer yet`);
    for (const { group, count } of counts) {
      if (count < needed)
        missing.push(`${name}: ${count} of ${needed} targets of ${group.service} healthy${states(group)}`);
    }
  }
  return { ok: missing.length === 0, healthy, missing };
}

/** ALB may call the targets of a group that gets no weight `unused`: then ready pods count. */
export function healthyTargets({ states }: GroupHealth, readyPods: number): number {
  const all = Object.values(states).reduce((sum, count) => sum + (count ?? 0), 0);
  return all > 0 && states.unused === all ? Math.min(all, readyPods) : (states.healthy ?? 0);
}

function states({ states: counts }: GroupHealth): string {
  const others = Object.entries(counts).filter(([state, count]) => state !== 'healthy' && count > 0);
  return others.length === 0 ? '' : ` (${others.map(([state, count]) => `${count} ${state}`).join(', ')})`;
}

type Patience = Pick<DeploymentTimings, 'reconcileTimeout' | 'targetHealthTimeout' | 'unhealthyTolerance'>;

/** What decides how long targets are waited for. */
export interface Targeted {
  scope: { dnsType: DnsType };
  timings: Patience;
  workload: { healthCheck: { periodSeconds: number } };
}

/** Seconds that a gate waits for healthy targets: time for two checks and a minute, or what is configured, and never less than for the rules. */
export function targetSeconds({ scope, timings, workload }: Targeted): number {
  const { reconcileTimeout, targetHealthTimeout } = timings;
  // Endpoints are ready with their Pods: nobody else checks them first.
  if (scope.dnsType === 'external_dns') return reconcileTimeout;
  return Math.max(reconcileTimeout, targetHealthTimeout ?? 2 * workload.healthCheck.periodSeconds + 60);
}

/** Seconds that a change of the routing may take by its own deadlines: targets before, how ill they were, and the gate. */
export function routingSeconds(
  request: Targeted,
  { before, after }: { before: readonly TargetNeed[]; after: readonly TargetNeed[] },
): number {
  const { unhealthyTolerance } = request.timings;
  const first = before.length > 0 ? targetSeconds(request) : 0;
  const looked = after.some(({ healthy }) => healthy === 'as-before') ? unhealthyTolerance : 0;
  return first + looked + targetSeconds(request);
}

/** What is wrong with a side that has weight while traffic holds, or undefined. */
export function illness(
  side: { healthyTargets: number; available: number; planned: number },
  id: string,
): string | undefined {
  if (side.healthyTargets === 0) return `${id} has traffic and no healthy target`;
  if (side.available * 2 < side.planned) {
    return `${id} has traffic and only ${side.available} of ${side.planned} planned instances available`;
  }
  return undefined;
}
