import { expect } from 'vitest';
import type { IpClaimAnswer, IpClaimSpec } from '../../../contract/ip/claim.ts';
import { workflowIds, workflowTypes } from '../../../contract/names.ts';
import { GroundworkError } from '../../../starter/errors.ts';
import { activitiesOfRooms } from '../../support/faults/activities.ts';
import type { RoomUnderFaults } from '../../support/faults/journey.ts';
import { eventually } from '../../support/inspect.ts';
import type { IpWorld } from '../../support/ip-world.ts';
import { uniqueName } from '../../support/servers.ts';

/** Journeys of pools and claims. Each has an owner of its own, and at the end what that owner has must be what it asked for. */

/** Asks as callers should: the same request again when nobody knows what became of it, or the room was busy. */
export async function asked<T>(ask: (requestId: string) => Promise<T>): Promise<T> {
  let requestId = uniqueName('request');
  for (;;) {
    try {
      return await ask(requestId);
    } catch (error) {
      if (!(error instanceof GroundworkError && ['OutcomeUnknown', 'Busy'].includes(error.type))) throw error;
      if (error.type === 'Busy') requestId = uniqueName('request');
    }
  }
}

/**
 * What an owner has and what happened to it: pools, blocks, events with how often; `ipam_verify` has nothing to say. Refusals
 * and renewals are left out, which may be told once for each attempt.
 */
export async function truth(world: IpWorld, owner: string): Promise<string[]> {
  const { rows } = await world.database.query<{ line: string }>(
    `select concat_ws(' ', 'pool', name, cidr, visibility, nullif(labels, '{}')) as line from ipam_pool where owner = $1
     union all select concat_ws(' ', 'block', p.name, a.cidr, a.state, nullif(a.purpose, 'claim'), a.namespace, a.name,
         case when a.expires_at is not null then 'leased' end)
       from ipam_alloc a join ipam_pool p on p.id = a.pool_id where p.owner = $1
     union all select concat_ws(' ', 'event', kind, count(*)) from ipam_event
       where owner = $1 and kind not in ('refused', 'renewed') group by kind
     union all select concat_ws(' ', 'waiter', w.workflow_id) from ipam_waiter w join ipam_pool p on p.id = w.pool_id
       where p.owner = $1
     union all select concat_ws(' ', 'problem', problem, detail)
       from ipam_pool p cross join lateral ipam_verify(p.id) where p.owner = $1
     order by 1`,
    [owner],
  );
  return rows.map(({ line }) => line);
}

async function must(world: IpWorld, owner: string, lines: readonly string[]): Promise<void> {
  expect(await truth(world, owner)).toEqual([...lines].sort());
}

const net = { name: 'net' };

/** A traveller with an empty pool `net`, 10.0.0.0/28 by default, of addresses and small blocks. */
async function begun(world: IpWorld, cidr = '10.0.0.0/28') {
  const owner = uniqueName('acme');
  await world.root(owner, 'net', cidr, Number(cidr.split('/')[1]), 32);
  const { ip } = world.groundwork;
  const pool = { owner, name: 'net' };
  const claim = (name: string, length = 32, spec: Partial<IpClaimSpec> = {}, waitSeconds?: number) =>
    asked((requestId) =>
      ip.claim(
        { ...world.request(owner, name, 'net', length, spec), ...(waitSeconds ? { waitSeconds } : {}) },
        { requestId },
      ),
    );
  const release = ({ uid }: Pick<IpClaimAnswer, 'uid'>) => asked(() => ip.release({ owner, uid }));
  return { owner, ip, pool, claim, release };
}

