import { expect, test } from 'vitest';
import { benchIp, ipBench } from '../../bench/ip/bench.ts';
import { shapes } from '../../bench/ip/shape.ts';

/** The benchmark of the allocator in its smallest shape: what it counts is right. Times are not judged here. */

test('npm run bench -- ip counts, proves that nothing overlaps or is left, and judges every goal', {
  timeout: 120_000,
}, async () => {
  const run = await benchIp(shapes.tiny, () => {});
  expect(run.occupancies.map(({ live, claim, release }) => [live, claim.count, release.count])).toEqual([
    [10, 20, 20],
    [1_000, 20, 20],
  ]);
  const [emptiest, fullest] = run.occupancies;
  expect(fullest?.tuples).toBeLessThanOrEqual(2 * (emptiest?.tuples ?? 0));
  expect(run.crowd).toMatchObject({ claim: { count: 20 }, release: { count: 20 }, denial: { count: 10 } });
  expect(run.goals).toHaveLength(5);
  expect(run.profile.postgres).toMatchObject({ fsync: 'on', synchronous_commit: 'on' });
  expect(ipBench.section(run)).toContain('| live blocks |');
  expect(Object.values(ipBench.charts(run))[0]).toContain('<svg');
});
