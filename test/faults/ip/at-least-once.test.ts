import { ApplicationFailure } from '@temporalio/common';
import { afterEach, describe, expect, test } from 'vitest';
import { createIpActivities, type IpActivities } from '../../../activities/ip/index.ts';
import { workflowIds, workflowTypes } from '../../../contract/names.ts';
import { testIpWorld } from '../../support/ip-world.ts';

/**
 * Every activity may run twice or lose its answer. Each has a road that calls it; the road is walked undisturbed by one owner
 * and disturbed by another, and both must have the same in the end: pools, blocks, free lists, and the events that tell of it.
 */

const world = testIpWorld();

afterEach(() => {
  world.around = undefined;
});

type Name = keyof IpActivities;

/** All activities of the room, so that a new one cannot be forgotten. */
const names = Object.keys(createIpActivities({} as Parameters<typeof createIpActivities>[0])) as Name[];

const ip = () => world.groundwork.ip;
const net = { name: 'net' };

async function pool(owner: string) {
  await world.root(owner, 'net', '10.0.0.0/28', 30, 32);
}
const claim = (owner: string, name: string, length = 32, spec: object = {}) =>
  ip().claim(world.request(owner, name, 'net', length, spec));

const change = (owner: string, what: Parameters<ReturnType<typeof ip>['pools']['change']>[1]) =>
  ip().pools.change({ owner, name: 'net' }, what);

const roads: Readonly<Record<Name, (owner: string) => Promise<void>>> = {
  claimTimings: async (owner) => {
    await pool(owner);
    const workflowId = workflowIds.ipClaim(owner, 'default', 'lost');
    const args = [{ ...world.request(owner, 'lost', 'net', 32), answer: 'update' }];
    await world.client.workflow.execute(workflowTypes.ipClaim, { taskQueue: world.taskQueue, workflowId, args });
  },
  claimAddress: async (owner) => {
    await pool(owner);
    const answer = await claim(owner, 'one');
    expect([answer.replayed, answer.allocatedCIDR]).toEqual([false, '10.0.0.0/32']);
    const batch = await claim(owner, 'batch', 32, { count: 3 });
    expect(batch.allocations?.map(({ allocatedCIDR }) => allocatedCIDR)).toEqual([
      '10.0.0.1/32',
      '10.0.0.2/32',
      '10.0.0.3/32',
    ]);
  },
  awaitCapacity: (owner) => waitInVain(owner),
  stopWaiting: (owner) => waitInVain(owner),
  releaseAddress: async (owner) => {
    await pool(owner);
    const [first, second] = [await claim(owner, 'one'), await claim(owner, 'two', 32, { reclaimPolicy: 'Retain' })];
    await ip().release({ owner, uid: first.uid });
    await ip().release({ owner, uid: second.uid });
    expect((await claim(owner, 'three')).allocatedCIDR).toBe('10.0.0.0/32');
  },
  renewLease: async (owner) => {
    await pool(owner);
    const { uid } = await claim(owner, 'leased', 32, { ttlSeconds: 600 });
    await ip().renew({ owner, uid, ttlSeconds: 3600 });
  },
  createPool: async (owner) => {
    await pool(owner);
    const made = await ip().pools.create({ owner, name: 'child', spec: { parentPoolRef: net, prefixLength: 30 } });
    expect(made.pool.status.allocatedCIDR).toBe('10.0.0.0/30');
  },
  changePool: async (owner) => {
    await pool(owner);
    const { pool: after } = await change(owner, {
      kind: 'settings',
      spec: { visibility: 'shared' },
      labels: { a: 'b' },
    });
    expect([after.visibility, after.labels]).toEqual(['shared', { a: 'b' }]);
  },
  deletePool: async (owner) => {
    await pool(owner);
    await ip().pools.create({ owner, name: 'child', spec: { parentPoolRef: net, prefixLength: 30 } });
    expect((await ip().pools.delete({ owner, name: 'child' })).deleted).toBe(true);
    expect(await world.available(owner, 'net')).toBe(16n);
  },
  reserveRanges: async (owner) => {
    await pool(owner);
    await change(owner, { kind: 'reserve', ranges: ['10.0.0.4/30', '10.0.0.8/31'] });
    await change(owner, { kind: 'unreserve', ranges: ['10.0.0.8/31'] });
  },
  setGrant: async (owner) => {
    await pool(owner);
    await change(owner, { kind: 'grant', grantee: 'friend' });
    await change(owner, { kind: 'grant', grantee: 'foe' });
    await change(owner, { kind: 'revoke', grantee: 'foe' });
    expect((await ip().inventory.pool(owner, net)).grants).toEqual(['friend']);
  },
  readInventory: async (owner) => {
    await pool(owner);
    await claim(owner, 'one');
    expect(await ip().inventory.claims(owner)).toHaveLength(1);
  },
  importClaims: async (owner) => {
    await pool(owner);
    const rows = [0, 1, 2].map((index) => ({ namespace: 'old', name: `h-${index}`, cidr: `10.0.0.${index}/32` }));
    const { imported, unchanged, conflicts } = await ip().pools.import({ owner, name: 'net' }, rows);
    expect([imported + unchanged, conflicts]).toEqual([3, 0]);
  },
  rebuildPool: async (owner) => {
    await pool(owner);
    await world.database.query('delete from ipam_free where pool_id = (select id from ipam_pool where owner = $1)', [
      owner,
    ]);
    await change(owner, { kind: 'rebuild' });
    expect(await world.available(owner, 'net')).toBe(16n);
  },
  surveyPools: async (owner) => {
    await pool(owner);
    expect(await ip().inventory.verify(owner)).toMatchObject({ problems: [], verified: ['net'] });
    expect((await ip().inventory.map(owner, net)).cells).toHaveLength(16);
  },
  sweepPools: async (owner) => {
    await pool(owner);
    const { uid } = await claim(owner, 'short', 32, { ttlSeconds: 600 });
    await world.database.query(`update ipam_alloc set expires_at = now() - interval '1 s' where claim_uid = $1`, [uid]);
    const workflowId = `ip-sweep/${owner}`;
    await world.client.workflow.execute(workflowTypes.ipSweep, { taskQueue: world.taskQueue, workflowId, args: [] });
    expect(await world.available(owner, 'net')).toBe(16n);
  },
};

