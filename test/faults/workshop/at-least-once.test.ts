import { ApplicationFailure } from '@temporalio/common';
import { afterEach, describe, expect, test } from 'vitest';
import { createWorkshopActivities } from '../../../activities/workshop/index.ts';
import { workflowIds, workflowTypes } from '../../../contract/names.ts';
import { eventually } from '../../support/inspect.ts';
import { workshopWorld } from '../../support/workshop-world.ts';

/**
 * Every activity may run twice or lose its answer. Each test does that to one activity on the road of a growth, of a
 * scale-down, or of a refusal, then compares what is really there with what must be there.
 */

const world = workshopWorld({ watch: false });

afterEach(() => {
  world.around = undefined;
});

/** All activities of the room, so that a new one cannot be forgotten. */
const names = Object.keys(createWorkshopActivities({} as Parameters<typeof createWorkshopActivities>[0]));

const lost = () =>
  ApplicationFailure.create({ type: 'AnswerLost', message: 'the answer was lost after the effect', nextRetryDelay: 1 });

interface Road {
  name: string;
  go: () => Promise<void>;
  /** Activities that the road calls, sorted. */
  activities: string[];
}

async function settled(read: () => Promise<unknown>, expected: unknown): Promise<void> {
  await eventually(async () => expect(await read()).toEqual(expected));
}

/** Two full seats become three, and the third is completed. */
async function grow(): Promise<void> {
  const workshop = await world.workshop({ count: 2, assigned: 2 });
  const shape = async () => {
    const { spec, status } = await workshop.provision();
    return [spec?.count, status?.autoScalingActive, status?.autoScaling?.lastResult];
  };
  await sweep();
  await settled(shape, [3, true, undefined]);
  await workshop.catchUp();
  await settled(shape, [3, undefined, 'Succeeded']);
  await eventually(async () => expect(await workshop.events()).toHaveLength(2));
  await eventually(async () => {
    const { rows } = await world.database.query('select result from workshop_operation where provision = $1', [
      workshop.name,
    ]);
    expect(rows).toEqual([{ result: 'Succeeded' }]);
  });
  expect((await world.status(workshop.name)).counters).toMatchObject({ countWrites: 1 });
}

/** Of three claims with one assigned seat, two are enough. */
async function shrink(): Promise<void> {
  const scaleDown = { enabled: true, delaySeconds: 0 };
  const workshop = await world.workshop({ count: 3, assigned: 1, autoScaling: { cooldownSeconds: 0, scaleDown } });
  const taken = (await workshop.seats()).find(({ spec }) => spec?.assignment)?.spec?.resourceClaimName;
  await sweep();
  await settled(async () => {
    const { spec, status } = await workshop.provision();
    const claims = (await workshop.claims()).length;
    return [spec?.count, status?.autoScalingActive, status?.autoScaling?.lastResult, claims];
  }, [2, undefined, 'Succeeded', 2]);
  expect((await workshop.claims()).map(({ metadata }) => metadata?.name)).toContain(taken);
}

/** A configuration that cannot be followed is told on workshop and provision. */
async function refuse(): Promise<void> {
  const workshop = await world.workshop({ count: 1, autoScaling: { minProvisions: 200 } });
  await sweep();
  await eventually(async () => {
    const { status } = (await workshop.workshop()) as { status?: { autoScaling?: { conditions?: unknown[] } } };
    expect(status?.autoScaling?.conditions).toMatchObject([{ type: 'ConfigValid', status: 'False' }]);
    expect((await workshop.provision()).status?.autoScaling?.reason).toBe('InvalidConfig');
    expect(await workshop.events()).toEqual([expect.stringMatching(/^ScalingRefused: InvalidConfig/)]);
  });
}

let sweeps = 0;

function sweep(): Promise<unknown> {
  sweeps += 1;
  return world.client.workflow.execute(workflowTypes.workshopSweep, {
    workflowId: `${workflowIds.workshopSweep(world.namespace)}/${sweeps}`,
    taskQueue: world.taskQueue,
    args: [{ cluster: world.namespace, namespace: world.namespace }],
  });
}

const everywhere = ['acceptAutoscaler', 'emitEvent', 'observe', 'sweepWorkshops'];
const operation = ['applyCount', 'clearActive', 'recordOperation', 'setActive'];

const roads: Road[] = [
  { name: 'that grows', go: grow, activities: [...everywhere, ...operation].sort() },
  { name: 'that shrinks', go: shrink, activities: ['deleteClaim'] },
  { name: 'that is configured wrongly', go: refuse, activities: ['writeStatus', 'writeWorkshopStatus'] },
];

test('every activity is on one of the roads', () => {
  expect(roads.flatMap(({ activities }) => activities).sort()).toEqual([...names].sort());
});

describe.each(roads)('a workshop $name', ({ go, activities }) => {
  test('with every call taking effect twice', async () => {
    const seen = new Set<string>();
    world.around = async (name, run) => {
      seen.add(name);
      await run();
      return run();
    };
    await go();
    expect([...seen]).toEqual(expect.arrayContaining(activities));
  });

  test.each(activities)('with an answer of %s lost after the effect', async (victim) => {
    let calls = 0;
    world.around = async (name, run) => {
      const answer = await run();
      if (name !== victim) return answer;
      calls += 1;
      if (calls === 1) throw lost();
      return answer;
    };
    await go();
    expect(calls).toBeGreaterThanOrEqual(2);
  });
});