async function claimAndRelease(world: IpWorld): Promise<void> {
  const { owner, ip, claim, release } = await begun(world);
  const one = await claim('one');
  expect([one.replayed, one.allocatedCIDR]).toEqual([false, '10.0.0.0/32']);
  const batch = await claim('batch', 32, { count: 3 });
  expect(batch.allocations?.map(({ allocatedCIDR }) => allocatedCIDR)).toEqual([
    '10.0.0.1/32',
    '10.0.0.2/32',
    '10.0.0.3/32',
  ]);
  const kept = await claim('kept', 30, { reclaimPolicy: 'Retain' });
  const leased = await claim('leased', 31, { ttlSeconds: 600 });
  await asked(() => ip.renew({ owner, uid: leased.uid, ttlSeconds: 3600 }));
  await release(one);
  await release(kept);
  expect((await claim('kept', 30, { reclaimPolicy: 'Retain' })).rebound).toBe(true);
  expect((await claim('next')).allocatedCIDR).toBe('10.0.0.0/32');
  await must(world, owner, [
    'pool net 10.0.0.0/28 consumer',
    'block net 10.0.0.0/32 held default next',
    ...[0, 1, 2].map((index) => `block net 10.0.0.${index + 1}/32 held default batch-${index}`),
    'block net 10.0.0.4/30 held default kept',
    'block net 10.0.0.8/31 held default leased leased',
    'event pool-created 1',
    'event claimed 7',
    'event released 1',
    'event retained 1',
    'event rebound 1',
  ]);
}

/** One claim waits in vain, another is served: the wait would last a minute if nobody told it of the release. */
async function waitForRoom(world: IpWorld): Promise<void> {
  const { owner, claim, release } = await begun(world, '10.0.0.0/30');
  const { allocations = [] } = await claim('all', 32, { count: 4 });
  await expect(claim('late', 32, {}, 1)).rejects.toMatchObject({
    type: 'PoolExhausted',
    details: { reason: 'WaitEnded' },
  });
  const served = claim('patient', 32, {}, 600);
  await eventually(async () => expect(await truth(world, owner)).toContain(waiter(owner)), 60);
  await release(allocations[1] as { uid: string });
  expect((await served).allocatedCIDR).toBe('10.0.0.1/32');
  await must(world, owner, [
    'pool net 10.0.0.0/30 consumer',
    'block net 10.0.0.1/32 held default patient',
    ...[0, 2, 3].map((index) => `block net 10.0.0.${index}/32 held default all-${index}`),
    'event pool-created 1',
    'event claimed 5',
    'event released 1',
  ]);
}

const waiter = (owner: string) => `waiter ${workflowIds.ipClaim(owner, 'default', 'patient')}`;

/** A start that its caller forgot. */
async function abandon(world: IpWorld): Promise<void> {
  const { owner } = await begun(world);
  const result = await world.client.workflow.execute(workflowTypes.ipClaim, {
    taskQueue: world.taskQueue,
    workflowId: workflowIds.ipClaim(owner, 'default', 'lost'),
    args: [{ ...world.request(owner, 'lost', 'net', 32), answer: 'update' }],
  });
  expect(result).toMatchObject({ phase: 'Abandoned' });
  await must(world, owner, ['pool net 10.0.0.0/28 consumer', 'event pool-created 1']);
}

