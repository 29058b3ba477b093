import type { FaultEffect, FaultRule } from '../../../sandbox/faults/plan.ts';

/** What servers do on a bad day, and rules by which they do it now and then. */

export interface BadEffect {
  name: string;
  effect: FaultEffect;
}

/** `code` is that of the service's internal error. */
export const badEffects = (code: string): BadEffect[] => [
  { name: 'throttles', effect: { kind: 'throttle' } },
  { name: 'answers 500', effect: { kind: 'error', code, status: 500 } },
  { name: 'resets connections', effect: { kind: 'reset' } },
  { name: 'hangs', effect: { kind: 'hang' } },
  { name: 'ends in the middle of an answer', effect: { kind: 'truncate' } },
  { name: 'answers rubbish', effect: { kind: 'garbage' } },
];

export const ALL_OF_THEM = 'throttles, fails, resets, hangs, truncates and lies';

/** A rule for each effect before what was asked for is done, and one for after it; the seeds differ, `seed` is the first. */
export function strikes(
  effects: readonly BadEffect[],
  seed: number,
  rule: Pick<FaultRule, 'match' | 'probability'>,
): FaultRule[] {
  return effects.flatMap(({ effect }, index) =>
    (['before', 'after'] as const).map((when, side) => ({ ...rule, when, seed: 10 * index + side + seed, effect })),
  );
}

const services = ['elbv2', 'route53', 'kubernetes'] as const;
const effects = badEffects('InternalFailure');

/** Strikes the worker's calls, not those of the controllers; each service now and then, before the effect and after it. */
function onWorker(of: readonly BadEffect[], probability: number): FaultRule[] {
  return services.flatMap((service) => {
    const match = { service, ...(service === 'kubernetes' ? {} : { caller: 'sandbox' }) };
    return strikes(of, 1, { match, probability });
  });
}

/** Bad days of AWS and the Kubernetes API: each effect on a day of its own with probability `single`, or all at once with `mixed`. */
export function badDays(separately: boolean, { single, mixed }: { single: number; mixed: number }) {
  return separately
    ? effects.map((effect) => ({ name: effect.name, rules: onWorker([effect], single) }))
    : [{ name: ALL_OF_THEM, rules: onWorker(effects, mixed) }];
}
