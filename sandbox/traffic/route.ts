import { presentTargets, targetHealth } from '../aws/lifecycle.ts';
import type { RegionTables, Rule, Target, TargetGroup } from '../aws/model.ts';

/** Where a balancer of the endpoint sends one request, by the rules, weights and target health that it has at this moment. */

export interface Wish {
  balancer: string;
  host: string;
  /** Port of the listener. */
  port: number;
}

export type Way =
  | { kind: 'target'; targetGroup: TargetGroup; target: Target }
  /** The balancer answers itself. */
  | { kind: 'answered'; status: number; why: string };

export interface Sight {
  tables: RegionTables;
  now: number;
  /** Real milliseconds until a new target is healthy. */
  healthWaitMs: number;
  /** From 0 to below 1. */
  random: () => number;
}

export function route(sight: Sight, wish: Wish): Way {
  const { tables } = sight;
  const balancer = [...tables.loadBalancers.values()].find(({ name }) => name === wish.balancer);
  const listener = [...tables.listeners.values()].find(
    ({ loadBalancerArn, port }) => loadBalancerArn === balancer?.arn && port === wish.port,
  );
  if (!listener) return { kind: 'answered', status: 0, why: `no listener on port ${wish.port} of ${wish.balancer}` };
  const rules = [...tables.rules.values()]
    .filter(({ listenerArn }) => listenerArn === listener.arn)
    .sort((a, b) => order(a) - order(b));
  const rule = rules.find((candidate) => matches(candidate, wish.host));
  const action = rule?.actions.at(-1);
  if (action?.type === 'fixed-response')
    return { kind: 'answered', status: Number(action.statusCode), why: `fixed response of rule ${rule?.priority}` };
  if (action?.type !== 'forward') return { kind: 'answered', status: 404, why: 'no rule forwards it' };
  const arn = byWeight(action.targetGroups, sight.random);
  const group = arn === undefined ? undefined : tables.targetGroups.get(arn);
  if (!group) return { kind: 'answered', status: 503, why: 'no target group has weight' };
  const target = pick(targetsFor(sight, group), sight.random);
  return target
    ? { kind: 'target', targetGroup: group, target }
    : { kind: 'answered', status: 503, why: `no target of ${group.name} can take it` };
}

const order = ({ priority }: Rule) => (priority === 'default' ? Number.POSITIVE_INFINITY : priority);

/** A rule without a host condition takes every host; wildcards are those of ELBv2. */
function matches(rule: Rule, host: string): boolean {
  const conditions = rule.conditions.filter(({ field }) => field === 'host-header');
  return conditions.every(({ values }) => values.some((value) => pattern(value).test(host)));
}

function pattern(value: string): RegExp {
  const escaped = value.replace(/[.+^${}()|[\]\\]/g, '\\$&');
  return new RegExp(`^${escaped.replace(/\*/g, '.*').replace(/\?/g, '.')}$`, 'i');
}

function byWeight(groups: readonly { arn: string; weight: number }[], random: () => number): string | undefined {
  let left = random() * groups.reduce((total, { weight }) => total + weight, 0);
  for (const { arn, weight } of groups) {
    if (weight > 0 && left < weight) return arn;
    left -= weight;
  }
  return undefined;
}

/** Healthy targets; when all that are checked are unhealthy the balancer tries them anyway. */
function targetsFor({ now, healthWaitMs }: Sight, group: TargetGroup): Target[] {
  const seen = presentTargets(group, now).map((target) => ({
    target,
    state: targetHealth(group, target, now, healthWaitMs).state,
  }));
  const of = (...states: string[]) => seen.filter(({ state }) => states.includes(state)).map(({ target }) => target);
  const healthy = of('healthy', 'unavailable');
  return healthy.length > 0 ? healthy : of('unhealthy');
}

function pick<T>(items: readonly T[], random: () => number): T | undefined {
  return items[Math.floor(random() * items.length)];
}
