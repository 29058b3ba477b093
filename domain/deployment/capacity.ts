import type { Failure } from '../../contract/failures.ts';
import type { Thresholds } from '../scope/request.ts';
import type { RouteShape } from './shape.ts';

/** Whether a balancer has room for the height of a rollout (specs: deployment, section 6). */

export interface BalancerLoad {
  /** Non-default rules over all listeners. */
  rules: number;
  targetGroups: number;
  listeners: number;
}

/** What this scope has there when both sides are behind its Ingresses. `taken`: ports that other scopes listen on. */
export function peakLoad({ hosts, ports }: RouteShape, taken: readonly number[]): BalancerLoad {
  return {
    targetGroups: ports.reduce((sum, { services }) => sum + Object.keys(services).length, 0),
    listeners: ports.filter(({ additional, listener }) => additional && !taken.includes(listener)).length,
    rules: hosts.length * ports.length,
  };
}

/** The balancer's effective load without what is this scope's own, never below 0. */
export function othersLoad(effective: BalancerLoad, own: BalancerLoad): BalancerLoad {
  const without = (key: keyof BalancerLoad) => Math.max(0, effective[key] - own[key]);
  return { rules: without('rules'), targetGroups: without('targetGroups'), listeners: without('listeners') };
}

/** `NoCapacity` with every figure, or undefined. `ownRules`: rules that the scope has there already. */
export function capacityProblem(
  balancer: string,
  others: BalancerLoad,
  peak: BalancerLoad,
  thresholds: Thresholds,
  ownRules: number,
): Failure | undefined {
  const beyond = (key: keyof BalancerLoad) => others[key] + peak[key] > thresholds[key];
  const crossed = [
    ...(['targetGroups', 'listeners'] as const).filter((key) => others[key] >= thresholds[key] || beyond(key)),
    ...(peak.rules > ownRules && beyond('rules') ? (['rules'] as const) : []),
  ];
  if (crossed.length === 0) return undefined;
  const keys = ['targetGroups', 'listeners', 'rules'] as const;
  const figures = keys.map((key) => `${WORDS[key]} ${others[key]} + ${peak[key]} of ${thresholds[key]}`).join(', ');
  const hints = [
    ...(crossed.includes('targetGroups')
      ? ['the quota of target groups cannot be raised: fewer ports, or another balancer']
      : []),
    ...(crossed.includes('listeners') ? ['raise albMaxListeners together with the AWS quota'] : []),
    ...(crossed.includes('rules') ? ['raise albMaxCapacity together with the AWS quota of rules'] : []),
    'wait until other rollouts on this balancer have ended',
  ];
  return {
    type: 'NoCapacity',
    message: `balancer ${balancer} has no room for this rollout (others + own of threshold): ${figures}. ${hints.join('; ')}`,
    details: { balancer, others, peak, thresholds, crossed, hints },
  };
}

const WORDS: Record<keyof BalancerLoad, string> = {
  targetGroups: 'target groups',
  listeners: 'listeners',
  rules: 'rules',
};
