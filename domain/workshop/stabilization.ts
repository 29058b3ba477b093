import type { StandingRecommendation } from '../../contract/workshop/state.ts';

/** A recommendation must stand for a while, and its smallest target is used (`stabilizationSeconds`). */

const MOST = 60;

/** The recommendation with one more look at it. Another count makes it a new one. */
export function recommend(
  standing: StandingRecommendation | undefined,
  from: number,
  target: number,
  at: number,
): StandingRecommendation {
  if (standing?.from !== from) return { from, since: at, targets: [{ at, target }] };
  // An older target that is not smaller can never be the smallest again.
  const targets = [...standing.targets.filter((older) => older.target < target), { at, target }];
  while (targets.length > MOST) {
    // The smaller one stands for its neighbour as well: never more is recommended than was seen.
    const [first, second, ...rest] = targets;
    if (!first || !second) break;
    targets.splice(0, targets.length, { at: second.at, target: first.target }, ...rest);
  }
  return { ...standing, targets };
}

/** The smallest target since `from` milliseconds. */
export function smallestSince(standing: StandingRecommendation, from: number): number {
  const within = standing.targets.filter(({ at }) => at >= from);
  return Math.min(...(within.length > 0 ? within : standing.targets.slice(-1)).map(({ target }) => target));
}
