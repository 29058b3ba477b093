import { describe, expect, test } from 'vitest';
import { workflowIds, workflowTypes } from '../../../contract/names.ts';
import type { WorkshopSweepResult } from '../../../contract/workshop/input.ts';
import * as messages from '../../../contract/workshop/messages.ts';
import { eventually } from '../../support/inspect.ts';
import { record } from '../../support/replay/histories.ts';
import { uniqueName } from '../../support/servers.ts';
import type { TestWorkshop } from '../../support/workshop-objects.ts';
import { workshopWorld } from '../../support/workshop-world.ts';

/**
 * A worker that keeps no run in memory replays the whole history at every step: what would not replay shows here. With
 * `npm run record` the histories become those of test/replay.
 */

const HISTORY_LIMIT = 120;

const world = workshopWorld({
  watch: false,
  workflowTaskTimeout: '2s',
  environment: {
    GROUNDWORK_MAX_CACHED_WORKFLOWS: '0',
    GROUNDWORK_WORKSHOP_HISTORY_LIMIT: String(HISTORY_LIMIT),
  },
});

const handle = ({ name }: TestWorkshop, runId?: string) =>
  world.client.workflow.getHandle(world.workflowId(name), runId);

async function shows(
  workshop: TestWorkshop,
  wanted: { count?: number; flag?: true | undefined; result?: string; reason?: string },
): Promise<void> {
  await eventually(async () => {
    const { spec, status } = await workshop.provision();
    const { autoScalingActive: flag, autoScaling } = status ?? {};
    const { lastResult: result, reason } = autoScaling ?? {};
    expect({ count: spec?.count, flag, result, reason }).toMatchObject(wanted);
  });
}

/** Autoscaling is switched off, so that the run ends; then its history is kept. */
async function finish(workshop: TestWorkshop, name: string, runId?: string): Promise<void> {
  await workshop.configure({ enabled: false });
  await world.wake(workshop.name);
  expect(await handle(workshop).result()).toMatchObject({ decision: { reason: 'Disabled' } });
  await record(world.client, 'workshop', name, world.workflowId(workshop.name), runId);
}

describe('a worker without a cache', () => {
  test('takes one step, settles it and cools down', async () => {
    const workshop = await world.workshop({ assigned: 8 });
    await world.wake(workshop.name);
    await shows(workshop, { count: 15, flag: true });
    await workshop.catchUp();
    await shows(workshop, { count: 15, flag: undefined, result: 'Succeeded' });
    await eventually(async () => expect((await world.status(workshop.name)).phase).toBe('Idle'));
    await finish(workshop, 'one-step');
  });

  test('gives way to a person who lowers the count', async () => {
    const workshop = await world.workshop({ assigned: 10 });
    await world.wake(workshop.name);
    await shows(workshop, { count: 15, flag: true });
    await workshop.edit('provision', workshop.name, { spec: { count: 11 } });
    await shows(workshop, { count: 11, flag: undefined, result: 'Superseded' });
    await finish(workshop, 'a-person-wins');
  });

  test('W31 asks for nothing more when the breaker is open, and says so in an event', async () => {
    const workshop = await world.workshop({ count: 5, assigned: 5 });
    await world.wake(workshop.name);
    await shows(workshop, { count: 7, flag: true });
    await workshop.addClaims(5, 'failed');
    await shows(workshop, { count: 7, flag: undefined, result: 'PartiallyFailed', reason: 'FailureThreshold' });
    await eventually(async () =>
      expect((await workshop.events()).map((event) => event.split(':')[0])).toEqual([
        'ScaleUpPartiallyFailed',
        'ScaleUpStarted',
        'ScalingRefused',
      ]),
    );
    await finish(workshop, 'breaker-tripped');
  });

  test('W61 W62: paused: nothing happens and the query says who and why; resumed: at once', async () => {
    const workshop = await world.workshop({ assigned: 5 });
    await world.wake(workshop.name);
    await shows(workshop, { reason: 'BelowThreshold' });
    const until = new Date(Date.now() + 3_600_000).toISOString();
    const pause = { reason: 'exam', by: 'mia', until };
    expect(await handle(workshop).executeUpdate(messages.pauseUpdate, { args: [pause] })).toEqual({
      paused: true,
      until,
    });
    await workshop.assign(5);
    await shows(workshop, { count: 10, reason: 'Paused' });
    expect((await world.status(workshop.name)).paused).toMatchObject({ source: 'message', reason: 'exam', by: 'mia' });
    const resumed = await handle(workshop).executeUpdate(messages.resumeUpdate, { args: [{}] });
    expect(resumed).toEqual({ resumed: true });
    await shows(workshop, { count: 15, flag: true });
    await workshop.catchUp();
    await shows(workshop, { flag: undefined, result: 'Succeeded' });
    await finish(workshop, 'paused-and-resumed');
  });

  test('goes on as a new run in the middle of an operation', async () => {
    const workshop = await world.workshop({ assigned: 10 });
    await world.wake(workshop.name);
    await shows(workshop, { count: 15, flag: true });
    const { runId } = await handle(workshop).describe();
    const { operation } = await world.status(workshop.name);
    await Promise.all(
      Array.from({ length: HISTORY_LIMIT }, () => handle(workshop).signal(messages.changedSignal, { source: 'test' })),
    );
    await eventually(async () =>
      expect(await world.status(workshop.name)).toMatchObject({
        operation: { id: operation?.id, deadline: expect.any(String) },
        counters: { continuations: 1, countWrites: 1 },
      }),
    );
    await record(world.client, 'workshop', 'continued-as-new', world.workflowId(workshop.name), runId);
    await workshop.catchUp();
    await shows(workshop, { count: 15, flag: undefined, result: 'Succeeded' });
    await finish(workshop, 'continued-from-another');
  });

  test('removes claims that nobody took', async () => {
    const scaleDown = { enabled: true, delaySeconds: 0 };
    const workshop = await world.workshop({ count: 3, assigned: 1, autoScaling: { cooldownSeconds: 0, scaleDown } });
    await world.wake(workshop.name);
    await shows(workshop, { count: 2, flag: undefined, result: 'Succeeded' });
    await finish(workshop, 'shrunk');
  });

  test('W70 W71 sweeps: it wakes what was lost and leaves alone what has missed nothing', async () => {
    const workshop = await world.workshop({ assigned: 1 });
    await world.wake(workshop.name);
    await shows(workshop, { reason: 'BelowThreshold' });
    await eventually(async () => expect((await sweep('sweep')).signalled).toBe(0));
    const { historyLength } = await handle(workshop).describe();
    expect((await sweep()).signalled).toBe(0);
    expect((await handle(workshop).describe()).historyLength).toBe(historyLength);

    await workshop.assign(1);
    expect((await sweep()).signalled).toBe(1);
    await eventually(async () => expect((await sweep()).signalled).toBe(0));
    await handle(workshop).terminate('by hand');
    expect((await sweep()).signalled).toBe(1);
    expect((await handle(workshop).describe()).status.name).toBe('RUNNING');
  });
});

async function sweep(recordedAs?: string): Promise<WorkshopSweepResult> {
  const workflowId = `${workflowIds.workshopSweep(world.namespace)}/${uniqueName('sweep')}`;
  const result = await world.client.workflow.execute(workflowTypes.workshopSweep, {
    workflowId,
    taskQueue: world.taskQueue,
    args: [{ cluster: world.namespace, namespace: world.namespace }],
  });
  if (recordedAs) await record(world.client, 'workshop', recordedAs, workflowId);
  return result;
}
