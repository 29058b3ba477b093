import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { testDatabase } from '../../support/servers.ts';
import { Allocator } from './allocator.ts';

/** Pools: roots, children, changes, reservations (specs: IP claims, sections 1.1, 4.1, 4.2, 4.8). */

const server = testDatabase();
let ip: Allocator;
beforeAll(() => {
  ip = new Allocator(server.url);
});
afterAll(() => ip.close());
beforeEach(() => ip.clear());
afterEach(async () => expect(await ip.problems()).toEqual([]));

describe('roots', () => {
  test('a repeat finds the same pool, another spec is a conflict', async () => {
    const spec = { name: 'p', cidr: '10.200.0.0/20', range: [24, 28] } as const;
    const first = await ip.createPool(spec);
    expect(first).toMatchObject({
      status: 'created',
      replayed: false,
      cidr: '10.200.0.0/20',
      family: 4,
      min_len: 24,
      max_len: 28,
    });
    expect(await ip.createPool(spec)).toMatchObject({ status: 'created', replayed: true, pool_id: first.pool_id });
    expect(await ip.createPool({ ...spec, range: [24, 30] })).toMatchObject({
      status: 'conflict',
      detail: { reason: 'PoolConflict' },
      max_len: 28,
    });
  });

  test('lengths default to those of the pool and the family', async () => {
    expect(await ip.createPool({ name: 'four', cidr: '10.0.0.0/20' })).toMatchObject({
      min_len: 20,
      max_len: 32,
      strategy: 'FirstFit',
    });
    expect(await ip.createPool({ name: 'six', cidr: 'fd00::/48' })).toMatchObject({
      min_len: 48,
      max_len: 128,
      visibility: 'consumer',
    });
  });

  test.each([
    [[19, 28], 'spec.allocation.minPrefixLength'],
    [[28, 24], 'spec.allocation.minPrefixLength'],
    [[24, 33], 'spec.allocation.maxPrefixLength'],
  ] as const)('the range %j is refused by name', async (range, path) => {
    expect(await ip.createPool({ name: 'p', cidr: '10.0.0.0/20', range })).toMatchObject({
      status: 'invalid',
      detail: { reason: 'Schema', paths: [{ path }] },
    });
    expect(await ip.state()).toEqual([]);
  });

  test('of one owner do not overlap, unless the new one says so', async () => {
    await ip.pooled({ name: 'first', cidr: '10.0.0.0/16' });
    expect(await ip.createPool({ name: 'second', cidr: '10.0.128.0/20' })).toMatchObject({
      status: 'overlap',
      cidr: '10.0.128.0/20',
      detail: { reason: 'PoolOverlap', other: { name: 'first', cidr: '10.0.0.0/16' } },
    });
    expect((await ip.createPool({ name: 'second', cidr: '10.0.128.0/20', allowOverlap: true })).status).toBe('created');
    expect((await ip.createPool({ name: 'third', cidr: '10.0.128.0/24' })).status).toBe('overlap');
  });

  test('of two owners may be equal, and each serves its own only', async () => {
    await ip.pooled({ name: 'p', cidr: '10.250.0.0/24' });
    await ip.pooled({ name: 'p', owner: 'beta', cidr: '10.250.0.0/24' });
    expect((await ip.claim({ name: 'c', pool: 'p', len: 32 })).cidr).toBe('10.250.0.0/32');
    expect((await ip.claim({ name: 'c', owner: 'beta', pool: 'p', len: 32 })).cidr).toBe('10.250.0.0/32');
  });
});

