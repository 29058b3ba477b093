import { expect, test } from 'vitest';
import { workflowIds, workflowTypes } from '../../../contract/names.ts';
import { eventually, truth } from '../../support/inspect.ts';
import {
  createScope,
  deploymentOf,
  objectsOf,
  rollOut,
  rolloutStatus,
  rolloutWorld,
  startRollout,
  weightsOf,
} from '../../support/rollouts.ts';

const world = rolloutWorld();

test('N15: a forced deletion of a scope ends its open rollout and removes versions, rules, records and placement', async () => {
  const scope = await createScope(world);
  const { scopeId } = scope.input;
  await rollOut(world, deploymentOf(scope, '41'));
  const open = await startRollout(world, deploymentOf(scope, '42', { currentDeploymentId: '41' }));
  await eventually(async () => expect((await rolloutStatus(world, scopeId)).phase).toBe('Running'), 60);

  const deleted = await world.client.workflow.execute(workflowTypes.scopeDeletion, {
    taskQueue: world.taskQueue,
    workflowId: workflowIds.scopeDeletion(scopeId),
    args: [{ scopeId, force: true }],
  });

  expect(deleted).toMatchObject({ removed: expect.arrayContaining([`objects of scope ${scopeId}`]) });
  await expect(open.result()).rejects.toMatchObject({ cause: { name: 'CancelledFailure' } });
  expect(await objectsOf(world, scope)).toEqual([]);
  expect(weightsOf(world, scope)).toEqual({});
  const { records, placements } = await truth(world);
  expect([...records, ...placements].join()).not.toContain(scopeId);
  expect(records.join()).not.toContain(scope.domain);
});
