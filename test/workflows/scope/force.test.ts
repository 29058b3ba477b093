import { fileURLToPath } from 'node:url';
import { NativeConnection, Worker } from '@temporalio/worker';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { SCOPE_ID_LABEL, workflowIds } from '../../../contract/names.ts';
import { truth } from '../../support/inspect.ts';
import { testServers } from '../../support/servers.ts';
import { testWorld } from '../../support/world.ts';

const world = testWorld();
const SERVICE = { apiVersion: 'v1', kind: 'Service' };

let native: NativeConnection;
let running: { worker: Worker; done: Promise<void> } | undefined;
let asked: { scopeId: string; scope: object }[] = [];
let rolledBack = 0;
/** What the removal does; by default it removes everything. */
let removal: (scopeId: string) => Promise<void>;

beforeAll(async () => {
  native = await NativeConnection.connect({ address: testServers().temporal.address });
});
afterEach(async () => {
  running?.worker.shutdown();
  await running?.done;
  running = undefined;
});
afterAll(() => native.close());

async function serveDeployments(): Promise<void> {
  asked = [];
  rolledBack = 0;
  removal = async (scopeId) => {
    for (const { metadata } of await objects(scopeId)) {
      const { name = '', namespace = '' } = metadata ?? {};
      await world.kubernetes.remove({ ...SERVICE, name, namespace });
    }
  };
  const worker = await Worker.create({
    connection: native,
    namespace: testServers().temporal.namespace,
    taskQueue: `${world.values.taskQueuePrefix}deployments`,
    workflowsPath: fileURLToPath(new URL('./deployments/workflows.ts', import.meta.url)),
    activities: {
      rolledBack: async () => {
        rolledBack += 1;
      },
      removeObjects: async (input: { scopeId: string; scope: object }) => {
        asked.push(input);
        await removal(input.scopeId);
      },
    },
  });
  running = { worker, done: worker.run() };
}

const objects = (scopeId: string) => world.kubernetes.list(SERVICE, { labelSelector: `${SCOPE_ID_LABEL}=${scopeId}` });

async function scopeWithObject() {
  const input = world.request();
  const { domain } = await world.create(input);
  await world.kubernetes.apply({
    ...SERVICE,
    metadata: { name: `svc-${input.scopeId}`, namespace: world.namespace, labels: { [SCOPE_ID_LABEL]: input.scopeId } },
    spec: { ports: [{ port: 80 }] },
  } as never);
  return { input, domain };
}

const remove = (scopeId: string, force: boolean) =>
  world.client.workflow.execute('scopeDeletion', {
    taskQueue: world.taskQueue,
    workflowId: workflowIds.scopeDeletion(scopeId),
    args: [{ scopeId, force }],
  });

describe('deleting a scope that serves', () => {
  test('is refused without force, with the objects named, and nothing is touched', async () => {
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

  test('with force stops before anything is removed when nobody serves deployments', async () => {
    const { input, domain } = await scopeWithObject();
    await expect(remove(input.scopeId, true)).rejects.toMatchObject({
      cause: { type: 'DeploymentLive', message: expect.stringContaining('no worker polls') },
    });
    expect((await truth(world)).records.join()).toContain(domain);
  });

  test('with force ends the rollout, removes objects, records and placement', async () => {
    await serveDeployments();
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
    expect(rolledBack).toBe(1);
    expect(asked).toMatchObject([
      { scopeId: input.scopeId, scope: { slugs: input.slugs, visibility: 'public', region: 'us-east-1' } },
    ]);
    expect(await objects(input.scopeId)).toEqual([]);
    const { records, placements } = await truth(world);
    expect([...records, ...placements].join()).not.toContain(input.scopeId);
    expect(records.join()).not.toContain(domain);
  });

  test('with force tells what could not be removed, keeps the placement, and a repeat goes on', async () => {
    await serveDeployments();
    const { input } = await scopeWithObject();
    const works = removal;
    removal = async () => {
      throw new Error('the controller is away');
    };
    await expect(remove(input.scopeId, true)).rejects.toMatchObject({
      cause: { type: 'DeploymentLive', message: expect.stringContaining('the controller is away') },
    });
    expect((await truth(world)).placements.join()).toContain(input.scopeId);
    removal = works;
    await remove(input.scopeId, true);
    expect((await truth(world)).placements.join()).not.toContain(input.scopeId);
  });
});