async function waitInVain(owner: string): Promise<void> {
  await pool(owner);
  await claim(owner, 'all', 30, { count: 4 });
  const waiting = ip().claim({ ...world.request(owner, 'late', 'net', 32), waitSeconds: 1 });
  await expect(waiting).rejects.toMatchObject({ type: 'PoolExhausted', details: { reason: 'WaitEnded' } });
  const { rows } = await world.database.query('select 1 from ipam_waiter where workflow_id = $1', [
    workflowIds.ipClaim(owner, 'default', 'late'),
  ]);
  expect(rows).toEqual([]);
}

/** What an owner has, and what happened to it; a renewal may be told twice, each with its time. */
async function truth(owner: string): Promise<string[]> {
  const { rows } = await world.database.query<{ line: string }>(
    `select concat_ws(' ', 'pool', name, cidr, strategy, visibility, labels) as line from ipam_pool where owner = $1
     union all select concat_ws(' ', 'block', p.name, a.cidr, a.purpose, a.state, a.namespace, a.name, a.expires_at is null)
       from ipam_alloc a join ipam_pool p on p.id = a.pool_id where p.owner = $1
     union all select concat_ws(' ', 'free', p.name, f.addr, f.len) from ipam_free f join ipam_pool p on p.id = f.pool_id
       where p.owner = $1
     union all select concat_ws(' ', 'event', kind, replace(pool, $1, ''), namespace, name, cidr, count(*)) from ipam_event
       where owner = $1 and kind <> 'renewed' group by kind, pool, namespace, name, cidr
     order by 1`,
    [owner],
  );
  const { problems } = await ip().inventory.verify(owner);
  return [...rows.map(({ line }) => line), ...problems.map(({ problem }) => problem)];
}

let owners = 0;
const newOwner = () => `owner-${++owners}`;

/** What the undisturbed road leaves, found once for each. */
const undisturbed = new Map<Name, Promise<string[]>>();

function expected(name: Name): Promise<string[]> {
  const known = undisturbed.get(name);
  if (known) return known;
  const owner = newOwner();
  const found = roads[name](owner).then(() => truth(owner));
  undisturbed.set(name, found);
  return found;
}

const disturbances = {
  'runs twice': async (run: () => Promise<unknown>) => {
    await run();
    return run();
  },
  'loses its answer': async (run: () => Promise<unknown>, first: boolean) => {
    const answer = await run();
    if (!first) return answer;
    throw ApplicationFailure.create({ type: 'AnswerLost', message: 'lost after the effect', nextRetryDelay: 1 });
  },
};

describe.each(Object.entries(disturbances))('an activity that %s changes nothing more', (_, disturb) => {
  test.each(names)('%s', async (name) => {
    const untouched = await expected(name);
    const owner = newOwner();
    let calls = 0;
    world.around = (called, run) => (called === name ? disturb(run, ++calls % 2 === 1) : run());
    await roads[name](owner);
    world.around = undefined;
    expect(calls).toBeGreaterThan(0);
    expect(await truth(owner)).toEqual(untouched);
  });
});
