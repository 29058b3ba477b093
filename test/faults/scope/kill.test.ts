import { describe, expect, test } from 'vitest';
import { eventually, truth } from '../../support/inspect.ts';
import { freeAddress, runWorker } from '../../support/worker-process.ts';
import { region, testWorld } from '../../support/world.ts';

/** kill -9 of the worker process in the middle of a creation; a new process goes on. */

const world = testWorld({ seed: region({ public: 75 }), worker: false });

async function startWorker() {
  return runWorker({
    ...world.environment,
    GROUNDWORK_HEALTH_ADDRESS: await freeAddress(),
    GROUNDWORK_METRICS_ADDRESS: await freeAddress(),
  });
}

const points = [
  {
    name: 'its balancer is reserved',
    reached: `select 1 from balancer where created_for_scope = $1 and state in ('reserved', 'provisioning')`,
  },
  { name: 'its first record is written', reached: 'select 1 from dns_record where scope_id = $1' },
];

describe('a worker process that is killed', () => {
  test.each(points)(
    'when $name: the next process goes on, and everything is made once',
    { timeout: 240_000 },
    async ({ reached }) => {
      const before = await truth(world);
      const first = await startWorker();
      const input = world.request({ networking: { platform: { albMaxCapacity: 2 } } });
      const handle = await world.start(input);
      await eventually(
        async () => expect((await world.database.query(reached, [input.scopeId])).rowCount).toBeGreaterThan(0),
        60,
      );
      first.child.kill('SIGKILL');
      await first.ended;

      const second = await startWorker();
      const result = (await handle.result()) as Awaited<ReturnType<typeof world.create>>;
      const { balancers, placements, records, held } = await truth(world);
      expect(balancers).toEqual([...before.balancers, result.balancer.name].sort());
      expect(placements).toEqual([...before.placements, `${input.scopeId} bound ${result.balancer.name}`].sort());
      expect(records.filter((line) => line.includes(result.domain))).toHaveLength(2);
      expect(held).toEqual([]);
      second.child.kill('SIGTERM');
      expect(await second.ended).toBe(0);
    },
  );
});
