import { join } from 'node:path';
import { expect, inject, test } from 'vitest';
import { benchIp, ipBench } from '../../bench/ip/bench.ts';
import { shapes } from '../../bench/ip/shape.ts';
import { keepEnvironment } from '../support/keep-environment.ts';

/** The benchmark of the IP room in its smallest shape: what it counts is right. Times and memory are not judged here. */

keepEnvironment(); // a benchmark forgets the servers of who runs it

test('npm run bench -- ip counts, proves that nothing overlaps or is left, and judges every goal', {
  timeout: 240_000,
}, async () => {
  const run = await benchIp(shapes.tiny, () => {}, join(inject('dist'), 'worker/main.js'));
  expect(run.occupancies.map(({ live, claim, release }) => [live, claim.count, release.count])).toEqual([
    [10, 20, 20],
    [1_000, 20, 20],
    [1_000, 20, 20],
    [1_000, 20, 20],
  ]);
  expect(run.occupancies.map(({ held }) => held)).toEqual([
    'one pool',
    'one pool',
    'one pool, Sparse',
    '4 child pools',
  ]);
  const [emptiest, fullest] = run.occupancies;
  expect(fullest?.tuples).toBeLessThanOrEqual(2 * (emptiest?.tuples ?? 0));
  expect(run.crowd).toMatchObject({ claim: { count: 20 }, release: { count: 20 }, denial: { count: 10 } });

  expect(run.arms.arms).toHaveLength(10);
  for (const { arm, one, several, events, transactions } of run.arms.arms) {
    expect([arm, one.count, several.count]).toEqual([arm, 2, 4]);
    if (arm.includes('start')) expect(events, arm).toBeGreaterThan(4);
    else expect(events, arm).toBeUndefined();
    expect(transactions, arm).toBe(arm.includes('empty') ? 0 : arm.includes('search') ? 2 : 1);
  }
  const { load } = run;
  expect([load.failures, load.failureWords]).toEqual([0, []]);
  const callsOf = (shape: string) => load.rows.find((row) => row.shape.startsWith(shape))?.times;
  expect(callsOf('claim and release')).toMatchObject({ create: {}, delete: {} });
  expect(callsOf('denial')?.deny?.count).toBeGreaterThan(0);
  expect(callsOf('10 claims at one instant')?.create?.count).toBe(10);
  expect(callsOf('draining')).toMatchObject({ create: { count: 8 }, deny: { count: 2 } });
  expect(load.rows.filter(({ shape }) => shape.startsWith('depth'))).toHaveLength(5);
  expect(callsOf('reads beside')?.list?.count).toBeGreaterThan(0);
  expect(callsOf('10 claims a second')?.create?.count).toBe(5);
  expect(load.given).toBeGreaterThan(40);
  expect(run.workerMemory.most).toBeGreaterThan(2 ** 20);

  expect(run.goals).toHaveLength(17);
  expect(run.profile.postgres).toMatchObject({ fsync: 'on', synchronous_commit: 'on' });
  expect(Object.values(run.profile.versions)).not.toContain('unknown');
  const page = ipBench.section(run);
  for (const { goal, measured } of run.goals) expect(page).toContain(`| ${goal} | ${measured} |`);
  expect(page + ipBench.lines(run).join('\n')).not.toMatch(/undefined|NaN/);
  for (const chart of Object.values(ipBench.charts(run))) expect(chart).toContain('<svg');
});
