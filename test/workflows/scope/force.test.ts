import { afterEach, describe, expect, test } from 'vitest';
import { workflowIds } from '../../../contract/names.ts';
import { type Deployments, makeService, serveDeployments, servicesOf } from '../../support/deployments.ts';
import { truth } from '../../support/inspect.ts';
import { testWorld } from '../../support/world.ts';

const world = testWorld();
let deployments: Deployments | undefined;

afterEach(async () => {
  await deployments?.stop();
  deployments = undefined;
});

async function scopeWithObject() {
  const input = world.request();
  const { domain } = await world.create(input);
  await makeService(world, input.scopeId);
  return { input, domain };
}

const remove = (scopeId: string, force: boolean) =>
  world.client.workflow.execute('scopeDeletion', {
    taskQueue: world.taskQueue,
    workflowId: workflowIds.scopeDeletion(scopeId),
    args: [{ scopeId, force }],
  });

describe('deleting a scope that serves', () => {
  test('N15: is refused without force, with the objects named, and nothing is touched', async () => {
    const { input, domain } = await scopeWithObject();
    const before = await truth(world);
    await expect(remove(input.scopeId, false)).rejects.toMatchObject({
      cause: {
        type: 'DeploymentLive',
        message: expect.stringContaining(`Service ${world.namespace}/svc-${input.scopeId}`),
      },
    });
    expect(await truth(world)).toEqual(before);
    expect(before.records.join()).toContain(domain);
  });

  // Before anybody polls the queue: pollers are listed for a while.
  test('with force stops before anything is removed when nobody serves deployments', async () => {
    const { input, domain } = await scopeWithObject();
    await expect(remove(input.scopeId, true)).rejects.toMatchObject({
      cause: { type: 'DeploymentLive', message: expect.stringContaining('no worker polls') },
    });
    expect((await truth(world)).records.join()).toContain(domain);
  });

  test('N15: with force ends the rollout, removes objects, records and placement', async () => {
    deployments = await serveDeployments(world);
    const { input, domain } = await scopeWithObject();
    const rollout = await world.client.workflow.start('deployment', {
      taskQueue: `${world.values.taskQueuePrefix}deployments`,
      workflowId: workflowIds.deployment(input.scopeId),
    });
    await expect(remove(input.scopeId, false)).rejects.toMatchObject({
      cause: { type: 'DeploymentLive', message: expect.stringContaining('is open') },
    });
    expect(await remove(input.scopeId, true)).toMatchObject({
      removed: [
        `record ${domain} in zone ZPUBLIC`,
        `record ${domain} in zone ZPRIVATE`,
        `objects of scope ${input.scopeId}`,
        expect.stringContaining('placement'),
      ],
    });
    expect(await rollout.result()).toBe('ended');
    expect(deployments.rolledBack).toBe(1);
    expect(deployments.asked).toMatchObject([
      { scopeId: input.scopeId, scope: { slugs: input.slugs, visibility: 'public', region: 'us-east-1' } },
    ]);
    expect(await servicesOf(world, input.scopeId)).toEqual([]);
    const { records, placements } = await truth(world);
    expect([...records, ...placements].join()).not.toContain(input.scopeId);
    expect(records.join()).not.toContain(domain);
  });

  test('with force tells what could not be removed, keeps the placement, and a repeat goes on', async () => {
    deployments = await serveDeployments(world);
    const { input } = await scopeWithObject();
    const works = deployments.removal;
    deployments.removal = async () => {
      throw new Error('the controller is away');
    };
    await expect(remove(input.scopeId, true)).rejects.toMatchObject({
      cause: { type: 'DeploymentLive', message: expect.stringContaining('the controller is away') },
    });
    expect((await truth(world)).placements.join()).toContain(input.scopeId);
    deployments.removal = works;
    await remove(input.scopeId, true);
    expect((await truth(world)).placements.join()).not.toContain(input.scopeId);
  });
});
