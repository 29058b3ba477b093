import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { testDatabase } from '../../support/servers.ts';
import { Allocator } from './allocator.ts';

/** Taking over blocks (specs: IP claims, 4.9), and the proof of soundness with its repair (4.11). */

const server = testDatabase();
let ip: Allocator;
let pool: number;
beforeAll(() => {
  ip = new Allocator(server.url);
});
afterAll(() => ip.close());
beforeEach(async () => {
  await ip.clear();
  pool = await ip.pooled({ name: 'p', cidr: '10.0.0.0/16', range: [24, 28] });
});

const row = (line: number, cidr: string, more: object = {}) => ({
  line,
  namespace: 'n',
  name: `i${line}`,
  cidr,
  ...more,
});
/** Outcomes by line, without those of the given kind. */
const besides = (kind: string, rows: Record<string, unknown>[]) =>
  Object.fromEntries(
    rows.filter(({ status }) => status !== kind).map(({ line, reason, status }) => [line, reason ?? status]),
  );

describe('import', () => {
  test('what can be is imported, the rest is reported by line; again it is all unchanged', async () => {
    await ip.claim({ name: 'taken', pool: 'p', wanted: '10.0.0.0/24' });
    await ip.reserve('p', ['10.0.1.0/24']);
    await ip.grant('p', 'beta');
    const rows = [
      ...Array.from({ length: 100 }, (_, index) => row(index + 1, `10.0.${100 + index}.0/24`)),
      row(101, '10.0.0.16/28'),
      row(102, '10.0.1.0/28'),
      row(103, '10.1.0.0/24'),
      row(104, '10.0.2.0/23'),
      row(105, 'fd00::/64'),
      row(106, '10.0.2.1/24'),
      row(107, '10.0.3.0/24', { owner: 'beta' }),
      row(108, '10.0.4.0/24', { name: 'i1' }),
      row(109, 'no address'),
    ];
    const expected = {
      101: 'AddressTaken',
      102: 'AddressReserved',
      103: 'OutsidePool',
      104: 'OutOfBounds',
      105: 'FamilyMismatch',
      106: 'Malformed',
      107: 'NotPermitted',
      108: 'IdentityTaken',
      109: 'Malformed',
    };
    const dry = await ip.import('p', rows, { dryRun: true });
    expect(besides('imported', dry)).toEqual(expected);
    expect(await ip.events('imported')).toEqual([]);
    const first = await ip.import('p', rows);
    expect(besides('imported', first)).toEqual(expected);
    expect(first.filter(({ status }) => status === 'imported')).toHaveLength(100);
    expect(besides('unchanged', await ip.import('p', rows))).toEqual(expected);
    expect(await ip.events('imported')).toHaveLength(100);
    expect(await ip.problems()).toEqual([]);
    expect((await ip.release(String(first[0]?.claim_uid))).status).toBe('released');
  });

  test('all or nothing', async () => {
    const rows = [row(1, '10.0.0.0/24'), row(2, '10.0.0.0/25')];
    const before = await ip.state();
    expect(await ip.import('p', rows, { atomic: true })).toMatchObject([
      { status: 'skipped', line: 1, claim_uid: null },
      { status: 'conflict', line: 2, reason: 'AddressTaken' },
    ]);
    expect(await ip.state()).toEqual(before);
    expect(await ip.import('p', rows.slice(0, 1), { atomic: true })).toMatchObject([{ status: 'imported' }]);
  });

  test('leases, other owners with a grant, and the hash by which a claim recognises its own', async () => {
    await ip.changePool('p', { visibility: 'shared' });
    await ip.grant('p', 'beta');
    await ip.import('p', [
      row(1, '10.0.0.0/24', { owner: 'beta', ttlSeconds: 60, reclaimPolicy: 'Retain', requestHash: 'ab12' }),
    ]);
    expect(
      await ip.query(
        "select owner, reclaim, expires_at > now() as leased, encode(request_hash, 'hex') as hash, claim_uid::text ~ '^.{14}7' as v7 from ipam_alloc",
      ),
    ).toEqual([{ owner: 'beta', reclaim: 'Retain', leased: true, hash: 'ab12', v7: true }]);
  });

  test('an attempt that comes again takes over nothing that its owner has released since; another run does', async () => {
    const rows = [row(1, '10.0.0.0/24'), row(2, '10.0.1.0/24')];
    const [first] = await ip.import('p', rows, { run: 'import@1' });
    expect(await ip.release(String(first?.claim_uid))).toMatchObject({ status: 'released' });
    expect(await ip.import('p', rows, { run: 'import@1' })).toMatchObject([
      { status: 'unchanged', line: 1 },
      { status: 'unchanged', line: 2 },
    ]);
    expect(await ip.events('imported')).toHaveLength(2);
    expect(besides('unchanged', await ip.import('p', rows, { run: 'import@2' }))).toEqual({ 1: 'imported' });
  });

  test('nor what was there for its first attempt and has been released since', async () => {
    const rows = [row(1, '10.0.0.0/24')];
    const [held] = await ip.import('p', rows, { run: 'import@1' });
    const again = () => ip.import('p', rows, { run: 'import@2' });
    const unchanged = [{ status: 'unchanged', line: 1, claim_uid: held?.claim_uid }];
    expect(await again()).toMatchObject(unchanged);
    expect(await ip.release(String(held?.claim_uid))).toMatchObject({ status: 'released' });
    expect(await again()).toMatchObject(unchanged);
    expect(await ip.query("select from ipam_alloc where purpose = 'claim'")).toEqual([]);
  });

  test('a dry run leaves nothing that a run of the same id would find', async () => {
    const rows = [row(1, '10.0.0.0/24')];
    const [held] = await ip.import('p', rows, { run: 'import@1' });
    await ip.import('p', rows, { run: 'import@2', dryRun: true });
    await ip.release(String(held?.claim_uid));
    expect(await ip.import('p', rows, { run: 'import@2' })).toMatchObject([{ status: 'imported' }]);
  });

  test('only into a pool of one’s own', async () => {
    expect(await ip.import('p', [row(1, '10.0.0.0/24')], { owner: 'beta' })).toMatchObject([
      { status: 'not_found', line: null },
    ]);
  });
});

