import { expect, test } from 'vitest';
import { workflowIds, workflowTypes } from '../../../contract/names.ts';
import { eventually } from '../../support/inspect.ts';
import { testIpWorld } from '../../support/ip-world.ts';
import { record } from '../../support/replay/histories.ts';

/**
 * A worker that keeps no run in memory replays the whole history at every step: what would not replay shows here. With
 * `npm run record` the histories become those of test/replay.
 */

const world = testIpWorld({ environment: { GROUNDWORK_MAX_CACHED_WORKFLOWS: '0' }, workflowTaskTimeout: '2s' });

const keep = (name: string, workflowId: string) => record(world.client, 'ip', name, workflowId);
const claimId = (name: string) => workflowIds.ipClaim('hooli', 'default', name);

test('a worker without a cache makes a pool, claims, refuses, serves who waits, releases, reads and sweeps', async () => {
  const { ip } = world.groundwork;
  await world.root('hooli', 'net', '10.0.0.0/31', 31, 32);
  await keep('pool-created', workflowIds.ipPoolCreation('hooli', 'net'));

  const { uid, allocatedCIDR } = await ip.claim(world.request('hooli', 'one', 'net', 32));
  await keep('claimed', claimId('one'));
  await ip.claim(world.request('hooli', 'leased', 'net', 32, { ttlSeconds: 600 }));
  await expect(ip.claim(world.request('hooli', 'third', 'net', 32))).rejects.toMatchObject({ type: 'PoolExhausted' });
  await keep('refused', claimId('third'));

  const waiting = ip.claim({ ...world.request('hooli', 'patient', 'net', 32), waitSeconds: 600 });
  await eventually(async () => expect((await world.database.query('select from ipam_waiter')).rowCount).toBe(1));
  await ip.release({ owner: 'hooli', uid });
  expect((await waiting).allocatedCIDR).toBe(allocatedCIDR);
  await keep('served-after-a-wait', claimId('patient'));
  await keep('released', workflowIds.ipRelease(uid));

  const workflowId = workflowIds.ipInventory('hooli', 'recorded');
  const args = [{ owner: 'hooli', query: { kind: 'claims' } }];
  const read = { taskQueue: world.taskQueue, workflowId, args };
  expect(await world.client.workflow.execute(workflowTypes.ipInventory, read)).toMatchObject({ kind: 'claims' });
  await keep('read', workflowId);

  await world.database.query(`update ipam_alloc set expires_at = now() - interval '1 s' where name = 'leased'`);
  const sweeping = { taskQueue: world.taskQueue, workflowId: 'ip-sweep/recorded', args: [] };
  expect(await world.client.workflow.execute(workflowTypes.ipSweep, sweeping)).toMatchObject({ expired: 1 });
  await keep('swept', 'ip-sweep/recorded');
});
