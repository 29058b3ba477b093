import { afterEach, describe, expect, test } from 'vitest';
import { workflowIds, workflowTypes } from '../../../contract/names.ts';
import { WORKFLOW_TASKS } from '../../../contract/pollers.ts';
import { evaluateNowUpdate } from '../../../contract/workshop/messages.ts';
import { workshopAnnotations } from '../../../contract/workshop/objects.ts';
import { eventually } from '../../support/inspect.ts';
import { freeAddress, runWorker } from '../../support/worker-process.ts';
import type { TestWorkshop } from '../../support/workshop-objects.ts';
import { logPatches, workshopWorld } from '../../support/workshop-world.ts';
import { continuing, SHORT_HISTORY, typedClient } from './continuing.ts';

/** Nobody watches here: tests wake the autoscalers, so that every write is the answer to one of their wakes. */

const world = workshopWorld({ watch: false, environment: SHORT_HISTORY });

afterEach(() => {
  world.around = undefined;
  world.faults.clear();
  logPatches(world.faults);
});

async function grown(workshop: TestWorkshop, to: number): Promise<void> {
  await eventually(async () => {
    const { spec, status } = await workshop.provision();
    expect({ count: spec?.count, flag: status?.autoScalingActive }).toEqual({ count: to, flag: true });
  });
}

const counted = ({ name }: TestWorkshop) => world.patches(name).filter((what) => what === 'object');

/** A rule for the requests on the provision itself, not on its status. */
const onCount = ({ name }: TestWorkshop) => ({
  service: 'kubernetes',
  method: 'PATCH',
  path: `/workshopprovisions/${name}$`,
});

continuing(world);

describe('asking', () => {
  test('W60: a dry run while hot answers 10 -> 15 and changes nothing', async () => {
    const workshop = await world.workshop({ assigned: 5 });
    await world.wake(workshop.name);
    await eventually(async () => expect((await world.status(workshop.name)).decision?.reason).toBe('BelowThreshold'));
    await workshop.assign(5);
    const { metadata, spec } = await workshop.provision();
    const handle = world.client.workflow.getHandle(world.workflowId(workshop.name));
    const decision = await handle.executeUpdate(evaluateNowUpdate, { args: [{ dryRun: true }] });
    expect(decision).toMatchObject({ action: 'scaleUp', target: 15, inputs: { count: 10, utilization: 1 } });
    const after = await workshop.provision();
    expect([after.metadata?.generation, after.spec, after.status?.autoScalingActive]).toEqual([
      metadata?.generation,
      spec,
      undefined,
    ]);
    expect((await handle.executeUpdate(evaluateNowUpdate, { args: [{}] })).target).toBe(15);
    await grown(workshop, 15);
  });

  describe('W60: a dry run that starts the run', () => {
    const asking = async (workshop: TestWorkshop) => {
      const { workshops } = await typedClient(world);
      const provision = { namespace: world.namespace, name: workshop.name };
      return (dryRun: boolean) => workshops.evaluate(provision, { dryRun });
    };
    const runOf = ({ name }: TestWorkshop) => world.client.workflow.getHandle(world.workflowId(name));

    test('is all that this run is for: it answers 10 -> 15, writes nothing and ends; asked in earnest, the next one scales', async () => {
      const workshop = await world.workshop({ assigned: 10 });
      const evaluate = await asking(workshop);
      const dry = await Promise.all([evaluate(true), evaluate(true)]);
      for (const decision of dry) expect(decision).toMatchObject({ action: 'scaleUp', target: 15 });
      expect(await runOf(workshop).result()).toMatchObject({ counters: { evaluations: 0, countWrites: 0 } });
      expect(world.patches(workshop.name)).toEqual([]);
      expect((await evaluate(false)).target).toBe(15);
      await grown(workshop, 15);
    });

    test('and is denied its look is told so, and the run ends', async () => {
      const workshop = await world.workshop({ assigned: 10 });
      const match = { service: 'kubernetes', method: 'GET', path: `/workshopprovisions/${workshop.name}$` };
      const effect = { kind: 'error' as const, code: 'Forbidden', status: 403, message: 'not for you' };
      world.faults.add({ match, times: 1, effect });
      await expect((await asking(workshop))(true)).rejects.toMatchObject({ type: 'Forbidden' });
      await runOf(workshop).result();
      expect(world.patches(workshop.name)).toEqual([]);
    });

    test('keeps nobody from being heard who tells the run of a change meanwhile', async () => {
      const workshop = await world.workshop({ assigned: 10 });
      let woken = false;
      world.around = async (name, run) => {
        if (name === 'observe' && !woken) {
          woken = true;
          await world.wake(workshop.name);
        }
        return run();
      };
      expect((await (await asking(workshop))(true)).target).toBe(15);
      await grown(workshop, 15);
    });
  });

  test('E35: dryRun of the configuration: the server is asked, no flag, no change', async () => {
    const workshop = await world.workshop({ assigned: 10, autoScaling: { dryRun: true } });
    await world.wake(workshop.name);
    await eventually(async () => expect(counted(workshop)).toHaveLength(1));
    const { spec, status } = await workshop.provision();
    expect([spec?.count, status?.autoScalingActive]).toEqual([10, undefined]);
  });
});

