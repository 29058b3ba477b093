import { describe, expect, test } from 'vitest';
import { distribution } from '../../bench/statistics.ts';
import { ours, proposal } from '../../bench/workshop/arms.ts';
import { judge } from '../../bench/workshop/goals.ts';
import { workshopLines } from '../../bench/workshop/print.ts';
import { charts, workshopSection } from '../../bench/workshop/report.ts';
import type { FastFigures, LiveFigures, Outcome, Traffic } from '../../bench/workshop/result.ts';
import { benchWorkshops } from '../../bench/workshop/run.ts';
import { armNames, settings, shapes } from '../../bench/workshop/shape.ts';
import { World } from '../../bench/workshop/world.ts';

const knobs = { completion: [600, 1200], failRate: 0, hangRate: 0, seatsPerClaim: 1, seed: 1 } as const;
const people = (number: number, at = 0) =>
  Array.from({ length: number }, (_, index) => ({ person: `p${index}`, at: at + index }));

describe('the world of the workshop benchmark', () => {
  test('makes one claim a pass, gives its seat when it is complete, and rejects who finds none', () => {
    const world = new World({ count: 2, knobs, visits: people(3) });
    world.run(30);
    expect([world.seated, world.rejected]).toEqual([2, 1]);
    world.write(5);
    world.run(60);
    expect([world.claims.length, world.number('provisioning')]).toEqual([5, 3]);
    world.run(1300);
    expect([world.number('active'), world.seats()]).toEqual([5, { total: 5, assigned: 2 }]);
  });

  test('stops making claims when 60 % failed, and replaces them before', () => {
    const world = new World({ count: 0, knobs: { ...knobs, failRate: 1 }, visits: [] });
    world.write(10);
    world.run(20_000);
    expect(world.number('failed')).toBe(world.claims.length);
    const made = world.claims.length;
    world.run(40_000);
    expect(world.claims.length).toBe(made);
  });
});

test('R2 W22 the rush before any new claim: the proposal runs to its cap, ours takes one step', () => {
  const writes = (arm: typeof proposal) => {
    const world = new World({ count: 10, knobs, visits: people(75) });
    arm(world, settings, 0.5);
    world.run(600);
    return world.writes.map(({ to }) => to);
  };
  expect(writes(proposal)).toEqual([15, 22, 33, 40]);
  expect(writes(ours('ratio'))).toEqual([15]);
});

test('every case is played, and the same seeds give the same figures', async () => {
  const run = await benchWorkshops(shapes.tiny, () => {});
  expect(run.cases).toHaveLength(4 * 2 * 2 * 4);
  expect(run.goals.map(({ met }) => met)).toEqual([true, true, true]);
  expect(judge((await benchWorkshops(shapes.tiny, () => {})).cases)).toEqual(run.goals);
  expect(workshopSection(run)).toContain('| Groundwork, ratio |');
  expect(workshopLines(run).at(-1)).toMatch(/^met /);
  expect(Object.keys(charts(run))).toEqual(['performance-workshop-idle.svg', 'performance-workshop-rejected.svg']);

  const measured = { ...run, live: live({ p95: 2.4, residentMb: 300 }), fast: fast({ proposal: 40, ratioWrites: 1 }) };
  expect(judge(run.cases, measured.live).map(({ met }) => met)).toEqual([true, true, true, true, true]);
  expect(judge(run.cases, live({ p95: 3.1, residentMb: 510 })).map(({ met }) => met)).toEqual([
    ...[true, true, true],
    ...[false, false],
  ]);
  expect(judge(run.cases, undefined, measured.fast).map(({ met }) => met)).toEqual([true, true, true, true, true]);
  const bad = fast({ proposal: 22, ratioWrites: 2 });
  expect(judge(run.cases, undefined, bad).map(({ met }) => met)).toEqual([...[true, true, true], ...[false, false]]);
  expect(workshopSection(measured)).toContain('| rush | Groundwork, ratio | 65 (64) of 75 | 137 (137) | 1 (1) |');
  expect(workshopSection(measured)).toContain('| requests to the API server a minute | 32 | 432 |');
  expect(workshopLines(measured).join('\n')).toMatch(/p95 2\.40 s/);
  expect(workshopSection(measured) + workshopLines(measured).join('\n')).not.toMatch(/undefined|NaN/);
  expect(Object.keys(charts(measured))).toEqual(
    expect.arrayContaining(['performance-workshop-requests.svg', 'performance-workshop-servers.svg']),
  );
});

/** Figures of real servers, as a run has them. */
function live({ p95, residentMb }: { p95: number; residentMb: number }): LiveFigures {
  const traffic = (requests: number): Traffic => ({
    seconds: 60,
    requestsPerMinute: { GET: requests, PATCH: 32 },
    largestResidentMb: residentMb,
    cpuShare: 0.1,
    eventsPerProvisionAndHour: distribution([0]),
  });
  const machine = { cpu: 'x', cores: 2, memoryGb: 4, os: 'Linux', busyBefore: 0, loadBefore: 0, loadAfter: 0 };
  const profile = { machine, versions: { Node: 'v20' }, temporalFlags: [], postgres: {}, worker: {} };
  return { profile, provisions: 200, reaction: distribution([p95]), idle: traffic(0), busy: traffic(400) };
}

/** Figures of real servers in fast motion, as a run has them. */
function fast({ proposal, ratioWrites }: { proposal: number; ratioWrites: number }): FastFigures {
  const outcome = (early: NonNullable<Outcome['early']>): Outcome => ({
    ...{ arrived: 75, rejected: 65, idleClaimMinutes: 137, writes: early.writes, finalCount: early.count },
    ...{ early, reaction: undefined },
  });
  const early = { proposal: { count: proposal, writes: 4 }, ratio: { count: 15, writes: ratioWrites } };
  const cases = armNames.map((arm) => {
    const served = outcome(arm === 'proposal' || arm === 'ratio' ? early[arm] : { count: 15, writes: 5 });
    return { crowd: 'rush' as const, arm, served, memory: { ...served, rejected: 64 } };
  });
  return { profile: live({ p95: 1, residentMb: 1 }).profile, speed: 60, seed: 1, cases };
}