describe('children', () => {
  test('are carved, used, and given back one by one', async () => {
    const env = await ip.pooled({ name: 'env', cidr: '10.128.0.0/9', range: [12, 16] });
    expect(await ip.createPool({ name: 'region-1', parent: 'env', len: 12, range: [16, 28] })).toMatchObject({
      cidr: '10.128.0.0/12',
      depth: 1,
      family: 4,
      parent_name: 'env',
    });
    expect((await ip.createPool({ name: 'region-2', parent: 'env', len: 12, range: [16, 28] })).cidr).toBe(
      '10.144.0.0/12',
    );
    expect((await ip.createPool({ name: 'zone', parent: 'region-1', len: 20, range: [24, 28] })).depth).toBe(2);
    const claim = await ip.claim({ name: 'net', pool: 'zone', len: 24 });
    expect(claim.cidr).toBe('10.128.0.0/24');
    expect(await ip.deletePool('zone')).toMatchObject({
      status: 'in_use',
      detail: { reason: 'PoolInUse', claims: 1, retained: 0, children: 0 },
    });
    expect(await ip.deletePool('env')).toMatchObject({
      status: 'in_use',
      detail: { claims: 0, children: 2, childNames: ['region-1', 'region-2'] },
    });
    await ip.release(claim.uid);
    for (const name of ['zone', 'region-1', 'region-2']) expect((await ip.deletePool(name)).status).toBe('deleted');
    expect(await ip.available(env)).toBe('8388608');
    expect(await ip.freeBlocks(env)).toEqual(['10.128.0.0/9']);
    expect(await ip.deletePool('env')).toMatchObject({ status: 'deleted', replayed: false });
    expect(await ip.state()).toEqual([]);
  });

  test('have a length that the parent allows, and lengths of their own', async () => {
    await ip.pooled({ name: 'env', cidr: 'fd00::/32', range: [40, 48] });
    expect(await ip.createPool({ name: 'c', parent: 'env', len: 52 })).toMatchObject({
      status: 'out_of_bounds',
      detail: { min: 40, max: 48 },
    });
    expect(await ip.createPool({ name: 'c', parent: 'env', len: 48, range: [44, 64] })).toMatchObject({
      status: 'invalid',
    });
    expect(await ip.createPool({ name: 'c', parent: 'env', len: 48, wanted: 'fd00:0:7::/48' })).toMatchObject({
      status: 'created',
      cidr: 'fd00:0:7::/48',
      family: 6,
    });
    expect(await ip.createPool({ name: 'd', parent: 'env', len: 48, wanted: 'fd00:0:7::/48' })).toMatchObject({
      status: 'address_taken',
    });
    expect(await ip.createPool({ name: 'd', parent: 'env', len: 48, wanted: 'fd01::/48' })).toMatchObject({
      status: 'out_of_bounds',
      detail: { reason: 'OutsidePool' },
    });
    expect(await ip.createPool({ name: 'd', parent: 'none', len: 48 })).toMatchObject({ status: 'not_found' });
  });

  test('are not given out as claims, and a full parent carves none', async () => {
    await ip.pooled({ name: 'env', cidr: '10.0.0.0/23', range: [24, 24] });
    await ip.pooled({ name: 'a', parent: 'env', len: 24 });
    expect((await ip.claim({ name: 'c', pool: 'env', len: 24 })).cidr).toBe('10.0.1.0/24');
    expect(await ip.createPool({ name: 'b', parent: 'env', len: 24 })).toMatchObject({
      status: 'exhausted',
      detail: { reason: 'NoFreeBlock', wanted: 24 },
    });
  });

  test('a deletion whose answer was lost is answered again; another run finds nothing', async () => {
    await ip.pooled({ name: 'env', cidr: '10.0.0.0/16' });
    await ip.pooled({ name: 'child', parent: 'env', len: 24 });
    expect(await ip.deletePool('child', 'alpha', 'run@1')).toMatchObject({ status: 'deleted', replayed: false });
    expect(await ip.deletePool('child', 'alpha', 'run@1')).toMatchObject({
      status: 'deleted',
      replayed: true,
      cidr: '10.0.0.0/24',
      parent_name: 'env',
    });
    expect(await ip.deletePool('child', 'alpha', 'run@2')).toMatchObject({ status: 'not_found' });
  });

  test('an attempt that comes late neither deletes a later pool of the name nor makes again what was deleted', async () => {
    await ip.pooled({ name: 'env', cidr: '10.0.0.0/16' });
    const child = { name: 'child', parent: 'env', len: 24 };
    expect(await ip.createPool(child, 'creation@1')).toMatchObject({ status: 'created', replayed: false });
    expect(await ip.deletePool('child', 'alpha', 'deletion@1')).toMatchObject({ status: 'deleted' });
    expect(await ip.createPool(child, 'creation@1')).toMatchObject({ status: 'gone' });
    expect(await ip.query("select from ipam_pool where name = 'child'")).toEqual([]);
    const later = await ip.createPool(child, 'creation@2');
    expect(later).toMatchObject({ status: 'created', replayed: false });
    expect(await ip.deletePool('child', 'alpha', 'deletion@1')).toMatchObject({ status: 'deleted', replayed: true });
    expect(await ip.query("select id from ipam_pool where name = 'child'")).toEqual([{ id: later.pool_id }]);
  });

  test('a retained claim keeps its pool', async () => {
    await ip.pooled({ name: 'p', cidr: '10.0.0.0/16' });
    const { uid } = await ip.claim({ name: 'c', pool: 'p', len: 24, reclaim: 'Retain' });
    await ip.release(uid);
    expect(await ip.deletePool('p')).toMatchObject({ status: 'in_use', detail: { claims: 0, retained: 1 } });
  });

  test('what cools in a deleted child cools on in the parent', async () => {
    const env = await ip.pooled({ name: 'env', cidr: '10.0.0.0/16', cooldown: 60 });
    await ip.pooled({ name: 'child', parent: 'env', len: 24, cooldown: 3600 });
    const { uid } = await ip.claim({ name: 'c', pool: 'child', len: 28 });
    const { free_after } = await ip.release(uid);
    expect(await ip.deletePool('child')).toMatchObject({ status: 'deleted', free_after });
    expect(await ip.capacity(env)).toMatchObject({ allocated: '256', cooling: '256', children: '0' });
  });
});

