import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { StandingRecommendation } from '../../../contract/workshop/state.ts';
import { recommend, smallestSince } from '../../../domain/workshop/stabilization.ts';
import { newState } from '../../../domain/workshop/state.ts';
import { at, enabled, lookAlong, NOW, type Situation } from './build.ts';

/** Proportional growth from 10 in a window of 60 s: seats taken x 2 is the target. */
const autoScaling = { ...enabled, strategy: 'target', threshold: 0.5, stabilizationSeconds: 60 };
const asking = (assigned: number, more: object = {}): Situation => ({
  ...{ count: 10, assigned, autoScaling: { ...autoScaling, ...more } },
});

describe('section 2: a recommendation stands for stabilizationSeconds, and its smallest target is used', () => {
  test('from its first look on', () => {
    const { decisions } = lookAlong([
      [0, asking(8)],
      [59, asking(7)],
      [60, asking(9)],
    ]);
    expect(decisions).toMatchObject([
      { reason: 'Stabilizing', target: 16, until: at(60) },
      { reason: 'Stabilizing', target: 14, until: at(60) },
      { reason: 'Scale', rawTarget: 18, target: 14, clips: ['Stabilized'] },
    ]);
  });

  test('a target that was seen before the window and held into it counts, however few the looks', () => {
    const cooling = { ...newState(), cooldownUntil: NOW + 120_000 };
    const { decisions } = lookAlong(
      [
        [0, asking(5)],
        [119, asking(10)],
        [120, asking(10)],
      ],
      cooling,
    );
    expect(decisions.at(-1)).toMatchObject({ reason: 'Scale', rawTarget: 20, target: 11, clips: ['Stabilized'] });
  });

  test.each([
    ['approval is waited for', { approvalAbove: 10 }],
    ['nothing is written', { dryRun: true }],
  ])('one that was given up before the window does not, also while %s', (_, more) => {
    const { decisions } = lookAlong([
      [0, asking(6, more)],
      [60, asking(6, more)],
      [61, asking(10, more)],
      [120, asking(10, more)],
      [121, asking(10, more)],
    ]);
    expect(decisions.map(({ target }) => target)).toEqual([12, 12, 12, 12, 20]);
  });

  test('as a naive list of all looks says it', () => {
    const looks = fc.array(
      fc.record({ after: fc.integer({ min: 0, max: 90 }), target: fc.integer({ min: 11, max: 20 }) }),
      {
        minLength: 1,
        maxLength: 50,
      },
    );
    fc.assert(
      fc.property(looks, fc.integer({ min: 0, max: 300 }), (given, window) => {
        let now = 0;
        let standing: StandingRecommendation | undefined;
        const seen = given.map(({ after, target }) => {
          now += after;
          standing = recommend(standing, 10, target, now);
          return { at: now, target };
        });
        const from = Math.max(standing?.since ?? 0, now - window);
        const held = seen.filter((_, index) => (seen[index + 1]?.at ?? Infinity) > from);
        expect(standing && smallestSince(standing, from)).toBe(Math.min(...held.map(({ target }) => target)));
      }),
    );
  });
});