describe('an API server that fails', () => {
  test('W68: three times 500, then an answer: one write', async () => {
    const workshop = await world.workshop({ assigned: 10 });
    const effect = { kind: 'error' as const, code: 'InternalError', status: 500 };
    world.faults.add({ id: 'w68', match: onCount(workshop), times: 3, effect });
    await world.wake(workshop.name);
    await grown(workshop, 15);
    expect(world.faults.applied().filter(({ ruleId }) => ruleId === 'w68')).toHaveLength(3);
    await eventually(async () =>
      expect((await world.status(workshop.name)).counters).toMatchObject({ countWrites: 1, conflicts: 0 }),
    );
  });

  test('W69 R12: 403: degraded with the cause, flag cleared, a few tries instead of many, and well again afterwards', async () => {
    const workshop = await world.workshop({ assigned: 10 });
    const effect = { kind: 'error' as const, code: 'Forbidden', status: 403, message: 'not for you' };
    const rule = world.faults.add({ id: 'w69', match: onCount(workshop), effect });
    await world.wake(workshop.name);
    await eventually(async () => {
      const { status } = await workshop.provision();
      expect([status?.autoScalingActive, status?.autoScaling?.phase]).toEqual([undefined, 'Degraded']);
      expect(status?.autoScaling?.conditions?.find(({ type }) => type === 'Degraded')).toMatchObject({
        status: 'True',
        reason: 'Forbidden',
        message: expect.stringContaining('workshopprovisions'),
      });
    });
    const tries = () => world.faults.applied().filter(({ ruleId }) => ruleId === 'w69').length;
    const before = tries();
    for (let wakes = 0; wakes < 20; wakes++) await world.wake(workshop.name);
    // One for each hold that passed meanwhile, on a busy machine too, and not one for each wake.
    expect(tries() - before).toBeLessThan(10);
    world.faults.remove(rule);
    await grown(workshop, 15);
  });

  test('W69 4.4: 403 after a count that was written and whose answer was lost: the claims are waited for, the flag stays', async () => {
    const workshop = await world.workshop({ assigned: 10 });
    const effect = { kind: 'error' as const, code: 'Forbidden', status: 403, message: 'not for you' };
    world.faults.add({ match: onCount(workshop), when: 'after', times: 1, effect: { kind: 'reset' } });
    world.faults.add({ match: onCount(workshop), skip: 1, effect });
    await world.wake(workshop.name);
    await eventually(async () => expect((await world.status(workshop.name)).operation?.step).toBe('wait'));
    const { spec, status } = await workshop.provision();
    expect([spec?.count, status?.autoScalingActive]).toEqual([15, true]);
    await workshop.catchUp();
    await eventually(async () => {
      const { autoScalingActive: flag, autoScaling } = (await workshop.provision()).status ?? {};
      expect([flag, autoScaling?.lastResult]).toEqual([undefined, 'Succeeded']);
    });
    await eventually(async () =>
      expect(await workshop.events()).toEqual(['ScaleUpSettled: 15 of 15 claims are active']),
    );
    expect((await world.status(workshop.name)).counters).toMatchObject({ countWrites: 1, operations: 1 });
  });

  test('4.4 4.7: a lost answer among too many conflicts: the person who lowered the count since is told to have won', async () => {
    const workshop = await world.workshop({ assigned: 10 });
    const edit = (change: object) => workshop.edit('provision', workshop.name, change);
    let writes = 0;
    world.around = async (name, run) => {
      if (name !== 'applyCount') return run();
      writes++;
      if (writes <= 5)
        await edit({ metadata: { annotations: { [workshopAnnotations.operation]: `${writes * 10}-0000000a` } } });
      if (writes !== 6) return run();
      await run();
      await edit({ spec: { count: 12 } });
      return run();
    };
    await world.wake(workshop.name);
    await eventually(async () => {
      const { spec, status } = await workshop.provision();
      const { lastResult } = status?.autoScaling ?? {};
      expect([spec?.count, status?.autoScalingActive, lastResult]).toEqual([12, undefined, 'Superseded']);
    });
    expect((await world.status(workshop.name)).counters).toMatchObject({ conflicts: 6 });
  });

  test('of a provision that asks for nothing is well again by itself', async () => {
    const workshop = await world.workshop({ assigned: 1 });
    const degraded = async () => {
      const { status } = await workshop.provision();
      return status?.autoScaling?.conditions?.find(({ type }) => type === 'Degraded');
    };
    const onStatus = { ...onCount(workshop), path: `/workshopprovisions/${workshop.name}/status$` };
    const effect = { kind: 'error' as const, code: 'Forbidden', status: 403, message: 'not for you' };
    world.faults.add({ match: onStatus, times: 1, effect });
    await world.wake(workshop.name);
    await eventually(async () => expect(await degraded()).toMatchObject({ status: 'True', reason: 'Forbidden' }));
    await eventually(async () => expect(await degraded()).toMatchObject({ status: 'False' }));
  });
});