describe('changes', () => {
  test('apply from the next claim and leave blocks alone', async () => {
    await ip.pooled({ name: 'p', cidr: '10.0.0.0/20', range: [24, 28] });
    const held = await ip.claim({ name: 'c', pool: 'p', len: 24 });
    expect(await ip.changePool('p', { minPrefixLength: 26, labels: { a: 'b' }, retentionSeconds: 60 })).toMatchObject({
      status: 'changed',
      before: { minPrefixLength: 24, labels: {}, retentionSeconds: null },
      after: { minPrefixLength: 26, labels: { a: 'b' }, retentionSeconds: 60, maxPrefixLength: 28 },
    });
    expect((await ip.claim({ name: 'd', pool: 'p', len: 24 })).status).toBe('out_of_bounds');
    expect((await ip.claim({ name: 'c', pool: 'p', len: 24 })).cidr).toBe(held.cidr);
    expect(await ip.changePool('p', { minPrefixLength: 26 })).toMatchObject({ status: 'unchanged' });
    expect(await ip.changePool('p', { retentionSeconds: null })).toMatchObject({ after: { retentionSeconds: null } });
    expect(await ip.events('pool-changed')).toHaveLength(2);
  });

  test.each(['cidr', 'ipFamily', 'parentPoolRef', 'prefixLength', 'requestedCIDR', 'allowOverlap'])(
    '%s never changes',
    async (field) => {
      await ip.pooled({ name: 'p', cidr: '10.200.0.0/20' });
      const before = await ip.state();
      expect(await ip.changePool('p', { [field]: '10.0.0.0/8' })).toMatchObject({
        status: 'immutable',
        detail: { reason: 'ImmutableField', field },
      });
      expect(await ip.state()).toEqual(before);
    },
  );

  test('bounds that contradict each other are refused', async () => {
    await ip.pooled({ name: 'p', cidr: '10.0.0.0/20', range: [24, 28] });
    expect(await ip.changePool('p', { maxPrefixLength: 23 })).toMatchObject({
      status: 'invalid',
      detail: { paths: [{ path: 'spec.allocation.minPrefixLength' }] },
    });
    expect(await ip.changePool('q', {})).toMatchObject({ status: 'not_found' });
  });
});

