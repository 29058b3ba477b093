import { expect, test } from 'vitest';
import { workflowIds, workflowTypes } from '../../../contract/names.ts';
import { eventually, failureOf, truth } from '../../support/inspect.ts';
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
import { makeService, servicesOf } from '../../support/services.ts';

const world = rolloutWorld();

const removeByForce = (scopeId: string) =>
  world.client.workflow.execute(workflowTypes.scopeDeletion, {
    taskQueue: world.taskQueue,
    workflowId: workflowIds.scopeDeletion(scopeId),
    args: [{ scopeId, force: true }],
  });

test('N15: a forced deletion of a scope ends its open rollout and removes versions, rules, records and placement', async () => {
  const scope = await createScope(world);
  const { scopeId } = scope.input;
  await rollOut(world, deploymentOf(scope, '41'));
  const open = await startRollout(world, deploymentOf(scope, '42', { currentDeploymentId: '41' }));
  await eventually(async () => expect((await rolloutStatus(world, scopeId)).phase).toBe('Running'), 60);

  const deleted = await removeByForce(scopeId);

  expect(deleted).toMatchObject({ removed: expect.arrayContaining([`objects of scope ${scopeId}`]) });
  await expect(open.result()).rejects.toMatchObject({ cause: { name: 'CancelledFailure' } });
  expect(await objectsOf(world, scope)).toEqual([]);
  expect(weightsOf(world, scope)).toEqual({});
  const { records, placements } = await truth(world);
  expect([...records, ...placements].join()).not.toContain(scopeId);
  expect(records.join()).not.toContain(scope.domain);
});

test('a forced deletion tells which objects could not be removed and keeps the placement; a repeat goes on', async () => {
  const { scopeId } = (await createScope(world)).input;
  await makeService(world, scopeId);
  const rule = world.faults.add({
    match: { service: 'kubernetes', method: 'DELETE', path: '/services/' },
    effect: {
      kind: 'error',
      code: 'Forbidden',
      status: 403,
      message: 'User "worker" cannot delete resource "services"',
    },
  });
  expect(await failureOf(removeByForce(scopeId))).toMatchObject({
    type: 'DeploymentLive',
    message: expect.stringMatching(/its objects could not be removed: .*cannot delete resource "services"/),
  });
  world.faults.remove(rule);
  expect((await truth(world)).placements.join()).toContain(scopeId);
  await removeByForce(scopeId);
  expect(await servicesOf(world, scopeId)).toEqual([]);
  expect((await truth(world)).placements.join()).not.toContain(scopeId);
});

test('a forced deletion of a scope whose slugs the ledger does not know removes nothing until a repeat has told them', async () => {
  const { input } = await createScope(world);
  const { scopeId } = input;
  await makeService(world, scopeId);
  await world.database.query('update placement set slugs = null where scope_id = $1', [scopeId]);
  const before = await truth(world);
  expect(await failureOf(removeByForce(scopeId))).toMatchObject({
    type: 'DeploymentLive',
    message: expect.stringContaining('Repeat its creation'),
  });
  expect(await truth(world)).toEqual(before);
  await world.create(input);
  await removeByForce(scopeId);
  expect(await servicesOf(world, scopeId)).toEqual([]);
  expect((await truth(world)).placements.join()).not.toContain(scopeId);
});

test('a forced deletion removes what serves in another namespace than the first, and goes on past trouble in one', async () => {
  const scope = await createScope(world);
  const { scopeId } = scope.input;
  const kubernetes = { namespace: `${world.namespace}-moved` };
  await world.create({ ...scope.input, kubernetes });
  const version = deploymentOf(scope, '41');
  await rollOut(world, { ...version, scope: { ...version.scope, kubernetes } });
  await makeService(world, scopeId);
  world.faults.add({
    match: { service: 'kubernetes', method: 'DELETE', path: `/${world.namespace}/services/` },
    effect: { kind: 'error', code: 'Forbidden', status: 403 },
    times: 1,
  });
  await removeByForce(scopeId);
  expect(await servicesOf(world, scopeId)).toEqual([]);
  expect(weightsOf(world, scope)).toEqual({});
  const { records, placements } = await truth(world);
  expect([...records, ...placements].join()).not.toContain(scopeId);
  expect(records.join()).not.toContain(scope.domain);
});