describe('many at once', () => {
  test('W47 E24: status writes of the manager at every moment do not starve the count write', async () => {
    const workshop = await world.workshop({ assigned: 10 });
    let noisy = true;
    const noise = (async () => {
      for (let tick = 0; noisy; tick++) {
        const path = workshop.path('provision', workshop.name, 'status');
        await world.kube.merge(path, { status: { resourceClaimCount: tick } });
      }
    })();
    await world.wake(workshop.name);
    await grown(workshop, 15);
    noisy = false;
    await noise;
    await eventually(async () =>
      expect((await world.status(workshop.name)).counters).toMatchObject({ countWrites: 1, conflicts: 0 }),
    );
  });

  test('W50 R11 R14: two workers and a hundred starters at once: one run, one operation', {
    timeout: 120_000,
  }, async () => {
    const second = runWorker({
      ...world.environment,
      GROUNDWORK_HEALTH_ADDRESS: await freeAddress(),
      GROUNDWORK_METRICS_ADDRESS: await freeAddress(),
    });
    await eventually(async () => expect((await pollers()).length).toBeGreaterThanOrEqual(2), 60);
    const workshop = await world.workshop({ assigned: 10 });
    await Promise.all(Array.from({ length: 100 }, () => world.wake(workshop.name)));
    await grown(workshop, 15);
    expect(counted(workshop)).toHaveLength(1);
    const workflowId = world.workflowId(workshop.name);
    await eventually(async () => {
      // Histories are short here: one that went on in a new one is the same run.
      const runs: string[] = [];
      for await (const { status } of world.client.workflow.list({ query: `WorkflowId = '${workflowId}'` }))
        if (status.name !== 'CONTINUED_AS_NEW') runs.push(status.name);
      expect(runs).toEqual(['RUNNING']);
    });
    second.child.kill('SIGTERM');
    expect(await second.ended).toBe(0);
  });

  async function pollers() {
    const { client, taskQueue } = world;
    const answer = await client.workflowService.describeTaskQueue({
      namespace: client.options.namespace,
      taskQueue: { name: taskQueue },
      taskQueueType: WORKFLOW_TASKS,
    });
    return [...new Set((answer.pollers ?? []).map(({ identity }) => identity))];
  }
});

const sweep = (id: string) =>
  world.client.workflow.execute(workflowTypes.workshopSweep, {
    workflowId: `${workflowIds.workshopSweep(world.namespace)}/${id}`,
    taskQueue: world.taskQueue,
    args: [{ cluster: world.namespace, namespace: world.namespace }],
  });

describe('the sweep', () => {
  test('W71: a flag that nobody can explain, of a workshop without autoscaling, is cleared', async () => {
    const workshop = await world.workshop({ autoScaling: null });
    const path = workshop.path('provision', workshop.name, 'status');
    await world.kube.merge(path, { status: { autoScalingActive: true } });
    expect((await sweep('stray')).flagged).toBeGreaterThan(0);
    await eventually(async () => expect((await workshop.provision()).status?.autoScalingActive).toBeUndefined());
    expect((await workshop.provision()).spec?.count).toBe(10);
  });

  test('W71: a flag that an open run does not know, of a write that came late, is cleared', async () => {
    const workshop = await world.workshop({ assigned: 1 });
    await world.wake(workshop.name);
    await eventually(async () => expect((await workshop.provision()).status?.autoScaling?.phase).toBe('Idle'));
    const late = { operationId: '1-0000000a', fromCount: 10, targetCount: 15, phase: 'Scaling', observed: 'of before' };
    const path = workshop.path('provision', workshop.name, 'status');
    await world.kube.merge(path, { status: { autoScalingActive: true, autoScaling: late } });
    await sweep('late');
    await eventually(async () => expect((await workshop.provision()).status?.autoScalingActive).toBeUndefined());
    expect((await workshop.provision()).spec?.count).toBe(10);
  });
});