describe('an attempt of a change that comes again after others have changed the same', () => {
  test('gives no grant that was revoked since; another run gives it', async () => {
    await ip.pooled({ name: 'p', cidr: '10.0.0.0/20', visibility: 'shared' });
    const grant = (run: string) => ip.grant('p', 'beta', true, 'alpha', run);
    expect(await grant('change@1')).toMatchObject({ status: 'granted' });
    expect(await ip.grant('p', 'beta', false)).toMatchObject({ status: 'revoked' });
    expect(await grant('change@1')).toMatchObject({ status: 'unchanged' });
    expect(await ip.query('select from ipam_grant')).toEqual([]);
    expect(await ip.events('granted')).toHaveLength(1);
    expect(await grant('change@2')).toMatchObject({ status: 'granted' });
  });

  test('neither gives back nor reserves a block', async () => {
    const pool = await ip.pooled({ name: 'p', cidr: '10.0.0.0/24' });
    const block = ['10.0.0.0/28'];
    const reserve = (remove: boolean, run: string) => ip.reserve('p', block, remove, 'alpha', run);
    expect(await reserve(false, 'change@1')).toMatchObject({ status: 'reserved' });
    expect(await reserve(true, 'change@2')).toMatchObject({ status: 'unreserved' });
    expect(await reserve(false, 'change@1')).toMatchObject({ status: 'unchanged' });
    expect(await ip.capacity(pool)).toMatchObject({ reserved: '0' });
    expect(await reserve(false, 'change@3')).toMatchObject({ status: 'reserved' });
    expect(await reserve(true, 'change@2')).toMatchObject({ status: 'unchanged' });
    expect(await ip.capacity(pool)).toMatchObject({ reserved: '16' });
  });

  test('sets no value that was changed since', async () => {
    await ip.pooled({ name: 'p', cidr: '10.0.0.0/20' });
    const change = (strategy: string, run: string) => ip.changePool('p', { strategy }, 'alpha', run);
    expect(await change('Sparse', 'change@1')).toMatchObject({ status: 'changed' });
    expect(await change('BestFit', 'change@2')).toMatchObject({ status: 'changed' });
    expect(await change('Sparse', 'change@1')).toMatchObject({
      status: 'unchanged',
      before: { strategy: 'BestFit' },
      after: { strategy: 'BestFit' },
    });
    expect(await ip.query('select strategy from ipam_pool')).toEqual([{ strategy: 'BestFit' }]);
  });
});

