import { visitsOf } from '../../sandbox/controllers/workshop/arrivals.ts';
import { mulberry32 } from '../../sandbox/faults/random.ts';
import { sum } from '../statistics.ts';
import type { Outcome } from './result.ts';
import { AFTERMATH_SECONDS, type ArmName, arms, type CrowdName, completion, crowds, settings } from './shape.ts';
import { World } from './world.ts';

export interface Case {
  crowd: CrowdName;
  seatsPerClaim: number;
  count: number;
  failRate: number;
  arm: ArmName;
}

/** One world in memory. Throws when it ends with people or claims that do not add up. */
export function play(
  { crowd, seatsPerClaim, count, failRate, arm }: Case,
  seed: number,
  aftermathSeconds: number = AFTERMATH_SECONDS,
): Outcome {
  const random = mulberry32(seed);
  const visits = visitsOf(crowds[crowd].plan, random);
  const knobs = { completion, failRate, hangRate: 0, seatsPerClaim, seed };
  const world = new World({ count, knobs, visits });
  let hotAt: number | undefined;
  world.onChange(() => {
    const { total, assigned } = world.seats();
    if (total > 0 && assigned / total >= settings.threshold) hotAt ??= world.now;
  });
  arms[arm].run(world, settings, random());
  const until = (visits.at(-1)?.at ?? 0) + aftermathSeconds;
  world.run(until);

  if (world.seated + world.rejected !== visits.length) throw new Error(`${arm}, seed ${seed}: log-ins were lost`);
  if (world.count > settings.cap) throw new Error(`${arm}, seed ${seed}: count ${world.count} is above the cap`);
  const idle = world.claims.filter(({ activeAt, everTaken }) => activeAt !== undefined && !everTaken);
  const first = world.firstNewActive;
  const before = world.writes.filter(({ at }) => at <= (first ?? 0));
  const next = hotAt === undefined ? undefined : world.writes.find(({ at }) => at >= (hotAt ?? 0));
  return {
    arrived: visits.length,
    rejected: world.rejected,
    idleClaimMinutes: sum(idle.map(({ activeAt = until }) => until - activeAt)) / 60,
    writes: world.writes.length,
    finalCount: world.count,
    early: first === undefined ? undefined : { count: before.at(-1)?.to ?? count, writes: before.length },
    reaction: next === undefined || hotAt === undefined ? undefined : next.at - hotAt,
  };
}
