import type { WorkflowHandle } from '@temporalio/client';
import { describe, expect, test } from 'vitest';
import { approveUpdate, cancelOperationUpdate, pauseUpdate } from '../../../contract/workshop/messages.ts';
import { workshopLabels } from '../../../contract/workshop/objects.ts';
import { connectGroundwork } from '../../../starter/client.ts';
import { eventually } from '../../support/inspect.ts';
import type { TestWorkshop } from '../../support/workshop-objects.ts';
import type { WorkshopWorld } from '../../support/workshop-world.ts';

/** So few that a dozen messages are more than one run takes. */
export const SHORT_HISTORY = { GROUNDWORK_WORKSHOP_HISTORY_LIMIT: '40' };

type History = Awaited<ReturnType<WorkflowHandle['fetchHistory']>>;

const CONTINUATIONS = 2;

/** Messages that come while the run does something else: none is lost, and none is taken twice. */
export function continuing(world: WorkshopWorld): void {
  describe('messages that arrive while the run goes on as a new one', () => {
    test('each is answered once, by the run that it meets, and holds in those that follow', {
      timeout: 60_000,
    }, async () => {
      const workshop = await world.workshop({ assigned: 5 });
      const { workshops } = await typedClient(world);
      const provision = { namespace: world.namespace, name: workshop.name };
      const until = new Date(Date.now() + 3_600_000).toISOString();
      let asked = 0;
      const ask = <T>(answer: Promise<T>): Promise<T> => {
        asked++;
        return answer;
      };
      let goesOn = true;
      const caps = async () => {
        for (let maxProvisions = 100; goesOn; maxProvisions++) {
          const override = { maxProvisions, until };
          expect(await ask(workshops.override(provision, override))).toEqual(override);
          const { inputs } = await ask(workshops.evaluate(provision, { dryRun: true }));
          expect(inputs.cap).toBe(maxProvisions);
          const { counters } = await world.status(workshop.name);
          goesOn = counters.continuations < CONTINUATIONS;
        }
      };
      const pauses = async () => {
        for (let exam = 1; goesOn; exam++) {
          const reason = `exam ${exam}`;
          expect(await ask(workshops.pause(provision, { reason, by: 'mia' }))).toEqual({ paused: true });
          const { reason: decided, message } = await ask(workshops.evaluate(provision));
          expect([decided, message]).toEqual(['Paused', `paused by mia: ${reason}`]);
          expect(await ask(workshops.resume(provision))).toEqual({ resumed: true });
        }
      };
      await Promise.all([caps(), pauses()]);

      const taken = await takenUpdates(world, workshop.name);
      expect(taken.runs).toBeGreaterThan(CONTINUATIONS);
      expect(taken).toMatchObject({ accepted: asked, completed: asked });
    });
  });

  test.each([{ asked: 'before the run looks again' }, { asked: 'while it looks' }])(
    'W35: a pause of a recreated provision that is asked for $asked is one of the new provision',
    async ({ asked }) => {
      const workshop = await world.workshop({ assigned: 10 });
      await world.wake(workshop.name);
      await eventually(async () => expect((await world.status(workshop.name)).counters.countWrites).toBe(1));
      const handle = world.client.workflow.getHandle(world.workflowId(workshop.name));
      const answers: unknown[] = [];
      const recreateAndPause = async () => {
        await workshop.remove('provision', workshop.name);
        await workshop.addProvision(workshop.name, 10);
        answers.push(await handle.executeUpdate(pauseUpdate, { args: [{ reason: 'exam' }] }));
      };
      if (asked === 'while it looks') {
        world.around = async (name, run) => {
          if (name === 'observe' && answers.length === 0) await recreateAndPause();
          return run();
        };
        await world.wake(workshop.name);
      } else {
        world.around = async (name, run) => {
          // The run polls: its look waits until the pause is asked for.
          while (name === 'observe' && answers.length === 0) await new Promise((resolve) => setTimeout(resolve, 10));
          return run();
        };
        await recreateAndPause();
      }
      await eventually(async () =>
        expect(await world.status(workshop.name)).toMatchObject({ phase: 'Paused', counters: { countWrites: 0 } }),
      );
      expect(answers).toEqual([{ paused: true }]);
      const { metadata, spec } = await workshop.provision();
      expect([spec?.count, (await world.status(workshop.name)).uid]).toEqual([10, metadata?.uid]);
    },
  );

  test('a run that cannot go on tells so to whoever waits for its answer', async () => {
    const { workshops } = await typedClient(world);
    const elsewhere = { cluster: 'elsewhere', namespace: world.namespace, name: 'nobody' };
    const failure = { type: 'InvalidInput', message: expect.stringContaining('cluster: must be') };
    await expect(workshops.evaluate(elsewhere, { dryRun: true })).rejects.toMatchObject(failure);
    await expect(workshops.pause(elsewhere, { reason: 'exam' })).rejects.toMatchObject(failure);
  });

  test('E36: a change of the provision between look and count is looked at first, although the count is the same', async () => {
    const workshop = await world.workshop({ assigned: 10 });
    let looks = 0;
    let edited = false;
    world.around = async (name, run) => {
      if (name === 'observe') looks++;
      if (name === 'setActive' && !edited) {
        edited = true;
        await workshop.edit('provision', workshop.name, { spec: { concurrency: 3 } });
        looks = 0;
      }
      if (name === 'applyCount') expect(looks).toBeGreaterThan(0);
      return run();
    };
    await world.wake(workshop.name);
    await eventually(async () => {
      expect((await world.status(workshop.name)).counters).toMatchObject({ countWrites: 1, conflicts: 0 });
      expect((await workshop.provision()).spec?.count).toBe(15);
    });
    expect(world.patches(workshop.name).slice(0, 3)).toEqual(['status', 'status', 'object']);
  });

  test('E36 4.8: and then it goes on: what was waited for and approved before the flag still holds', async () => {
    const autoScaling = { stabilizationSeconds: 100, approvalAbove: 12 };
    const workshop = await world.workshop({ assigned: 10, autoScaling });
    let edited = false;
    world.around = async (name, run) => {
      if (name === 'setActive' && !edited) {
        edited = true;
        await workshop.edit('provision', workshop.name, { spec: { concurrency: 3 } });
      }
      return run();
    };
    await world.wake(workshop.name);
    const operationId = await eventually(async () => {
      const { approval } = await world.status(workshop.name);
      expect(approval).toMatchObject({ targetCount: 15 });
      return approval?.operationId ?? '';
    });
    const handle = world.client.workflow.getHandle(world.workflowId(workshop.name));
    await handle.executeUpdate(approveUpdate, { args: [{ operationId }] });
    await eventually(async () => expect((await workshop.provision()).spec?.count).toBe(15));
    expect([edited, (await world.status(workshop.name)).lastResult]).toEqual([true, undefined]);
  });

  test('E15: ignored between flag and count: the flag stays, the history does not grow without end, and it goes on afterwards', async () => {
    const workshop = await world.workshop({ assigned: 10 });
    const label = (value: string | null) =>
      workshop.edit('provision', workshop.name, { metadata: { labels: { [workshopLabels.ignore]: value } } });
    let ignored = false;
    world.around = async (name, run) => {
      if (name === 'setActive' && !ignored) {
        ignored = true;
        // The generation moves, so that the run looks again before it writes the count.
        await workshop.edit('provision', workshop.name, { spec: { concurrency: 3 } });
        const answer = await run();
        await label('true');
        return answer;
      }
      return run();
    };
    await world.wake(workshop.name);
    await eventually(async () =>
      expect(await world.status(workshop.name)).toMatchObject({
        ...{ decision: { reason: 'Ignored' }, operation: { step: 'flag' } },
      }),
    );
    const { operation } = await world.status(workshop.name);
    await eventually(async () => {
      await world.wake(workshop.name);
      expect((await world.status(workshop.name)).counters.continuations).toBeGreaterThan(0);
    });
    expect((await world.status(workshop.name)).operation).toEqual(operation);
    const { spec, status } = await workshop.provision();
    expect([spec?.count, status?.autoScalingActive]).toEqual([10, true]);
    expect(world.patches(workshop.name)).toEqual(['status']);
    await label(null);
    await eventually(async () => expect((await workshop.provision()).spec?.count).toBe(15));
  });

  describe('section 6: a removal that does not reach its count', () => {
    const shrinking = (cooldownSeconds: number) => ({
      ...{ maxProvisions: 3, cooldownSeconds, scaleDown: { enabled: true, delaySeconds: 0 } },
    });
    const ended = (workshop: TestWorkshop, count: number, result: string) =>
      eventually(async () => {
        const { spec, status } = await workshop.provision();
        const { autoScalingActive: flag, autoScaling } = status ?? {};
        expect([spec?.count, flag, autoScaling?.lastResult]).toEqual([count, undefined, result]);
        expect(await workshop.claims()).toHaveLength(count);
      });

    test('raises the count to what survived, also when that is denied at first', async () => {
      const workshop = await world.workshop({ count: 3, assigned: 1, autoScaling: shrinking(0) });
      const match = { service: 'kubernetes', method: 'PATCH', path: `/workshopprovisions/${workshop.name}$` };
      const effect = { kind: 'error' as const, code: 'Forbidden', status: 403, message: 'not for you' };
      let taken = false;
      world.around = async (name, run) => {
        if (name === 'deleteClaim' && !taken) {
          taken = true;
          await workshop.assign(2);
          world.faults.add({ id: 'raise', match, times: 1, effect });
        }
        return run();
      };
      await world.wake(workshop.name);
      await ended(workshop, 3, 'Succeeded');
      expect(world.faults.applied().filter(({ ruleId }) => ruleId === 'raise')).toHaveLength(1);
    });

    test('goes on with the next claim after those that cannot be removed, and looks at them again only now and then', async () => {
      const workshop = await world.workshop({ count: 4, assigned: 1, autoScaling: null });
      const claims = (await workshop.claims()).map(
        ({ metadata }) => `${metadata?.creationTimestamp} ${metadata?.name}`,
      );
      const oldest = claims.sort().map((claim) => claim.split(' ')[1]);
      const free = (await workshop.seats())
        .filter(({ spec }) => spec?.assignment === undefined)
        .sort((a, b) => oldest.indexOf(a.spec?.resourceClaimName) - oldest.indexOf(b.spec?.resourceClaimName));
      const kept = free.slice(0, 2).map(({ metadata }) => metadata?.name ?? '');
      for (const seat of kept) {
        await workshop.edit('seat', seat, { metadata: { finalizers: ['example.com/kept'] } });
        await workshop.remove('seat', seat);
      }
      const answers: unknown[] = [];
      world.around = async (name, run) => {
        const answer = await run();
        if (name === 'deleteClaim') answers.push(answer);
        return answer;
      };
      await workshop.configure({ enabled: true, ...shrinking(100_000) });
      await world.wake(workshop.name);
      await eventually(async () => expect(answers.length).toBeGreaterThan(3));
      expect(answers.slice(0, 4)).toEqual(['Saved', 'Saved', 'Deleted', 'Saved']);
      const handle = world.client.workflow.getHandle(world.workflowId(workshop.name));
      await handle.executeUpdate(cancelOperationUpdate, { args: [{}] });
      await ended(workshop, 3, 'Cancelled');
      // It rests after each that was saved, or goes on as a new run.
      const pauses = (await eventsOf(world, workshop.name)).filter(
        (event) => event.timerStartedEventAttributes ?? event.workflowExecutionStartedEventAttributes,
      );
      const saved = answers.filter((answer) => answer === 'Saved');
      expect(pauses.length).toBeGreaterThanOrEqual(saved.length);
      for (const seat of kept) await workshop.edit('seat', seat, { metadata: { finalizers: [] } });
    });

    test.each(['the operation', 'the run'])('raises the count to what is left when %s is cancelled', async (what) => {
      const workshop = await world.workshop({ count: 6, assigned: 1, autoScaling: shrinking(100_000) });
      const handle = world.client.workflow.getHandle(world.workflowId(workshop.name));
      let cancelled = false;
      world.around = async (name, run) => {
        const answer = await run();
        if (name === 'deleteClaim' && !cancelled) {
          cancelled = true;
          await (what === 'the run' ? handle.cancel() : handle.executeUpdate(cancelOperationUpdate, { args: [{}] }));
        }
        return answer;
      };
      await world.wake(workshop.name);
      await ended(workshop, 5, 'Cancelled');
    });
  });

  test('E35: dryRun that is set between flag and count takes the flag away and leaves the count', async () => {
    const workshop = await world.workshop({ assigned: 10 });
    let set = false;
    world.around = async (name, run) => {
      if (name === 'setActive' && !set) {
        set = true;
        await workshop.configure({ dryRun: true });
        await workshop.edit('provision', workshop.name, { spec: { concurrency: 3 } });
      }
      return run();
    };
    await world.wake(workshop.name);
    await eventually(async () => {
      const { spec, status } = await workshop.provision();
      const { autoScalingActive: flag, autoScaling } = status ?? {};
      expect([spec?.count, flag, autoScaling?.lastResult]).toEqual([10, undefined, 'Cancelled']);
    });
    await eventually(async () => expect(await workshop.events()).toEqual(['ScaleUpCancelled: dryRun was set']));
  });

  test.each([
    { story: 'somebody else prevents', prevented: true },
    { story: 'is being raised', prevented: false },
  ])(
    'W65: who cancels an operation whose flag $story sees no count written, and gets no other one in its place',
    async ({ prevented }) => {
      const workshop = await world.workshop({ assigned: 10, autoScaling: { cooldownSeconds: 100_000 } });
      const handle = world.client.workflow.getHandle(world.workflowId(workshop.name));
      const answers: unknown[] = [];
      world.around = async (name, run) => {
        if (name === 'setActive' && answers.length === 0) {
          const request = { reason: 'too early', by: 'mia' };
          answers.push(await handle.executeUpdate(cancelOperationUpdate, { args: [request] }));
          const path = workshop.path('provision', workshop.name, 'status');
          if (prevented) await world.kube.merge(path, { status: { resourceClaimCount: 10 } });
        }
        return run();
      };
      await world.wake(workshop.name);
      await eventually(async () => {
        const { phase, lastResult, operation, counters } = await world.status(workshop.name);
        expect({ phase, lastResult, operation, writes: counters.countWrites }).toEqual({
          ...{ phase: 'CoolingDown', lastResult: 'Cancelled', operation: undefined, writes: 0 },
        });
      });
      expect(answers).toEqual([{ operationId: expect.stringMatching(/^1-/) }]);
      const { spec, status } = await workshop.provision();
      expect([spec?.count, status?.autoScalingActive]).toEqual([10, undefined]);
      await eventually(async () =>
        expect(await workshop.events()).toEqual(['ScaleUpCancelled: cancelled by mia: too early']),
      );
    },
  );
}

