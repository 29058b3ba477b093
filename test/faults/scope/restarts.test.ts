import { describe, expect, test } from 'vitest';
import { badDays } from '../../support/faults/bad-days.ts';
import { everything, tell } from '../../support/faults/outcomes.ts';
import { eventually, truth } from '../../support/inspect.ts';
import { region, testWorld } from '../../support/world.ts';
import { createdOnce } from './room.ts';

/** The worker goes away in the middle of a creation and another one takes over; services have a bad day. */

const world = testWorld({
  seed: region({ public: 75 }),
  environment: {
    GROUNDWORK_OBSERVATION_MAX_AGE: '5',
    GROUNDWORK_READ_PATIENCE: '60',
    GROUNDWORK_AUTOCREATE_TIMEOUT_SECONDS: '60',
    GROUNDWORK_DNS_SYNC_TIMEOUT: '60',
    GROUNDWORK_AWS_REQUEST_TIMEOUT_SECONDS: '1',
    GROUNDWORK_KUBERNETES_REQUEST_TIMEOUT_SECONDS: '1',
  },
});

const request = () => world.request({ networking: { platform: { albMaxCapacity: 2 } } });

const boundaries = ['ensureNamespace', 'placeScope', 'applyKeeper', 'ensureBalancerTags', 'ensureDnsRecord'];

describe('a worker that stops', () => {
  test('gracefully while a balancer is waited for: the next worker goes on, nothing is lost and nothing made twice', async () => {
    const input = request();
    const handle = await world.start(input);
    await eventually(async () => expect((await world.status(handle.workflowId)).phase).toBe('Provisioning'));
    await world.stopWorker();
    await world.startWorker();
    await createdOnce(world, input.scopeId, await handle.result());
  });

  test('between any two activities: the next worker goes on', { timeout: 180_000 }, async () => {
    for (const victim of everything ? boundaries : ['placeScope', 'ensureBalancerTags']) {
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
      await createdOnce(world, input.scopeId, await handle.result());
    }
  });
});

describe('AWS and the Kubernetes API on a bad day', () => {
  test.each(badDays(everything, { single: 0.08, mixed: 0.01 }))(
    'each $name: the run goes on, and everything is made and removed once',
    { timeout: 240_000 },
    async ({ name, rules }) => {
      const before = await truth(world);
      const input = request();
      const ids = rules.map((rule) => world.faults.add(rule));
      await createdOnce(world, input.scopeId, await world.create(input));
      await world.remove(input.scopeId);
      for (const id of ids) world.faults.remove(id);
      const { records, placements, held } = await truth(world);
      expect({ records, placements, held }).toEqual({
        records: before.records,
        placements: before.placements,
        held: [],
      });
      await world.create(request()); // fills the idle balancer again
      tell({
        room: 'scope',
        kind: 'outage',
        point: `every service ${name}`,
        journey: 'creation and deletion',
        outcome: 'run went on',
      });
    },
  );
});
