import { expect } from 'vitest';
import { workflowIds, workflowTypes } from '../../../contract/names.ts';
import { activitiesOfRooms } from '../../support/faults/activities.ts';
import type { Cancellable, Ending } from '../../support/faults/cancel.ts';
import type { RoomUnderFaults } from '../../support/faults/journey.ts';
import { eventually } from '../../support/inspect.ts';
import { uniqueName } from '../../support/servers.ts';
import type { TestWorkshop } from '../../support/workshop-objects.ts';
import type { WorkshopWorld } from '../../support/workshop-world.ts';

/** Journeys of workshops. Nobody watches: a sweep starts each, so that every call is the answer to a step of the journey. */

/** For worlds under faults: journeys end their own runs, and the patience of a call outlives the time-outs of a dead worker. */
export const patient = {
  endRuns: false,
  watch: false,
  environment: { GROUNDWORK_WORKSHOP_CALL_PATIENCE: '60' },
} as const;

/** A worker that was killed is noticed by time-outs. */
const PATIENCE_S = 90;

/** What the provision shows. `writes` are effective writes of its spec, whoever made them. */
async function sight(workshop: TestWorkshop) {
  const { metadata, spec, status } = await workshop.provision();
  const { autoScalingActive: flag, autoScaling } = status ?? {};
  return { count: spec?.count, flag, result: autoScaling?.lastResult, writes: (metadata?.generation ?? 0) - 1 };
}

type Sight = Awaited<ReturnType<typeof sight>>;
type Wanted = { [key in keyof Sight]?: Sight[key] | undefined };

const shows = (workshop: TestWorkshop, wanted: Wanted) =>
  eventually(async () => expect(await sight(workshop)).toMatchObject(wanted), PATIENCE_S);

/** Rows of operations, and reasons of events. */
async function told(world: WorkshopWorld, workshop: TestWorkshop) {
  const { rows } = await world.database.query<{ result: string | null }>(
    'select result from workshop_operation where provision = $1',
    [workshop.name],
  );
  const events = (await workshop.events()).map((event) => event.split(':')[0]);
  return { rows: rows.map(({ result }) => result), events };
}

/** One operation in all: one row, its events once each, nothing left to do. */
async function onlyOnce(world: WorkshopWorld, workshop: TestWorkshop, result: string, events: string[]): Promise<void> {
  await eventually(async () => expect(await told(world, workshop)).toEqual({ rows: [result], events }), PATIENCE_S);
  await eventually(
    async () =>
      expect((await world.status(workshop.name)).counters).toMatchObject({
        countWrites: 1,
        operations: 1,
        conflicts: 0,
      }),
    PATIENCE_S,
  );
}

/** The run has done what it had to, and waits for the next look. */
const rests = (world: WorkshopWorld, workshop: TestWorkshop) =>
  eventually(async () => expect(await world.status(workshop.name)).toHaveProperty('nextEvaluation'), PATIENCE_S);

/** The provision says that its claims are waited for. */
async function waits(world: WorkshopWorld, workshop: TestWorkshop): Promise<void> {
  const phase = async () => (await workshop.provision()).status?.autoScaling?.phase;
  await eventually(async () => expect(await phase()).toBe('Waiting'), PATIENCE_S);
  await rests(world, workshop);
}

const startSweep = (world: WorkshopWorld) =>
  world.client.workflow.start(workflowTypes.workshopSweep, {
    workflowId: `${workflowIds.workshopSweep(world.namespace)}/${uniqueName('journey')}`,
    taskQueue: world.taskQueue,
    args: [{ cluster: world.namespace, namespace: world.namespace }],
  });

type Sweep = () => Promise<void>;

/** At its end the sweeps have ended, and so do the runs. */
const journey = (go: (world: WorkshopWorld, sweep: Sweep) => Promise<void>) => async (world: WorkshopWorld) => {
  const sweeps: Awaited<ReturnType<typeof startSweep>>[] = [];
  try {
    await go(world, async () => void sweeps.push(await startSweep(world)));
    await Promise.all(sweeps.map((started) => started.result()));
  } finally {
    await world.endRuns();
  }
};

/** Two full seats become three, and the third is completed. */
const grow = journey(async (world, sweep) => {
  const workshop = await world.workshop({ count: 2, assigned: 2 });
  await sweep();
  await shows(workshop, { count: 3, flag: true, writes: 1 });
  await waits(world, workshop);
  await workshop.catchUp();
  await shows(workshop, { count: 3, flag: undefined, result: 'Succeeded', writes: 1 });
  await onlyOnce(world, workshop, 'Succeeded', ['ScaleUpSettled', 'ScaleUpStarted']);
});