describe('a run that is ended from outside', () => {
  test.each([
    { when: 'before', epoch: 2, story: 'the next run decides again' },
    { when: 'after', epoch: 1, story: 'the next run waits for the claims' },
  ])('terminated by hand $when the count is written: $story, and one step is taken', async ({ when, epoch }) => {
    const workshop = await world.workshop({ assigned: 10 });
    const handle = world.client.workflow.getHandle(world.workflowId(workshop.name));
    let terminated = false;
    world.around = async (name, run) => {
      if (name !== 'applyCount' || terminated) return run();
      terminated = true;
      const written = when === 'after' ? await run() : undefined;
      await handle.terminate('by hand');
      return written;
    };
    await world.wake(workshop.name);
    await eventually(async () => expect((await handle.describe()).status.name).toBe('TERMINATED'));
    expect((await workshop.provision()).status?.autoScalingActive).toBe(true);
    await sweep(`terminated-${when}`);
    await grown(workshop, 15);
    await workshop.catchUp();
    await eventually(async () => {
      const { status, metadata } = await workshop.provision();
      const { lastResult, operationId } = status?.autoScaling ?? {};
      expect([status?.autoScalingActive, lastResult]).toEqual([undefined, 'Succeeded']);
      expect([operationId?.split('-')[0], metadata?.generation]).toEqual([String(epoch), 2]);
    });
  });

  test('cancelled: the flag goes, the count stays', async () => {
    const workshop = await world.workshop({ assigned: 10 });
    await world.wake(workshop.name);
    await grown(workshop, 15);
    const handle = world.client.workflow.getHandle(world.workflowId(workshop.name));
    await handle.cancel();
    await expect(handle.result()).rejects.toMatchObject({ cause: { name: 'CancelledFailure' } });
    const { spec, status } = await workshop.provision();
    expect([spec?.count, status?.autoScalingActive]).toEqual([15, undefined]);
    expect(status?.autoScaling?.lastResult).toBe('Cancelled');
  });

  test.each([
    { call: 'clearActive', method: 'PATCH', path: '/status$' },
    { call: 'observe', method: 'GET', path: '$' },
  ])(
    'cancelled while $call is denied: it is cancelled all the same, whoever asks is answered, and the sweep takes the flag away',
    async ({ call, method, path }) => {
      const workshop = await world.workshop({ assigned: 10 });
      await world.wake(workshop.name);
      await grown(workshop, 15);
      const handle = world.client.workflow.getHandle(world.workflowId(workshop.name));
      const effect = { kind: 'error' as const, code: 'Forbidden', status: 403, message: 'not for you' };
      const match = { service: 'kubernetes', method, path: `/workshopprovisions/${workshop.name}${path}` };
      let asked: Promise<unknown> | undefined;
      let rule: ReturnType<typeof world.faults.add> | undefined;
      world.around = async (name, run) => {
        const { raw } = await handle.describe();
        const cancelled = raw.workflowExtendedInfo?.cancelRequested;
        if (name === call && cancelled && !rule) {
          rule = world.faults.add({ match, effect });
          const update = await handle.startUpdate(evaluateNowUpdate, { args: [{}], waitForStage: 'ACCEPTED' });
          asked = update.result().catch((error: unknown) => error);
        }
        return run();
      };
      await handle.cancel();
      await expect(handle.result()).rejects.toMatchObject({ cause: { name: 'CancelledFailure' } });
      expect(await asked).toMatchObject({ name: 'WorkflowUpdateFailedError', cause: { name: 'CancelledFailure' } });
      world.around = undefined;
      if (rule) world.faults.remove(rule);
      expect((await workshop.provision()).status?.autoScalingActive).toBe(true);
      await workshop.catchUp();
      await sweep(`denied-${call}`);
      await eventually(async () => expect((await workshop.provision()).status?.autoScalingActive).toBeUndefined());
    },
  );
});
