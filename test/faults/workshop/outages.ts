import { describe, expect, test } from 'vitest';
import { changedSignal } from '../../../contract/workshop/messages.ts';
import { ALL_OF_THEM, badEffects, strikes } from '../../support/faults/bad-days.ts';
import { everything, tell } from '../../support/faults/outcomes.ts';
import { eventually } from '../../support/inspect.ts';
import type { TestWorkshop } from '../../support/workshop-objects.ts';
import { SECONDS_SCALE, type WorkshopWorld, workshopWorld } from '../../support/workshop-world.ts';

/** Servers that fail or go away in the middle of an operation, and a flood of signals: one operation, and no flag stays. */

const HISTORY_LIMIT = 200;

/** The world that these tests need. */
export const outageSettings = {
  GROUNDWORK_WORKSHOP_HISTORY_LIMIT: String(HISTORY_LIMIT),
  GROUNDWORK_KUBERNETES_REQUEST_TIMEOUT_SECONDS: '1',
};

const SIGNALS = everything ? 10_000 : 500;
const SENDERS = 50;
/** Of 10 000, beside those that begin and end the story. */
const MOST_ACCEPTED = 9_990;
/** Long enough for several attempts of every call. */
const OUTAGE_MS = 1_500;

const shows = (workshop: TestWorkshop, wanted: { count: number; flag: true | undefined }, seconds = 60) =>
  eventually(async () => {
    const { spec, status } = await workshop.provision();
    expect({ count: spec?.count, flag: status?.autoScalingActive }).toEqual(wanted);
  }, seconds);

/** The operation settled, and was the only one. */
async function settledOnce(of: WorkshopWorld, workshop: TestWorkshop): Promise<void> {
  await shows(workshop, { count: 15, flag: undefined });
  expect((await workshop.provision()).status?.autoScaling?.lastResult).toBe('Succeeded');
  await eventually(async () =>
    expect((await of.status(workshop.name)).counters).toMatchObject({ countWrites: 1, operations: 1 }),
  );
}

const survived = (point: string, journey: string) =>
  tell({ room: 'workshop', kind: 'outage', point, journey, outcome: 'one operation, flag cleared' });

const effects = badEffects('InternalError');

const bad = everything
  ? effects.map((effect) => ({ name: effect.name, of: [effect], probability: 0.12 }))
  : [{ name: ALL_OF_THEM, of: effects, probability: 0.03 }];