describe('verify and rebuild', () => {
  beforeEach(async () => {
    await ip.reserve('p', ['10.0.255.0/24']);
    await ip.pooled({ name: 'child', parent: 'p', len: 24 });
    await ip.claim({ name: 'c', pool: 'p', len: 24, count: 5 });
    expect(await ip.problems()).toEqual([]);
  });

  const rebuild = () => ip.one('ipam_rebuild', ['alpha', 'p', 'tester', 'rebuild-run']);
  const kinds = async () => [...new Set((await ip.problems()).map((words) => words.split(' ')[1]))].sort();

  test.each([
    ['a lost free block', 'delete from ipam_free where addr = (select max(addr) from ipam_free)', ['drift', 'gap']],
    ['the first free block lost', "delete from ipam_free where addr = '10.0.6.0'", ['drift', 'gap']],
    ['no free block at all', 'delete from ipam_free where pool_id = (select min(id) from ipam_pool)', ['drift', 'gap']],
    [
      'a free block that is held',
      "insert into ipam_free (pool_id, len, addr) select pool_id, 28, '10.0.0.0' from ipam_free where addr = '10.0.64.0'",
      ['drift', 'overlap'],
    ],
    [
      'a free block outside',
      "insert into ipam_free (pool_id, len, addr) select pool_id, 24, '10.1.0.0' from ipam_free where addr = '10.0.64.0'",
      ['drift', 'outside'],
    ],
    [
      'a block that begins inside of another',
      "update ipam_free set addr = addr + 1 where addr = '10.0.64.0'",
      ['misaligned'],
    ],
    [
      'two halves that were not joined',
      "with f as (delete from ipam_free where addr = '10.0.64.0' returning *) insert into ipam_free (pool_id, len, addr) select pool_id, 19, addr from f union all select pool_id, 19, addr + 8192 from f",
      ['buddies'],
    ],
  ])('%s is found and repaired', async (_, damage, found) => {
    const right = await ip.freeBlocks(pool);
    await ip.query(damage);
    expect(await kinds()).toEqual(found);
    expect(await rebuild()).toMatchObject({ status: 'rebuilt', pool_id: pool });
    expect(await ip.problems()).toEqual([]);
    expect(await ip.freeBlocks(pool)).toEqual(right);
    expect(await rebuild()).toMatchObject({ status: 'unchanged' });
    expect(await ip.events('rebuilt')).toHaveLength(1);
  });

  test('a child without its block, and a block without its child, are found', async () => {
    await ip.query("update ipam_alloc set name = 'other' where purpose = 'pool'");
    expect(await kinds()).toEqual(['block-without-child', 'child-without-block']);
  });

  test('an empty pool is rebuilt as one block', async () => {
    await ip.pooled({ name: 'empty', cidr: 'fd00::/48' });
    await ip.query('delete from ipam_free where family(addr) = 6');
    expect(await ip.problems()).toHaveLength(1);
    expect(await ip.one('ipam_rebuild', ['alpha', 'empty', 'tester', 'run'])).toMatchObject({
      status: 'rebuilt',
      blocks: '1',
    });
    expect(await ip.problems()).toEqual([]);
    expect(await ip.one('ipam_rebuild', ['alpha', 'none', 'tester', 'run'])).toMatchObject({ status: 'not_found' });
  });

  test.each([
    ['0.0.0.0/0', '128.0.0.0/1', '255.255.255.255', 32],
    ['::/0', '8000::/1', 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff', 128],
  ])(
    'drift at the last address of a family, in the pool %s, is found and repaired',
    async (cidr, upper, last, length) => {
      const every = await ip.pooled({ name: 'every', cidr, range: [0, length], allowOverlap: true });
      const family = length === 32 ? 4 : 6;
      expect(await ip.claim({ name: 'half', pool: 'every', wanted: upper, family })).toMatchObject({ status: 'bound' });
      await ip.query('insert into ipam_free (pool_id, len, addr) values ($1, $2, $3)', [every, length, last]);
      expect(await kinds()).toEqual(['drift', 'overlap']);
      expect(await ip.one('ipam_rebuild', ['alpha', 'every', 'tester', 'run'])).toMatchObject({ status: 'rebuilt' });
      expect(await ip.problems()).toEqual([]);
    },
  );

  test('a drifted free list cannot give a block twice: the constraint refuses, and nothing is kept', async () => {
    await ip.query(
      "insert into ipam_free (pool_id, len, addr) select pool_id, 24, '10.0.1.0' from ipam_free where addr = '10.0.64.0'",
    );
    const before = await ip.state();
    await expect(ip.claim({ name: 'd', pool: 'p', len: 24 })).rejects.toMatchObject({ code: '23P01' });
    expect(await ip.state()).toEqual(before);
  });

  test('a free list that lacks a block is told, not hidden as an address in use', async () => {
    await ip.query("delete from ipam_free where addr = '10.0.64.0'");
    expect(await ip.claim({ name: 'd', pool: 'p', wanted: '10.0.64.0/24' })).toMatchObject({
      status: 'drift',
      detail: { reason: 'Drift' },
    });
  });
});
