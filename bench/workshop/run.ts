import { setImmediate as immediate } from 'node:timers/promises';
import type { Report } from '../../sandbox/binaries/progress.ts';
import { observeMachine, sourceRevision } from '../machine.ts';
import { distribution, sum } from '../statistics.ts';
import { judge } from './goals.ts';
import { type Case, play } from './play.ts';
import type { CaseFigures, FastFigures, LiveFigures, Outcome, WorkshopBench } from './result.ts';
import { armNames, crowdNames, crowds, type FastShape, failRates, type Shape, sizes } from './shape.ts';

/** Plays every case in virtual time. Throws when a world ends with people or claims that do not add up. */
export async function benchWorkshops(shape: Shape, report: Report): Promise<WorkshopBench> {
  const startedAt = new Date();
  const describeMachine = await observeMachine();
  const { cases, live } = await measure(shape, report);
  const fast = shape.fast && (await playFast(shape.fast, report));
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
    ...(fast ? { fast } : {}),
    goals: judge(cases, live, fast),
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

async function playFast(shape: FastShape, report: Report): Promise<FastFigures> {
  const { playOnServers } = await import('./fast.ts');
  return playOnServers(shape, report);
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
