import type { Observation } from './observation.ts';
import { readTime } from './times.ts';

/** Lifespan and action schedule of workshop and provision in milliseconds; what is no time is left out. */
export function schedulesOf(observation: Observation) {
  return (['workshop', 'provision'] as const).map((on) => {
    const { lifespanStart, lifespanEnd, actionStart, actionStop } = observation[on]?.schedule ?? {};
    return {
      on,
      end: readTime(lifespanEnd),
      start: readTime(lifespanStart),
      stopAt: readTime(actionStop),
      startAt: readTime(actionStart),
    };
  });
}

/** When the answer of the schedule changes by itself next: whoever waits for nothing else must look then. */
export function nextScheduleChange(
  observation: Observation,
  expectedProvisioningSeconds: number,
  now: number,
): number | undefined {
  const times = schedulesOf(observation).flatMap(({ end, start, stopAt, startAt }) => [
    end,
    end === undefined ? undefined : end - expectedProvisioningSeconds * 1000 + 1,
    start,
    stopAt,
    startAt,
  ]);
  const ahead = times.filter((time) => time !== undefined && time > now) as number[];
  return ahead.length === 0 ? undefined : Math.min(...ahead);
}