/** A first attempt that had nothing to do, then what others did, then that attempt again: its run was answered long ago. */
describe('an attempt that found nothing to do and comes again', () => {
  test('deletes no pool that was made since; another run does', async () => {
    expect(await ip.deletePool('p', 'alpha', 'deletion@1')).toMatchObject({ status: 'not_found' });
    const id = await ip.pooled({ name: 'p', cidr: '10.0.0.0/24' });
    expect(await ip.deletePool('p', 'alpha', 'deletion@1')).toMatchObject({
      status: 'not_found',
      replayed: false,
      detail: { reason: 'PoolNotFound', pool: { owner: 'alpha', name: 'p' } },
    });
    expect(await ip.query('select id from ipam_pool')).toEqual([{ id }]);
    expect(await ip.deletePool('p', 'alpha', 'deletion@2')).toMatchObject({ status: 'deleted' });
  });

  test('makes no pool that was deleted since, and is told of one that has another spec now', async () => {
    const spec = { name: 'p', cidr: '10.0.0.0/24' };
    await ip.pooled(spec);
    expect(await ip.createPool(spec, 'creation@1')).toMatchObject({ status: 'created', replayed: true });
    expect(await ip.createPool(spec, 'creation@1')).toMatchObject({ status: 'created', replayed: true });
    await ip.deletePool('p');
    expect(await ip.createPool(spec, 'creation@1')).toMatchObject({ status: 'gone' });
    expect(await ip.state()).toEqual([]);
    await ip.pooled({ ...spec, cidr: '10.0.1.0/24' });
    expect(await ip.createPool(spec, 'creation@1')).toMatchObject({ status: 'conflict' });
  });

  test('gives no grant that was revoked since, and takes none away that was given', async () => {
    await ip.pooled({ name: 'p', cidr: '10.0.0.0/20', visibility: 'shared' });
    const grant = (granted: boolean, run?: string) => ip.grant('p', 'beta', granted, 'alpha', run);
    expect(await grant(false, 'revocation@1')).toMatchObject({ status: 'unchanged' });
    await grant(true);
    const first = await grant(true, 'grant@1');
    expect(first).toMatchObject({ status: 'unchanged' });
    expect(await grant(false, 'revocation@1')).toMatchObject({ status: 'unchanged' });
    expect(await ip.query('select grantee from ipam_grant')).toEqual([{ grantee: 'beta' }]);
    await grant(false);
    expect(await grant(true, 'grant@1')).toEqual(first);
    expect(await ip.query('select from ipam_grant')).toEqual([]);
    expect(await grant(true, 'grant@2')).toMatchObject({ status: 'granted' });
  });

  test('neither reserves nor gives back a block', async () => {
    const pool = await ip.pooled({ name: 'p', cidr: '10.0.0.0/24' });
    const block = ['10.0.0.0/28'];
    const reserve = (remove: boolean, run?: string) => ip.reserve('p', block, remove, 'alpha', run);
    const first = await reserve(true, 'change@1');
    expect(first).toMatchObject({ status: 'unchanged' });
    await reserve(false);
    expect(await reserve(false, 'change@2')).toMatchObject({ status: 'unchanged' });
    expect(await reserve(true, 'change@1')).toEqual(first);
    expect(await ip.capacity(pool)).toMatchObject({ reserved: '16' });
    await reserve(true);
    expect(await reserve(false, 'change@2')).toMatchObject({ status: 'unchanged' });
    expect(await ip.capacity(pool)).toMatchObject({ reserved: '0' });
  });

  test('sets no value that was changed since', async () => {
    await ip.pooled({ name: 'p', cidr: '10.0.0.0/20', strategy: 'Sparse' });
    const change = (strategy: string, run: string) => ip.changePool('p', { strategy }, 'alpha', run);
    const first = await change('Sparse', 'change@1');
    expect(first).toMatchObject({ status: 'unchanged', after: { strategy: 'Sparse' } });
    expect(await change('BestFit', 'change@2')).toMatchObject({ status: 'changed' });
    expect(await change('Sparse', 'change@1')).toEqual(first);
    expect(await ip.query('select strategy from ipam_pool')).toEqual([{ strategy: 'BestFit' }]);
  });

  test('waits for another attempt of its run, and does what is right after it', async () => {
    await ip.pooled({ name: 'p', cidr: '10.0.0.0/20', visibility: 'shared' });
    await ip.grant('p', 'beta');
    const client = await ip.pool.connect();
    try {
      await client.query('begin');
      await client.query("select * from ipam_grant_set('alpha', 'p', 'beta', true, 'tester', 'grant@1')");
      const late = ip.grant('p', 'beta', true, 'alpha', 'grant@1');
      const waiting = `select from pg_locks l join pg_database d on d.oid = l.database
        where l.locktype = 'advisory' and not l.granted and d.datname = current_database()`;
      await expect.poll(() => ip.query(waiting)).toHaveLength(1);
      await client.query("select * from ipam_grant_set('alpha', 'p', 'beta', false, 'tester', 'revocation@1')");
      await client.query('commit');
      expect(await late).toMatchObject({ status: 'unchanged' });
      expect(await ip.query('select from ipam_grant')).toEqual([]);
    } finally {
      client.release();
    }
  });

  test('a refusal holds for its attempt only: what was in the way may be gone', async () => {
    await ip.pooled({ name: 'p', cidr: '10.0.0.0/20' });
    const { uid } = await ip.claim({ name: 'c', pool: 'p', len: 28 });
    expect(await ip.deletePool('p', 'alpha', 'deletion@1')).toMatchObject({ status: 'in_use' });
    await ip.release(uid);
    expect(await ip.deletePool('p', 'alpha', 'deletion@1')).toMatchObject({ status: 'deleted' });
  });
});

