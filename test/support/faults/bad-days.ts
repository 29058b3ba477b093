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
