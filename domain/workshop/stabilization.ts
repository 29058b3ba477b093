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
  // Since an older one that is not smaller began, nothing smaller than this one was asked for.
  const smaller = standing.targets.filter((older) => older.target < target);
  const targets = [...smaller, { at: standing.targets[smaller.length]?.at ?? at, target }];
  // One that is left out is stood for by the smaller one before it: never more is recommended than was seen.
  return { ...standing, targets: targets.length > MOST ? targets.toSpliced(1, 1) : targets };
}

/** The smallest target since `from` milliseconds. Each stands until the next, however long nobody looked. */
export function smallestSince({ targets }: StandingRecommendation, from: number): number {
  const since = targets.filter((_, index) => (targets[index + 1]?.at ?? Infinity) > from);
  return Math.min(...since.map(({ target }) => target));
}