async function change(world: IpWorld): Promise<void> {
  const { owner, ip, pool } = await begun(world);
  const child = { owner, name: 'child' };
  await asked(() => ip.pools.create({ ...child, spec: { parentPoolRef: net, prefixLength: 30 } }));
  const settings = { kind: 'settings', spec: { visibility: 'shared' }, labels: { a: 'b' } } as const;
  const { pool: after } = await asked(() => ip.pools.change(pool, settings));
  expect([after.visibility, after.labels]).toEqual(['shared', { a: 'b' }]);
  await asked(() => ip.pools.change(pool, { kind: 'reserve', ranges: ['10.0.0.4/30', '10.0.0.8/31'] }));
  await asked(() => ip.pools.change(pool, { kind: 'unreserve', ranges: ['10.0.0.8/31'] }));
  await asked(() => ip.pools.change(pool, { kind: 'grant', grantee: 'friend' }));
  await asked(() => ip.pools.change(pool, { kind: 'grant', grantee: 'foe' }));
  await asked(() => ip.pools.change(pool, { kind: 'revoke', grantee: 'foe' }));
  expect((await asked(() => ip.inventory.pool(owner, net))).grants).toEqual(['friend']);
  expect((await asked(() => ip.pools.delete(child))).deleted).toBe(true);
  await world.database.query(
    'delete from ipam_free where pool_id = (select id from ipam_pool where owner = $1) and len = 29',
    [owner],
  );
  expect((await asked(() => ip.inventory.verify(owner))).problems).not.toEqual([]);
  await asked(() => ip.pools.change(pool, { kind: 'rebuild' }));
  await must(world, owner, [
    'pool net 10.0.0.0/28 shared {"a": "b"}',
    'block net 10.0.0.4/30 held reservation',
    'event pool-created 2',
    'event pool-changed 1',
    'event pool-deleted 1',
    'event reserved 2',
    'event unreserved 1',
    'event granted 2',
    'event revoked 1',
    'event rebuilt 1',
  ]);
}

/** More than two chunks. */
const ROWS = 450;

async function importBlocks(world: IpWorld): Promise<void> {
  const { owner, ip, pool } = await begun(world, '10.0.0.0/22');
  const rows = Array.from({ length: ROWS }, (_, index) => ({
    namespace: 'old',
    name: `h-${index}`,
    cidr: `10.0.${Math.floor(index / 256)}.${index % 256}/32`,
  }));
  const { imported, unchanged, conflicts } = await asked(() => ip.pools.import(pool, rows));
  expect([imported + unchanged, conflicts]).toEqual([ROWS, 0]);
  await must(world, owner, [
    'pool net 10.0.0.0/22 consumer',
    ...rows.map(({ name, cidr }) => `block net ${cidr} held old ${name}`),
    'event pool-created 1',
    `event imported ${ROWS}`,
  ]);
}

/** More than one transaction of the sweep. */
const LEASES = 120;

async function sweep(world: IpWorld): Promise<void> {
  const { owner, claim } = await begun(world, '10.0.0.0/24');
  await claim('short', 32, { ttlSeconds: 600, count: LEASES });
  await claim('long', 32, { ttlSeconds: 600 });
  await world.database.query(
    `update ipam_alloc set expires_at = now() - interval '1 s' where owner = $1 and name like 'short-%'`,
    [owner],
  );
  const workflowId = `ip-sweep/${owner}`;
  await world.client.workflow.execute(workflowTypes.ipSweep, { taskQueue: world.taskQueue, workflowId, args: [] });
  await must(world, owner, [
    'pool net 10.0.0.0/24 consumer',
    `block net 10.0.0.${LEASES}/32 held default long leased`,
    'event pool-created 1',
    `event claimed ${LEASES + 1}`,
    `event expired ${LEASES}`,
  ]);
}

export const ipRoom: RoomUnderFaults<IpWorld> = {
  room: 'ip',
  subject: 'a pool that is',
  activities: activitiesOfRooms.ip,
  journeys: [
    {
      name: 'claimed from and given back to',
      go: claimAndRelease,
      activities: ['createPool', 'claimAddress', 'renewLease', 'releaseAddress'],
    },
    {
      name: 'full and waited for',
      go: waitForRoom,
      activities: ['createPool', 'claimAddress', 'awaitCapacity', 'stopWaiting', 'releaseAddress'],
    },
    { name: 'asked by a caller who is gone', go: abandon, activities: ['createPool', 'claimTimings'] },
    {
      name: 'changed in every way',
      go: change,
      activities: [
        'createPool',
        'changePool',
        'reserveRanges',
        'setGrant',
        'readInventory',
        'deletePool',
        'surveyPools',
        'rebuildPool',
      ],
    },
    { name: 'filled by an import', go: importBlocks, activities: ['createPool', 'importClaims'] },
    { name: 'swept', go: sweep, activities: ['createPool', 'claimAddress', 'sweepPools'] },
  ],
};