export function typedClient({ client, values, namespace: cluster }: WorkshopWorld) {
  const { connection, options } = client;
  const { taskQueuePrefix } = values;
  return connectGroundwork({ connection, namespace: options.namespace, taskQueuePrefix, cluster });
}

/** Updates in the histories of a provision's run and of those that it continued. */
async function takenUpdates(world: WorkshopWorld, provision: string) {
  const taken = { runs: 0, accepted: 0, completed: 0 };
  for (const event of await eventsOf(world, provision)) {
    if (event.workflowExecutionStartedEventAttributes) taken.runs++;
    if (event.workflowExecutionUpdateAcceptedEventAttributes) taken.accepted++;
    if (event.workflowExecutionUpdateCompletedEventAttributes?.outcome?.success) taken.completed++;
  }
  return taken;
}

/** The events of a provision's run and of those that it continued, the newest run first. */
async function eventsOf(world: WorkshopWorld, provision: string) {
  const { workflow } = world.client;
  const workflowId = world.workflowId(provision);
  const all: NonNullable<History['events']> = [];
  let runId: string | undefined = (await workflow.getHandle(workflowId).describe()).runId;
  while (runId) {
    const { events }: History = await workflow.getHandle(workflowId, runId).fetchHistory();
    all.push(...(events ?? []));
    runId = events?.[0]?.workflowExecutionStartedEventAttributes?.continuedExecutionRunId ?? undefined;
  }
  return all;
}
