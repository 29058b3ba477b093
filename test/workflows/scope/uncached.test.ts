import { afterEach, describe, expect, test } from 'vitest';
import { workflowIds } from '../../../contract/names.ts';
import { eventually, failureOf, truth } from '../../support/inspect.ts';
import { record } from '../../support/replay/histories.ts';
import { region, testWorld } from '../../support/world.ts';

/**
 * A worker that keeps no run in memory replays the whole history at every step: what would not replay shows here. With
 * `npm run record` the histories become those of test/replay.
 */

const world = testWorld({
  seed: region({ public: 75, private: 10 }),
  environment: { GROUNDWORK_MAX_CACHED_WORKFLOWS: '0' },
  workflowTaskTimeout: '2s',
});

afterEach(() => {
  world.faults.clear();
  world.controllers.loadBalancer.knobs.neverReconcile = false;
});

const full = { networking: { platform: { albMaxCapacity: 3 } } };
const keep = (name: string, workflowId: string) => record(world.client, 'scope', name, workflowId);
const bound = async (scopeId: string) => expect((await truth(world)).placements.join()).toContain(`${scopeId} bound`);

describe('a worker without a cache', () => {
  test('creates a scope where there is room, and deletes it', async () => {
    const { scopeId } = await world.create(world.request({ visibility: 'private' }));
    await bound(scopeId);
    await keep('created', workflowIds.scopeCreation(scopeId));
    expect((await world.remove(scopeId)).removed).toHaveLength(3);
    await keep('deleted', workflowIds.scopeDeletion(scopeId));
  });

  test('makes a balancer, which another scope joins while it is made', async () => {
    world.controllers.loadBalancer.knobs.neverReconcile = true;
    const maker = await world.start(world.request(full));
    await eventually(async () => expect((await world.status(maker.workflowId)).waitingFor?.lastSeen).toBeDefined());
    const joiner = await world.start(world.request(full));
    await eventually(async () => expect((await world.status(joiner.workflowId)).waitingFor?.lastSeen).toBeDefined());
    world.controllers.loadBalancer.knobs.neverReconcile = false;
    expect(await maker.result()).toMatchObject({ balancer: { created: true } });
    expect(await joiner.result()).toMatchObject({ balancer: { created: false } });
    await keep('created-with-balancer', maker.workflowId);
    await keep('joined', joiner.workflowId);
  });

  test('undoes a creation that fails at the end', async () => {
    world.faults.add({
      match: { service: 'route53', action: 'ChangeResourceRecordSets', resource: 'ZPUBLIC' },
      effect: { kind: 'error', code: 'AccessDenied', status: 403 },
    });
    const { workflowId, result } = await started();
    expect((await failureOf(result)).type).toBe('AccessDenied');
    await keep('failed-and-undone', workflowId);
  });

  test('undoes a creation that is cancelled while it waits', async () => {
    world.controllers.loadBalancer.knobs.neverReconcile = true;
    const { workflowId, result } = await started();
    result.catch(() => {}); // told below
    await eventually(async () => expect((await world.status(workflowId)).waitingFor?.lastSeen).toBeDefined());
    const handle = world.client.workflow.getHandle(workflowId);
    expect(await handle.executeUpdate('retryNow', { args: [{}] })).toHaveProperty('waitingFor');
    await handle.cancel();
    await expect(result).rejects.toThrow('cancelled');
    await keep('cancelled', workflowId);
  });
});

/** A creation that needs a balancer of its own. */
async function started(): Promise<{ workflowId: string; result: Promise<unknown> }> {
  const handle = await world.start(world.request({ networking: { platform: { albMaxCapacity: 2 } } }));
  return { workflowId: handle.workflowId, result: handle.result() };
}