/** Of three claims with one assigned seat, two are enough. */
const shrink = journey(async (world, sweep) => {
  const scaleDown = { enabled: true, delaySeconds: 0 };
  const workshop = await world.workshop({ count: 3, assigned: 1, autoScaling: { cooldownSeconds: 0, scaleDown } });
  const taken = (await workshop.seats()).find(({ spec }) => spec?.assignment)?.spec?.resourceClaimName;
  await sweep();
  await shows(workshop, { count: 2, flag: undefined, result: 'Succeeded', writes: 1 });
  const claims = (await workshop.claims()).map(({ metadata }) => metadata?.name);
  expect(claims).toHaveLength(2);
  expect(claims).toContain(taken);
  await onlyOnce(world, workshop, 'Succeeded', ['ScaleDownSettled', 'ScaleDownStarted']);
});

/** A configuration that cannot be followed is told on workshop and provision. */
const refuse = journey(async (world, sweep) => {
  const workshop = await world.workshop({ count: 1, autoScaling: { minProvisions: 200 } });
  await sweep();
  await eventually(async () => {
    const { status } = await workshop.workshop();
    expect(status?.autoScaling?.conditions).toMatchObject([{ type: 'ConfigValid', status: 'False' }]);
    expect((await workshop.provision()).status?.autoScaling?.reason).toBe('InvalidConfig');
    expect(await workshop.events()).toEqual([expect.stringMatching(/^ScalingRefused: InvalidConfig/)]);
  }, PATIENCE_S);
  await rests(world, workshop);
  expect((await sight(workshop)).writes).toBe(0);
});

/** The run is terminated while it waits: the sweep's next one takes the operation over. */
const takeOver = journey(async (world, sweep) => {
  const workshop = await world.workshop({ count: 2, assigned: 2 });
  await sweep();
  await shows(workshop, { count: 3, flag: true });
  await waits(world, workshop);
  const { operation } = await world.status(workshop.name);
  await world.client.workflow.getHandle(world.workflowId(workshop.name)).terminate('by hand');
  await sweep();
  await eventually(
    async () => expect((await world.status(workshop.name)).operation?.id).toBe(operation?.id),
    PATIENCE_S,
  );
  await workshop.catchUp();
  await shows(workshop, { count: 3, flag: undefined, result: 'Succeeded', writes: 1 });
  await eventually(async () => {
    const { rows, events } = await told(world, workshop);
    expect({ rows, events }).toEqual({ rows: ['Succeeded'], events: ['ScaleUpSettled', 'ScaleUpStarted'] });
  }, PATIENCE_S);
});

const looks = ['acceptAutoscaler', 'emitEvent', 'observe', 'sweepWorkshops'];
const operation = ['applyCount', 'clearActive', 'recordOperation', 'setActive'];

export const workshopRoom: RoomUnderFaults<WorkshopWorld> = {
  room: 'workshop',
  subject: 'a workshop that',
  activities: activitiesOfRooms.workshop,
  journeys: [
    { name: 'grows', go: grow, activities: [...looks, ...operation, 'writeStatus'] },
    { name: 'shrinks', go: shrink, activities: [...looks, ...operation, 'deleteClaim'] },
    { name: 'is configured wrongly', go: refuse, activities: [...looks, 'writeStatus', 'writeWorkshopStatus'] },
    { name: 'is taken over', go: takeOver, activities: [...looks, ...operation, 'writeStatus'] },
  ],
};

/** A growth whose autoscaler is cancelled on its way; nothing but the flag is taken back. */
export const cancellable: Cancellable<WorkshopWorld> = {
  name: 'an autoscaler that grows a workshop',
  activities: [...looks.filter((name) => name !== 'sweepWorkshops'), ...operation, 'writeStatus'],
  prepare: async (world) => {
    const workshop = await world.workshop({ count: 2, assigned: 2 });
    const ended = new AbortController();
    return {
      begin: async () => {
        await world.wake(workshop.name);
        void settleAndDisable(world, workshop, ended.signal);
        return world.workflowId(workshop.name);
      },
      settle: async (ending: Ending) => {
        ended.abort();
        expect(['cancelled', 'completed']).toContain(ending);
        const { count, flag, result, writes } = await sight(workshop);
        expect({ flag, writes }).toEqual({ flag: undefined, writes: count === 3 ? 1 : 0 });
        const { rows } = await told(world, workshop);
        expect(rows.every((row) => row === result)).toBe(true);
        expect(rows.length).toBeLessThanOrEqual(1);
        await world.endRuns();
      },
    };
  },
};

/** What lets an autoscaler that is not cancelled end: its operation settles, and autoscaling is switched off. */
async function settleAndDisable(world: WorkshopWorld, workshop: TestWorkshop, ended: AbortSignal): Promise<void> {
  try {
    while (!ended.aborted) {
      const { count, flag, result } = await sight(workshop);
      if (count === 3 && flag) await workshop.catchUp();
      if (!flag && result === 'Succeeded') {
        await workshop.configure({ enabled: false });
        await world.wake(workshop.name);
        return;
      }
      await world.wake(workshop.name);
      await new Promise((resolve) => setTimeout(resolve, 150));
    }
  } catch (error) {
    if (!ended.aborted) throw error;
  }
}
