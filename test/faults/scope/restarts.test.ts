import { describe, expect, test } from 'vitest';
import { eventually, truth } from '../../support/inspect.ts';
import { region, testWorld } from '../../support/world.ts';

/** The worker goes away in the middle of a creation and another one takes over. */

const world = testWorld({
  seed: region({ public: 75 }),
  environment: { GROUNDWORK_OBSERVATION_MAX_AGE: '5', GROUNDWORK_READ_PATIENCE: '60' },
});

const request = () => world.request({ networking: { platform: { albMaxCapacity: 2 } } });

async function createdOnce(
  scopeId: string,
  result: { balancer: { name: string; created: boolean }; domain: string },
): Promise<void> {
  const { balancers, placements, records, held } = await truth(world);
  expect(result.balancer.created).toBe(true);
  expect(balancers.filter((name) => name === result.balancer.name)).toHaveLength(1);
  expect(placements).toContain(`${scopeId} bound ${result.balancer.name}`);
  expect(records.filter((line) => line.includes(result.domain))).toHaveLength(2);
  expect(held).toEqual([]);
}

describe('a worker that stops', () => {
  test('gracefully while a balancer is waited for: the next worker goes on, nothing is lost and nothing made twice', async () => {
    const input = request();
    const handle = await world.start(input);
    await eventually(async () => expect((await world.status(handle.workflowId)).phase).toBe('Provisioning'));
    await world.stopWorker();
    await world.startWorker();
    await createdOnce(input.scopeId, (await handle.result()) as Awaited<ReturnType<typeof world.create>>);
  });

  test('between any two activities: the next worker goes on', { timeout: 180_000 }, async () => {
    for (const victim of ['ensureNamespace', 'placeScope', 'applyKeeper', 'ensureBalancerTags', 'ensureDnsRecord']) {
      const input = request();
      let reached: () => void = () => {};
      const atVictim = new Promise<void>((resolve) => {
        reached = resolve;
      });
      world.around = async (name, run) => {
        const answer = await run();
        if (name === victim) reached();
        return answer;
      };
      const handle = await world.start(input);
      await atVictim;
      await world.stopWorker();
      world.around = undefined;
      await world.startWorker();
      await createdOnce(input.scopeId, (await handle.result()) as Awaited<ReturnType<typeof world.create>>);
    }
  });
});

describe('servers that go away', () => {
  test('the Kubernetes API is reset during a wait: the run goes on', async () => {
    const input = request();
    const rule = world.faults.add({
      match: { service: 'kubernetes' },
      probability: 0.5,
      seed: 7,
      effect: { kind: 'reset' },
    });
    const handle = await world.start(input);
    const result = (await handle.result()) as Awaited<ReturnType<typeof world.create>>;
    world.faults.remove(rule);
    await createdOnce(input.scopeId, result);
  });

  test('AWS throttles, resets, hangs up half-way and answers rubbish: the run goes on', async () => {
    const input = request();
    const rules = (['throttle', 'reset', 'truncate', 'garbage'] as const).flatMap((kind, index) =>
      (['elbv2', 'route53'] as const).map((service) =>
        world.faults.add({
          match: { service, caller: 'sandbox' },
          when: index % 2 === 0 ? 'before' : 'after',
          probability: 0.05,
          seed: index + 1,
          effect: { kind },
        }),
      ),
    );
    const handle = await world.start(input);
    const result = (await handle.result()) as Awaited<ReturnType<typeof world.create>>;
    for (const rule of rules) world.faults.remove(rule);
    await createdOnce(input.scopeId, result);
  });
});
