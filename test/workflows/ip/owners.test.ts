import { describe, expect, test } from 'vitest';
import { getRunStatus } from '../../../contract/ip/messages.ts';
import { refusedWith, testIpWorld } from '../../support/ip-world.ts';

/** Who may use which pool. The negative tests accept a refusal and nothing else, and look for traces in the other's pool. */
const world = testIpWorld();

const claim = (owner: string, name: string, pool: string, project?: string, length = 24) =>
  world.groundwork.ip.claim(
    world.request(owner, name, pool, length, {
      poolRef: { name: pool, ...(project ? { projectRef: { name: project } } : {}) },
    }),
  );
const grant = (name: string, grantee: string, kind: 'grant' | 'revoke' = 'grant') =>
  world.groundwork.ip.pools.change({ owner: 'alpha', name }, { kind, grantee });

/** Everything of an owner's pools that a stranger could have changed. */
async function footprint(owner: string) {
  const { rows } = await world.database.query<{ line: string }>(
    `select p.name || ' ' || a.cidr || ' ' || a.state as line from ipam_alloc a join ipam_pool p on p.id = a.pool_id
      where p.owner = $1 order by 1`,
    [owner],
  );
  return rows.map(({ line }) => line);
}

describe('owners', () => {
  test('I32, I33: each claims from its own pool', async () => {
    const bestFit = { allocation: { strategy: 'BestFit' as const } };
    await world.root('alpha', 'mt-alpha', '10.100.0.0/20', 24, 28, bestFit);
    await world.root('beta', 'mt-beta', '10.101.0.0/20', 24, 28, bestFit);
    await world.root('alpha', 'mt-shared', '172.20.0.0/20', 24, 28, { ...bestFit, visibility: 'shared' });
    expect((await claim('alpha', 'one', 'mt-alpha')).allocatedCIDR).toBe('10.100.0.0/24');
    expect((await claim('beta', 'one', 'mt-beta')).allocatedCIDR).toBe('10.101.0.0/24');
  });

  test('I34, I37: with a grant another owner claims from a shared pool, and its release gives the block back', async () => {
    expect((await grant('mt-shared', 'beta')).changed).toEqual(['beta: no grant => granted']);
    const before = await world.available('alpha', 'mt-shared');
    const answer = await claim('beta', 'guest', 'mt-shared', 'alpha');
    expect(answer).toMatchObject({ allocatedCIDR: '172.20.0.0/24', pool: { owner: 'alpha', name: 'mt-shared' } });
    const [seen] = await world.groundwork.ip.inventory.claims('alpha', { pool: { name: 'mt-shared' } });
    expect(seen).toMatchObject({ owner: 'beta', name: 'guest' });
    await world.groundwork.ip.release({ owner: 'beta', uid: answer.uid });
    expect(await world.available('alpha', 'mt-shared')).toBe(before);
    expect((await claim('beta', 'guest', 'mt-shared', 'alpha')).replayed).toBe(false);
  });

  test('I35, I50: without a grant a pool of another owner is forbidden, missing and private alike, and nothing is told', async () => {
    const before = await footprint('alpha');
    const asked = [
      await refusedWith(claim('beta', 'thief', 'mt-alpha', 'alpha')),
      await refusedWith(claim('beta', 'thief', 'there-is-none', 'alpha')),
      await refusedWith(claim('gamma', 'thief', 'mt-shared', 'alpha')),
    ];
    for (const failure of asked)
      expect(failure).toMatchObject({ type: 'Forbidden', reason: 'NotPermitted', httpStatus: 403 });
    const words = asked.map(({ message }) => message.replace(/mt-alpha|there-is-none|mt-shared/, 'POOL'));
    expect(words.map((text) => text.replace(/beta|gamma/, 'WHO'))).toEqual(
      Array(3).fill(words[0]?.replace('beta', 'WHO')),
    );
    for (const { message, details } of asked)
      expect(`${message} ${JSON.stringify(details)}`).not.toMatch(/10\.100|172\.20/);
    expect(await footprint('alpha')).toEqual(before);
  });

  test('I50: without naming its owner a pool of another does not exist', async () => {
    const before = await footprint('alpha');
    const failure = await refusedWith(claim('beta', 'thief', 'mt-alpha'));
    expect(failure).toMatchObject({ type: 'NotFound', reason: 'PoolNotFound', httpStatus: 404 });
    expect(failure.message).not.toMatch(/alpha\/|10\.100/);
    expect(await footprint('alpha')).toEqual(before);
  });

  test('a selector into another owner answers as if nothing matched', async () => {
    const failure = await refusedWith(
      world.groundwork.ip.claim({
        owner: 'gamma',
        namespace: 'default',
        name: 'nosy',
        spec: {
          ipFamily: 'IPv4',
          prefixLength: 24,
          poolSelector: { matchExpressions: [{ key: 'a', operator: 'DoesNotExist' }], projectRef: { name: 'alpha' } },
        },
      }),
    );
    expect(failure).toMatchObject({ type: 'NotFound', reason: 'NoPoolMatch' });
  });

  test("reading, changing, verifying and releasing what is another owner's is refused", async () => {
    const { ip } = world.groundwork;
    const before = await footprint('alpha');
    const foreign = { name: 'mt-alpha', projectRef: { name: 'alpha' } };
    expect(await refusedWith(ip.inventory.pool('beta', foreign))).toMatchObject({ type: 'Forbidden' });
    expect(await refusedWith(ip.inventory.map('beta', foreign))).toMatchObject({ type: 'Forbidden' });
    expect(await refusedWith(ip.inventory.claims('beta', { pool: foreign }))).toMatchObject({ type: 'Forbidden' });
    expect(
      await refusedWith(ip.inventory.verify('beta', { name: 'mt-shared', projectRef: { name: 'alpha' } })),
    ).toMatchObject({
      type: 'Forbidden',
    });
    expect(
      await refusedWith(ip.pools.change({ owner: 'beta', name: 'mt-alpha' }, { kind: 'grant', grantee: 'beta' })),
    ).toMatchObject({ type: 'NotFound' });
    expect(await ip.pools.delete({ owner: 'beta', name: 'mt-alpha' })).toMatchObject({ deleted: false });
    const [own] = await ip.inventory.claims('alpha', { name: 'one' });
    expect(await ip.release({ owner: 'beta', uid: own?.uid ?? '' })).toEqual({ uid: own?.uid, outcome: 'unknown' });
    expect(await refusedWith(ip.renew({ owner: 'beta', uid: own?.uid ?? '' }))).toMatchObject({
      type: 'NotFound',
      reason: 'ClaimNotFound',
    });
    expect((await ip.inventory.events('beta')).filter(({ owner }) => owner !== 'beta')).toEqual([]);
    expect(await footprint('alpha')).toEqual(before);
  });

  test('a grantee sees the shared pool without holders, parents and other grantees', async () => {
    const { inventory } = world.groundwork.ip;
    const shared = { name: 'mt-shared', projectRef: { name: 'alpha' } };
    await claim('alpha', 'secret', 'mt-shared');
    const { pool, grants, children } = await inventory.pool('beta', shared);
    expect([pool.status.allocatedCIDR, grants, children]).toEqual(['172.20.0.0/20', undefined, []]);
    expect(JSON.stringify(await inventory.map('beta', shared))).not.toMatch(/secret|alpha\/default/);
    expect((await inventory.claims('beta', { pool: shared })).map(({ owner }) => owner)).toEqual(['beta']);
    expect((await inventory.pools('beta', { granted: true })).map(({ name }) => name)).toEqual([
      'mt-shared',
      'mt-beta',
    ]);
  });

  test('a revoked grant frees nothing and ends further claims', async () => {
    await grant('mt-shared', 'beta', 'revoke');
    expect(await world.groundwork.ip.inventory.claims('beta', { name: 'guest' })).toHaveLength(1);
    expect(await refusedWith(claim('beta', 'more', 'mt-shared', 'alpha'))).toMatchObject({ type: 'Forbidden' });
  });

  test('I51: two owners may have the same range, and are served from their own', async () => {
    await world.root('alpha', 'same', '10.250.0.0/24', 32, 32);
    await world.root('beta', 'same', '10.250.0.0/24', 32, 32);
    const [one, other] = [
      await claim('alpha', 'host', 'same', undefined, 32),
      await claim('beta', 'host', 'same', undefined, 32),
    ];
    expect([one.allocatedCIDR, other.allocatedCIDR]).toEqual(['10.250.0.0/32', '10.250.0.0/32']);
    expect([one.pool.owner, other.pool.owner]).toEqual(['alpha', 'beta']);
  });

  test('I43: a release that names the allocation is refused; claim and capacity are as before', async () => {
    const before = await footprint('alpha');
    const [allocation] = await world.groundwork.ip.inventory.allocations('alpha', { name: 'one' });
    const failure = await refusedWith(world.groundwork.ip.release({ owner: 'alpha', uid: allocation?.name ?? '' }));
    expect(failure).toMatchObject({ type: 'InvalidInput', reason: 'NotAClaim', httpStatus: 422 });
    expect(failure.message).toMatch(/managed by its claim; release the claim/);
    const run = world.client.workflow.execute('ipRelease', {
      taskQueue: world.taskQueue,
      workflowId: 'ip-release/allocation',
      args: [{ owner: 'alpha', uid: allocation?.name }],
    });
    await expect(run).rejects.toMatchObject({ cause: { type: 'InvalidInput', details: [{ reason: 'NotAClaim' }] } });
    expect(await footprint('alpha')).toEqual(before);
  });
});

