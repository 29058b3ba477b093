import { describe, expect, test } from 'vitest';
import { eventually } from '../../support/inspect.ts';
import { freeAddress, runWorker } from '../../support/worker-process.ts';
import { workshopWorld } from '../../support/workshop-world.ts';

/** kill -9 of the worker process between flag and count, and between count and answer; a new process goes on. */

const world = workshopWorld({ worker: false });

async function startWorker() {
  return runWorker({
    ...world.environment,
    GROUNDWORK_HEALTH_ADDRESS: await freeAddress(),
    GROUNDWORK_METRICS_ADDRESS: await freeAddress(),
  });
}

const points = [
  { name: 'W48: after the flag, before the count', when: 'before' as const, count: 2 },
  { name: 'W49: after the count, before its answer', when: 'after' as const, count: 3 },
];

describe('a worker process that is killed', () => {
  test.each(points)('$name: the next one goes on, one step in all', { timeout: 120_000 }, async ({ when, count }) => {
    const workshop = await world.workshop({ count: 2, assigned: 2 });
    const rule = world.faults.add({
      match: { service: 'kubernetes', method: 'PATCH', path: `/workshopprovisions/${workshop.name}$` },
      when,
      effect: { kind: 'hang' },
    });
    const first = await startWorker();
    await eventually(async () => {
      const { spec, status } = await workshop.provision();
      expect([spec?.count, status?.autoScalingActive]).toEqual([count, true]);
      expect(world.faults.applied().some(({ ruleId }) => ruleId === rule)).toBe(true);
    }, 60);
    first.child.kill('SIGKILL');
    await first.ended;
    world.faults.remove(rule);

    const second = await startWorker();
    await eventually(async () => expect((await workshop.provision()).spec?.count).toBe(3), 60);
    await workshop.catchUp();
    await eventually(async () => {
      const { spec, status } = await workshop.provision();
      expect([spec?.count, status?.autoScalingActive]).toEqual([3, undefined]);
      expect(status?.autoScaling).toMatchObject({ lastResult: 'Succeeded', fromCount: 2, targetCount: 3 });
    }, 60);
    expect((await world.status(workshop.name)).counters).toMatchObject({ countWrites: 1, operations: 1 });
    second.child.kill('SIGTERM');
    expect(await second.ended).toBe(0);
  });
});
