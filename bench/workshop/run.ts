import { setImmediate as immediate } from 'node:timers/promises';
import type { Report } from '../../sandbox/binaries/progress.ts';
import { visitsOf } from '../../sandbox/controllers/workshop/arrivals.ts';
import { mulberry32 } from '../../sandbox/faults/random.ts';
import { observeMachine, sourceRevision } from '../machine.ts';
import { distribution, sum } from '../statistics.ts';
import { judge } from './goals.ts';
import type { CaseFigures, LiveFigures, WorkshopBench } from './result.ts';
import {
  AFTERMATH_SECONDS,
  type ArmName,
  armNames,
  arms,
  type CrowdName,
  completion,
  crowdNames,
  crowds,
  failRates,
  type Shape,
  settings,
  sizes,
} from './shape.ts';
import { World } from './world.ts';

/** Plays every case in virtual time. Throws when a world ends with people or claims that do not add up. */
export async function benchWorkshops(shape: Shape, report: Report): Promise<WorkshopBench> {
  const startedAt = new Date();
  const describeMachine = await observeMachine();
  const { cases, live } = await measure(shape, report);
  const revision = await sourceRevision();
  return {
    bench: 'workshop',
    shape,
    startedAt: startedAt.toISOString(),
    seconds: Math.round((Date.now() - startedAt.getTime()) / 1000),
    machine: describeMachine(),
    versions: { ...(revision === undefined ? {} : { Groundwork: revision }), Node: process.version },
    cases,
    ...(live ? { live } : {}),
    goals: judge(cases, live),
  };
}

/** With real servers, the rules are played while these come to rest. */
async function measure(shape: Shape, report: Report): Promise<{ cases: CaseFigures[]; live?: LiveFigures }> {
  const play = () => playAll(shape.seeds, report);
  if (!shape.live) return { cases: await play() };
  const { measureLive } = await import('./live.ts');
  const { figures, meanwhile } = await measureLive(shape.live, report, play);
  return { cases: meanwhile, live: figures };
}

async function playAll(seeds: number, report: Report): Promise<CaseFigures[]> {
  const cases: CaseFigures[] = [];
  for (const crowd of crowdNames) {
    report(`${seeds} worlds of each case: ${crowds[crowd].words}`);
    for (const size of sizes) {
      for (const failRate of failRates) {
        for (const arm of armNames) cases.push(await playCase({ crowd, ...size, failRate, arm }, seeds));
      }
    }
  }
  return cases;
}

interface Case {
  crowd: CrowdName;
  seatsPerClaim: number;
  count: number;
  failRate: number;
  arm: ArmName;
}

interface Outcome {
  arrived: number;
  rejected: number;
  idleClaimMinutes: number;
  writes: number;
  finalCount: number;
  early: { count: number; writes: number } | undefined;
  reaction: number | undefined;
}

async function playCase(given: Case, seeds: number): Promise<CaseFigures> {
  const outcomes: Outcome[] = [];
  for (let seed = 1; seed <= seeds; seed++) {
    outcomes.push(play(given, seed));
    // Proxies of the servers live in this process.
    await immediate();
  }
  const of = (figure: (outcome: Outcome) => number | undefined) =>
    outcomes.map(figure).filter((value) => value !== undefined);
  const some = (sample: number[]) => (sample.length === 0 ? undefined : distribution(sample));
  const [count, writes] = [some(of(({ early }) => early?.count)), some(of(({ early }) => early?.writes))];
  const { crowd, seatsPerClaim, failRate, arm } = given;
  return {
    ...{ crowd, seatsPerClaim, failRate, arm },
    arrived: sum(of(({ arrived }) => arrived)) / seeds,
    rejected: distribution(of(({ rejected }) => rejected)),
    idleClaimMinutes: distribution(of(({ idleClaimMinutes }) => idleClaimMinutes)),
    writes: distribution(of((outcome) => outcome.writes)),
    finalCount: distribution(of(({ finalCount }) => finalCount)),
    early: count && writes && { count, writes },
    reaction: some(of(({ reaction }) => reaction)),
  };
}

function play({ crowd, seatsPerClaim, count, failRate, arm }: Case, seed: number): Outcome {
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
  const until = (visits.at(-1)?.at ?? 0) + AFTERMATH_SECONDS;
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
