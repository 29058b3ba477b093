import { ApplicationFailure } from '@temporalio/common';
import { afterEach, describe, expect, test } from 'vitest';
import { createDeploymentActivities } from '../../../activities/deployment/index.ts';
import { rollbackUpdate } from '../../../contract/deployment/messages.ts';
import { taskQueueName, workflowIds, workflowTypes } from '../../../contract/names.ts';
import { eventually } from '../../support/inspect.ts';
import {
  createScope,
  deploymentOf,
  drive,
  objectsOf,
  rollOut,
  rolloutStatus,
  rolloutWorld,
  startRollout,
  weightsOf,
} from '../../support/rollouts.ts';

/**
 * Every activity may run twice or lose its answer. Each test does that to all activities of one road: a first version, a
 * second that is rolled back, the second again until it is finalized, a restarted instance, and the removal of everything.
 * The request driver runs along: no request fails while something serves.
 */

const world = rolloutWorld();

afterEach(() => {
  world.around = undefined;
});

/** All activities of the room, so that a new one cannot be forgotten. */
const names = Object.keys(createDeploymentActivities({} as Parameters<typeof createDeploymentActivities>[0]));

/** Their tests stand elsewhere: a dry run, and a diagnosis. Both only read. */
const elsewhere = ['planDeployment', 'diagnoseScope', 'drainTime'];

async function road(): Promise<void> {
  const scope = await createScope(world);
  const { scopeId, slugs } = scope.input;
  const target = { scopeId, scope: { slugs, visibility: 'public' as const } };
  const other = (type: string, workflowId: string, input: object) =>
    world.client.workflow.execute(type, {
      taskQueue: taskQueueName(world.values.taskQueuePrefix, 'deployments'),
      workflowId,
      args: [input],
    });
  await rollOut(world, deploymentOf(scope, '41'));
  const before = await objectsOf(world, scope, 'uid');
  const driver = drive(world, scope);

  const back = await startRollout(world, deploymentOf(scope, '42', { currentDeploymentId: '41', strategy: 'rolling' }));
  await eventually(async () => expect((await rolloutStatus(world, scopeId)).phase).toBe('Running'), 20);
  await back.executeUpdate(rollbackUpdate, { args: [{ reason: 'a test' }] });
  expect(await back.result()).toMatchObject({ outcome: 'rolled_back' });
  expect(await objectsOf(world, scope, 'uid')).toEqual(before);

  const steps = [
    { percent: 50, holdSeconds: 0.1 },
    { percent: 100, holdSeconds: 0 },
  ];
  const result = await rollOut(
    world,
    deploymentOf(scope, '43', {
      currentDeploymentId: '41',
      strategy: 'rolling',
      trafficPlan: { mode: 'steps', steps, autoFinalize: true },
    }),
  );
  expect(result).toMatchObject({ outcome: 'finalized' });
  expect(weightsOf(world, scope)).toEqual({ '43': 100 });
  expect(await objectsOf(world, scope)).toHaveLength(3);
  expect(driver.stop().failed).toEqual({});

  const [pod] = await world.kubernetes.list(
    { apiVersion: 'v1', kind: 'Pod' },
    { namespace: world.namespace, labelSelector: `scope_id=${scopeId}` },
  );
  const instanceId = pod?.metadata?.name ?? '';
  const restart = workflowIds.instanceRestart(scopeId, instanceId);
  await other(workflowTypes.instanceRestart, restart, { ...target, deploymentId: '43', instanceId });
  await other(workflowTypes.deploymentDeletion, workflowIds.deployment(scopeId), target);
  expect(await objectsOf(world, scope)).toEqual([]);
  expect(weightsOf(world, scope)).toEqual({});
}

test('every activity is on the road or is listed as tested elsewhere', () => {
  expect(names).toEqual(expect.arrayContaining(elsewhere));
});

describe('two rollouts, a restart and a removal', () => {
  test('with every call taking effect twice', { timeout: 180_000 }, async () => {
    const seen = new Set<string>();
    world.around = async (name, run) => {
      seen.add(name);
      await run();
      return run();
    };
    await road();
    expect(names.filter((name) => !seen.has(name)).sort()).toEqual([...elsewhere].sort());
  });

  test('with the first answer of every activity lost after the effect', { timeout: 180_000 }, async () => {
    const lost = new Set<string>();
    world.around = async (name, run) => {
      const answer = await run();
      if (!names.includes(name) || lost.has(name)) return answer;
      lost.add(name);
      const message = 'the answer was lost after the effect';
      throw ApplicationFailure.create({ type: 'AnswerLost', message, nextRetryDelay: 1 });
    };
    await road();
    // A watch answers only when something is wrong: here it is ended by the hold.
    const kept = names.filter((name) => !lost.has(name) && name !== 'watchTraffic');
    expect(kept.sort()).toEqual([...elsewhere].sort());
  });
});