describe('reservations', () => {
  test('at the edges, in units, as the fewest blocks', async () => {
    const pool = await ip.pooled({
      name: 'p',
      cidr: '10.0.0.0/24',
      range: [28, 28],
      reservations: { leading: 3, trailing: 1 },
    });
    expect((await ip.query('select cidr from ipam_alloc order by cidr')).map(({ cidr }) => cidr)).toEqual([
      '10.0.0.0/27',
      '10.0.0.32/28',
      '10.0.0.240/28',
    ]);
    expect((await ip.claim({ name: 'c', pool: 'p', len: 28 })).cidr).toBe('10.0.0.48/28');
    expect(await ip.capacity(pool)).toMatchObject({ reserved: '64', allocated: '80' });
    expect((await ip.events('reserved')).map(({ cidr }) => cidr)).toHaveLength(3);
  });

  test('ranges that overlap the edges or each other are merged', async () => {
    const cidrs = ['10.0.0.0/26', '10.0.0.8/29', '10.0.0.128/32'];
    const pool = await ip.pooled({
      name: 'p',
      cidr: '10.0.0.0/24',
      reservations: { unitPrefixLength: 28, leading: 1, cidrs },
    });
    expect(await ip.capacity(pool)).toMatchObject({ reserved: '65' });
  });

  test('more than the pool has, or outside of it, makes no pool', async () => {
    const wrong = { name: 'p', cidr: '10.0.0.0/24', range: [28, 28] } as const;
    expect(await ip.createPool({ ...wrong, reservations: { leading: 16, trailing: 1 } })).toMatchObject({
      status: 'invalid',
      detail: { paths: [{ path: 'spec.reservations' }] },
    });
    expect(await ip.createPool({ ...wrong, reservations: { unitPrefixLength: 20, leading: 1 } })).toMatchObject({
      status: 'invalid',
    });
    expect(await ip.createPool({ ...wrong, reservations: { cidrs: ['10.0.1.0/28'] } })).toMatchObject({
      status: 'out_of_bounds',
      detail: { reason: 'OutsidePool' },
    });
    expect(await ip.state()).toEqual([]);
    expect((await ip.createPool({ ...wrong, reservations: { leading: 15, trailing: 1 } })).status).toBe('created');
  });

  test('come and go; a part of one goes alone; twice changes nothing', async () => {
    const pool = await ip.pooled({ name: 'p', cidr: '10.0.0.0/24' });
    expect(await ip.reserve('p', ['10.0.0.0/28', '10.0.0.64/26'])).toMatchObject({ status: 'reserved' });
    const before = await ip.state();
    expect(await ip.reserve('p', ['10.0.0.0/28'])).toMatchObject({ status: 'unchanged' });
    expect(await ip.reserve('p', ['10.0.0.64/28'])).toMatchObject({ status: 'unchanged' });
    expect(await ip.state()).toEqual(before);
    expect(await ip.reserve('p', ['10.0.0.80/28'], true)).toMatchObject({ status: 'unreserved' });
    expect(await ip.capacity(pool)).toMatchObject({ reserved: '64' });
    expect(await ip.reserve('p', ['10.0.0.80/28'], true)).toMatchObject({ status: 'unchanged' });
    expect(await ip.reserve('p', ['10.0.0.0/24'])).toMatchObject({ status: 'reserved' });
    expect(await ip.reserve('p', ['10.0.0.0/24'], true)).toMatchObject({ status: 'unreserved' });
    expect(await ip.freeBlocks(pool)).toEqual(['10.0.0.0/24']);
  });

  test('not over what is held: all or nothing', async () => {
    await ip.pooled({ name: 'p', cidr: '10.0.0.0/24' });
    await ip.claim({ name: 'c', pool: 'p', wanted: '10.0.0.32/28' });
    const before = await ip.state();
    expect(await ip.reserve('p', ['10.0.0.0/28', '10.0.0.32/27'])).toMatchObject({
      status: 'address_taken',
      detail: { holder: { name: 'c' } },
    });
    expect(await ip.reserve('p', ['10.0.1.0/28'])).toMatchObject({ status: 'out_of_bounds' });
    expect(await ip.reserve('p', ['fd00::/64'])).toMatchObject({ status: 'family_mismatch' });
    expect(await ip.reserve('p', ['10.0.0.32/28'], true)).toMatchObject({ status: 'unchanged' });
    expect(await ip.state()).toEqual(before);
  });

  test('a pool that holds reservations only can be deleted', async () => {
    await ip.pooled({ name: 'p', cidr: '10.0.0.0/24', reservations: { leading: 1 } });
    expect((await ip.deletePool('p')).status).toBe('deleted');
  });
});