/** Together with the journeys of the room, so that there is one world. */
export function survivesOutages(world: WorkshopWorld): void {
  describe('the Kubernetes API on a bad day', () => {
    test.each(bad)(
      'it $name now and then, before or after the effect: the step is taken all the same',
      { timeout: 180_000 },
      async ({ name, of, probability }) => {
        const workshop = await world.workshop({ assigned: 10 });
        const match = { service: 'kubernetes', resource: workshop.name };
        const rules = strikes(of, 3, { match, probability }).map((rule) => world.faults.add(rule));
        await world.wake(workshop.name);
        await shows(workshop, { count: 15, flag: true });
        await workshop.catchUp();
        await settledOnce(world, workshop);
        for (const rule of rules) world.faults.remove(rule);
        survived(`the API server ${name}`, 'a whole operation');
      },
    );
  });

  test(`W67: ${SIGNALS} signals at once: one operation, a bounded history, and the last state is not lost`, {
    timeout: 240_000,
  }, async () => {
    // The flood may last longer than an operation may in the time of these tests.
    const workshop = await world.workshop({ assigned: 10, autoScaling: { completionTimeoutSeconds: 100_000 } });
    await world.wake(workshop.name);
    await shows(workshop, { count: 15, flag: true });
    const handle = world.client.workflow.getHandle(world.workflowId(workshop.name));
    let sent = 0;
    const refusals: string[] = [];
    const send = async () => {
      while (sent++ < SIGNALS)
        await handle
          .signal(changedSignal, { source: 'flood' })
          .catch((error: Error) => refusals.push(`${error.message} ${error.cause}`));
    };
    await Promise.all(Array.from({ length: SENDERS }, send));
    // The server takes 10 000 signals for one run, and lets none continue as new while more arrive.
    expect(refusals.filter((words) => !/exceeded .*signal/.test(words))).toEqual([]);
    expect(SIGNALS - refusals.length).toBeGreaterThanOrEqual(Math.min(SIGNALS, MOST_ACCEPTED));
    await workshop.catchUp();
    await eventually(() => handle.signal(changedSignal, { source: 'the last' }), 60);
    await settledOnce(world, workshop);
    // A run continues as new once the signals that it has received are handled.
    await eventually(async () => {
      expect((await world.status(workshop.name)).counters.continuations).toBeGreaterThan(0);
      expect((await handle.describe()).historyLength).toBeLessThan(2 * HISTORY_LIMIT);
    }, 60);
    survived(`${SIGNALS} signals at once`, 'while claims are waited for');
  });

  if (everything) {
    const outages = [
      { name: 'PostgreSQL restarts', network: 'postgres' },
      { name: 'Temporal restarts', network: 'temporal' },
    ] as const;

    describe('servers that go away while claims are waited for', () => {
      test.each(outages)('$name: the operation settles', { timeout: 120_000 }, async ({ name, network }) => {
        const workshop = await world.workshop({ assigned: 10 });
        await world.wake(workshop.name);
        await shows(workshop, { count: 15, flag: true });
        world.networks[network].set({ refuse: true });
        world.networks[network].cut();
        await workshop.catchUp();
        await new Promise((resolve) => setTimeout(resolve, OUTAGE_MS));
        world.networks[network].heal();
        await settledOnce(world, workshop);
        survived(name, 'while claims are waited for');
      });
    });

    test('a worker that is away past the deadline: the flag stays meanwhile, and what happened is found on return', {
      timeout: 120_000,
    }, async () => {
      const timeout = { completionTimeoutSeconds: (OUTAGE_MS / 1000 / SECONDS_SCALE) * 0.9 };
      const [done, hanging] = await Promise.all([
        world.workshop({ assigned: 10, autoScaling: timeout }),
        world.workshop({ assigned: 10, autoScaling: timeout }),
      ]);
      for (const workshop of [done, hanging]) await world.wake(workshop.name);
      for (const workshop of [done, hanging]) await shows(workshop, { count: 15, flag: true });
      await world.stopWorker();
      await done.catchUp();
      await new Promise((resolve) => setTimeout(resolve, OUTAGE_MS));
      for (const workshop of [done, hanging]) await shows(workshop, { count: 15, flag: true });
      await world.startWorker();
      await settledOnce(world, done);
      await shows(hanging, { count: 15, flag: undefined });
      expect((await hanging.provision()).status?.autoScaling?.lastResult).toBe('TimedOut');
      survived('no worker for a while', 'while claims are waited for');
    });

    describe('a kube-apiserver that restarts', () => {
      const watched = workshopWorld({
        ownKubernetes: true,
        environment: { GROUNDWORK_KUBERNETES_REQUEST_TIMEOUT_SECONDS: '1' },
      });

      test('the operation settles, and the watches see what happens afterwards', { timeout: 240_000 }, async () => {
        const waiting = await watched.workshop({ assigned: 10 });
        const calm = await watched.workshop({ assigned: 1 });
        await shows(waiting, { count: 15, flag: true });
        await eventually(async () => expect((await watched.status(calm.name)).phase).toBe('Idle'));
        await watched.restartKubernetes();
        await waiting.catchUp();
        await settledOnce(watched, waiting);
        survived('kube-apiserver restarts', 'while claims are waited for');
        await calm.assign(9);
        await shows(calm, { count: 15, flag: true }, 90);
        survived('kube-apiserver restarts', 'before the seats fill up: its watches were cut');
      });
    });
  }
}