describe('time', () => {
  const sweep = () =>
    world.client.workflow.execute('ipSweep', { taskQueue: world.taskQueue, workflowId: 'ip-sweep', args: [] });

  test('I63: a lease that is not renewed is released by the sweep; one that is stays; a late renewal is refused', async () => {
    const { ip } = world.groundwork;
    await world.root('time', 'leases', '10.0.0.0/24', 32, 32);
    const short = await ip.claim(world.request('time', 'short', 'leases', 32, { ttlSeconds: 1 }));
    const long = await ip.claim(world.request('time', 'long', 'leases', 32, { ttlSeconds: 1 }));
    expect(Date.parse(short.expiresAt ?? '')).toBeGreaterThan(0);
    const renewed = await ip.renew({ owner: 'time', uid: long.uid, ttlSeconds: 3600 });
    expect(Date.parse(renewed.expiresAt)).toBeGreaterThan(Date.parse(long.expiresAt ?? '') + 3_000_000);
    await world.database.query(`update ipam_alloc set expires_at = now() - interval '1 s' where claim_uid = $1`, [
      short.uid,
    ]);
    const late = await refusedWith(ip.renew({ owner: 'time', uid: short.uid }));
    expect(late).toMatchObject({ type: 'NotFound', reason: 'LeaseExpired', httpStatus: 404 });
    expect(await sweep()).toMatchObject({ pools: 1, candidates: 1, expired: 1 });
    expect((await ip.inventory.claims('time')).map(({ name }) => name)).toEqual(['long']);
    expect((await ip.inventory.events('time', { limit: 1 }))[0]).toMatchObject({ kind: 'expired', name: 'short' });
    expect(await sweep()).toMatchObject({ pools: 0, candidates: 0, expired: 0 });
    const without = await ip.claim(world.request('time', 'free', 'leases', 32));
    expect(await refusedWith(ip.renew({ owner: 'time', uid: without.uid }))).toMatchObject({ type: 'InvalidInput' });
  });

  test('a pool that contradicts itself stops the sweep of no other; the run fails at its end and names it', async () => {
    const { ip } = world.groundwork;
    for (const [index, name] of ['drifted', 'sound'].entries()) {
      await world.root('time', name, `10.9${index}.0.0/24`, 24, 28);
      await ip.claim(world.request('time', name, name, 24, { ttlSeconds: 1 }));
    }
    // The held block stands in the free list, too.
    await world.database.query(
      `insert into ipam_free (pool_id, len, addr) select id, 24, '10.90.0.0' from ipam_pool where name = 'drifted'`,
    );
    await world.database.query('update ipam_alloc set expires_at = clock_timestamp() where name in ($1, $2)', [
      'drifted',
      'sound',
    ]);
    const failure = await sweep().catch((error: { cause?: unknown }) => error.cause);
    expect(failure).toMatchObject({ type: 'Internal', details: [{ reason: 'Drift', pools: ['time/drifted'] }] });
    const status = await world.client.workflow.getHandle('ip-sweep').query(getRunStatus);
    expect(status).toMatchObject({ phase: 'Failed', report: { failedPools: 1, expired: 1 } });
    expect(await ip.inventory.claims('time', { name: 'sound' })).toEqual([]);
    await ip.pools.change({ owner: 'time', name: 'drifted' }, { kind: 'rebuild' });
    expect(await sweep()).toMatchObject({ failedPools: 0, expired: 1 });
  });

  test('I64: a freed block rests for its cool-down; its name is free at once; a claim that waits gets it from the sweep', async () => {
    const { ip } = world.groundwork;
    await world.root('time', 'cool', '10.1.0.0/32', 32, 32, { cooldownSeconds: 300 });
    const first = await ip.claim(world.request('time', 'hot', 'cool', 32));
    expect((await ip.release({ owner: 'time', uid: first.uid })).outcome).toBe('cooling');
    const { status } = (await ip.inventory.pool('time', { name: 'cool' })).pool;
    expect([status.capacity.allocated, status.breakdown.cooling]).toEqual(['1', '1']);
    expect(await refusedWith(ip.claim(world.request('time', 'hot', 'cool', 32)))).toMatchObject({
      type: 'PoolExhausted',
    });
    const waiting = ip.claim({ ...world.request('time', 'next', 'cool', 32), waitSeconds: 60 });
    for (;;) {
      const { rows } = await world.database.query('select 1 from ipam_waiter');
      if (rows.length > 0) break;
    }
    await world.database.query(`update ipam_alloc set free_after = now() - interval '1 s' where state = 'cooling'`);
    expect(await sweep()).toMatchObject({ coolingEnded: 1, signalled: 1 });
    expect((await waiting).allocatedCIDR).toBe('10.1.0.0/32');
  });

  test('I58: retention marks a retained block first and releases it later; without retention it is only counted', async () => {
    const { ip } = world.groundwork;
    await world.root('time', 'kept', '10.2.0.0/31', 32, 32, { retentionSeconds: 3600 });
    await world.root('time', 'kept-for-ever', '10.3.0.0/31', 32, 32);
    for (const pool of ['kept', 'kept-for-ever']) {
      const claim = await ip.claim(world.request('time', `in-${pool}`, pool, 32, { reclaimPolicy: 'Retain' }));
      await ip.release({ owner: 'time', uid: claim.uid });
    }
    const age = (hours: number) =>
      world.database.query(
        `update ipam_alloc set retained_at = now() - make_interval(hours => $1) where retained_at is not null`,
        [hours],
      );
    await age(1);
    expect(await sweep()).toMatchObject({ marked: 1, released: 0, withoutRetention: 1 });
    await age(3);
    expect(await sweep()).toMatchObject({ marked: 0, released: 1, withoutRetention: 1 });
    expect((await ip.inventory.claims('time')).map(({ name }) => name)).toContain('in-kept-for-ever');
  });
});
