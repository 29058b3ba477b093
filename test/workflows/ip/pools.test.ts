import { describe, expect, test } from 'vitest';
import type { IpPoolChange } from '../../../contract/ip/change.ts';
import type { IpPoolSpec } from '../../../contract/ip/pool.ts';
import { refusedWith, testIpWorld } from '../../support/ip-world.ts';

const world = testIpWorld();

const create = (name: string, spec: IpPoolSpec, owner = 'globex') =>
  world.groundwork.ip.pools.create({ owner, name, spec, actor: 'test' });
const remove = (name: string, owner = 'globex') => world.groundwork.ip.pools.delete({ owner, name });
const child = (name: string, parent: string, prefixLength: number, min: number, max: number) =>
  create(name, {
    parentPoolRef: { name: parent },
    prefixLength,
    allocation: { minPrefixLength: min, maxPrefixLength: max },
  });

describe('a hierarchy of pools', () => {
  test('I7 to I12: children are carved one after the other, hold claims, and go back when they are empty', async () => {
    const { ip } = world.groundwork;
    await world.root('globex', 'hier-env', '10.128.0.0/9', 12, 16);
    const first = await child('hier-region-1', 'hier-env', 12, 16, 28);
    const second = await child('hier-region-2', 'hier-env', 12, 16, 28);
    expect([first, second].map(({ pool }) => pool.status.allocatedCIDR)).toEqual(['10.128.0.0/12', '10.144.0.0/12']);
    expect(first.pool).toMatchObject({
      depth: 1,
      ipFamily: 'IPv4',
      parentPoolRef: { owner: 'globex', name: 'hier-env' },
    });
    const claim = await ip.claim(world.request('globex', 'net', 'hier-region-1', 24));
    expect(claim.allocatedCIDR).toBe('10.128.0.0/24');

    const inUse = await refusedWith(remove('hier-region-1'));
    expect(inUse).toMatchObject({
      type: 'PoolInUse',
      httpStatus: 409,
      details: { claims: 1, retained: 0, children: 0 },
    });
    const parent = await refusedWith(remove('hier-env'));
    expect(parent).toMatchObject({ type: 'PoolInUse', details: { children: 2 } });
    expect(parent.message).toContain('2 child pools');

    await ip.release({ owner: 'globex', uid: claim.uid });
    expect(await remove('hier-region-1')).toMatchObject({ deleted: true, allocatedCIDR: '10.128.0.0/12' });
    expect((await remove('hier-region-2')).deleted).toBe(true);
    expect(await world.available('globex', 'hier-env')).toBe(8388608n);
    expect((await remove('hier-env')).deleted).toBe(true);
    expect(await remove('hier-env')).toEqual({ owner: 'globex', name: 'hier-env', deleted: false });
  });

  test('I49: a claim three levels down works, and every level has the family of the root', async () => {
    await world.root('globex', 'env', 'fd30::/20', 24, 32);
    const region = await child('region', 'env', 32, 40, 48);
    const zone = await child('zone', 'region', 40, 48, 64);
    expect([region, zone].map(({ pool }) => [pool.ipFamily, pool.depth])).toEqual([
      ['IPv6', 1],
      ['IPv6', 2],
    ]);
    const answer = await world.groundwork.ip.claim(world.request('globex', 'leaf', 'zone', 56, { ipFamily: 'IPv6' }));
    expect(answer).toMatchObject({ allocatedCIDR: 'fd30::/56', ipFamily: 'IPv6' });
  });
});

describe('making a pool', () => {
  test('I24: host bits of a root are masked off, and a repeat with the same spec is the same pool', async () => {
    const spec: IpPoolSpec = {
      cidr: '10.200.3.7/20',
      ipFamily: 'IPv4',
      allocation: { minPrefixLength: 24, maxPrefixLength: 28 },
    };
    const first = await create('test-valid-pool', spec);
    expect(first).toMatchObject({
      replayed: false,
      pool: {
        allocation: { minPrefixLength: 24, maxPrefixLength: 28, strategy: 'FirstFit' },
        visibility: 'consumer',
        cooldownSeconds: 0,
        status: { allocatedCIDR: '10.200.0.0/20', phase: 'Ready' },
      },
    });
    expect(await create('test-valid-pool', { ...spec, cidr: '10.200.0.0/20' })).toEqual({ ...first, replayed: true });
    const other = await refusedWith(create('test-valid-pool', { ...spec, visibility: 'shared' }));
    expect(other).toMatchObject({ type: 'PoolConflict', httpStatus: 409 });
  });

  test.each<[string, IpPoolSpec, string, RegExp]>([
    ['I25: without cidr and parent', {}, 'Schema', /^spec.cidr: is required/],
    ['I26: with a malformed cidr', { cidr: '10.200.0.0', ipFamily: 'IPv4' }, 'Schema', /invalid CIDR "10.200.0.0"/],
    ['of another family than its cidr', { cidr: '10.9.0.0/16', ipFamily: 'IPv6' }, 'FamilyMismatch', /IPv6.*IPv4/],
    [
      'with bounds that do not hold',
      { cidr: '10.9.0.0/16', ipFamily: 'IPv4', allocation: { minPrefixLength: 28, maxPrefixLength: 24 } },
      'Schema',
      /spec\.allocation/,
    ],
    [
      'with a reservation outside',
      { cidr: '10.9.0.0/16', ipFamily: 'IPv4', reservations: { ranges: ['10.10.0.0/24'] } },
      'OutsidePool',
      /10.10.0.0\/24 is outside/,
    ],
  ])('%s is refused in one line, and nothing is made', async (_, spec, reason, message) => {
    const failure = await refusedWith(create('never', spec));
    expect(failure).toMatchObject({ reason, httpStatus: 422 });
    expect(failure.message).toMatch(message);
    expect(await refusedWith(world.groundwork.ip.inventory.pool('globex', { name: 'never' }))).toMatchObject({
      type: 'NotFound',
      reason: 'PoolNotFound',
    });
  });

  test('I52: a second root over the first is refused with both ranges, unless it may overlap; of two at once one wins', async () => {
    await create('first', { cidr: '172.16.0.0/16', ipFamily: 'IPv4' }, 'over');
    const failure = await refusedWith(create('second', { cidr: '172.16.4.0/24', ipFamily: 'IPv4' }, 'over'));
    expect(failure).toMatchObject({ type: 'PoolOverlap', httpStatus: 409 });
    expect(failure.message).toMatch(/172.16.4.0\/24.*over\/first.*172.16.0.0\/16/);
    await create('second', { cidr: '172.16.4.0/24', ipFamily: 'IPv4', allowOverlap: true }, 'over');
    const both = await Promise.allSettled([
      create('twin-1', { cidr: '10.0.0.0/8', ipFamily: 'IPv4' }, 'over'),
      create('twin-2', { cidr: '10.1.0.0/16', ipFamily: 'IPv4' }, 'over'),
    ]);
    expect(both.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
  });

  test('I56: leading reservations are passed over and count as allocated', async () => {
    const { pool } = await create('leading', {
      cidr: 'fd50::/64',
      ipFamily: 'IPv6',
      allocation: { minPrefixLength: 96, maxPrefixLength: 96 },
      reservations: { leading: 1 },
    });
    expect(pool.status.breakdown.reserved).toBe('4294967296');
    const answer = await world.groundwork.ip.claim(
      world.request('globex', 'second', 'leading', 96, { ipFamily: 'IPv6' }),
    );
    expect(answer.allocatedCIDR).toBe('fd50::1:0:0/96');
    const { status } = (await world.groundwork.ip.inventory.pool('globex', { name: 'leading' })).pool;
    expect(status.capacity.allocated).toBe('8589934592');
  });
});

describe('changing a pool', () => {
  const change = (change: Parameters<typeof world.groundwork.ip.pools.change>[1]) =>
    world.groundwork.ip.pools.change({ owner: 'globex', name: 'test-valid-pool', actor: 'test' }, change);

  test.each([
    ['I29', { cidr: '10.201.0.0/20' }, 'cidr'],
    ['I30', { ipFamily: 'IPv6' as const }, 'ipFamily'],
    ['reservations', { reservations: { leading: 1 } }, 'reservations'],
  ])('%s: a change of %j is refused by name, and nothing changes', async (_, spec, field) => {
    const failure = await refusedWith(change({ kind: 'settings', spec }));
    expect(failure).toMatchObject({ type: 'InvalidInput', reason: 'ImmutableField', httpStatus: 422 });
    expect(failure.message).toContain(field);
    const { pool } = await world.groundwork.ip.inventory.pool('globex', { name: 'test-valid-pool' });
    expect([pool.status.allocatedCIDR, pool.ipFamily]).toEqual(['10.200.0.0/20', 'IPv4']);
  });

  test('I31: a change of the strategy is told as old => new and used by the next claim', async () => {
    await world.groundwork.ip.claim(world.request('globex', 'low', 'test-valid-pool', 28));
    const result = await change({ kind: 'settings', spec: { allocation: { strategy: 'Sparse' } }, labels: { a: 'b' } });
    expect(result.changed).toEqual(expect.arrayContaining(['strategy: FirstFit => Sparse']));
    expect(result.pool).toMatchObject({ allocation: { strategy: 'Sparse' }, labels: { a: 'b' } });
    const answer = await world.groundwork.ip.claim(world.request('globex', 'sparse', 'test-valid-pool', 28));
    expect(answer.allocatedCIDR).toBe('10.200.8.0/28');
    expect((await change({ kind: 'settings', spec: { allocation: { strategy: 'Sparse' } } })).changed).toEqual([]);
  });

  test('reserving takes a range out and un-reserving gives it back; over a claim it is refused', async () => {
    const reserved = await change({ kind: 'reserve', ranges: ['10.200.15.0-10.200.15.255'] });
    expect(reserved.changed).toEqual(['10.200.15.0/24: free => reserved']);
    expect(reserved.pool.status.breakdown.reserved).toBe('256');
    const taken = await refusedWith(change({ kind: 'reserve', ranges: ['10.200.8.0/24'] }));
    expect(taken).toMatchObject({ type: 'ClaimConflict', reason: 'AddressTaken' });
    const free = await change({ kind: 'unreserve', ranges: ['10.200.15.0/24'] });
    expect(free.pool.status.breakdown.reserved).toBe('0');
    const wrong = await refusedWith(change({ kind: 'reserve', ranges: ['10.200.15.0/24', 'all'] }));
    expect(wrong.message).toMatch(/^change.ranges.1: invalid CIDR "all"/);
  });

  test('I68: an import takes what it can and tells the rest by line; again it changes nothing', async () => {
    const { ip } = world.groundwork;
    await world.root('globex', 'imported', '10.60.0.0/16', 24, 32);
    const specific = (name: string, requestedCIDR: string) =>
      ip.claim({
        owner: 'globex',
        namespace: 'default',
        name,
        spec: { ipFamily: 'IPv4', poolRef: { name: 'imported' }, requestedCIDR },
      });
    for (const index of [1, 2, 3]) await specific(`taken-${index}`, `10.60.0.${index}/32`);
    const rows = Array.from({ length: 1000 }, (_, index) => ({
      namespace: 'legacy',
      name: `host-${index}`,
      cidr: `10.60.${index >> 8}.${index & 255}/32`,
    }));
    rows[500] = { namespace: 'legacy', name: 'host-500', cidr: '10.99.0.0/32' };
    rows[501] = { namespace: 'legacy', name: 'host-501', cidr: '10.60.0.9/32' };
    const report = await ip.pools.import({ owner: 'globex', name: 'imported' }, rows);
    expect(report).toMatchObject({ imported: 995, unchanged: 0, conflicts: 5, atomic: false, dryRun: false });
    expect(report.conflictList.map(({ line, reason }) => [line, reason])).toEqual([
      [2, 'AddressTaken'],
      [3, 'AddressTaken'],
      [4, 'AddressTaken'],
      [501, 'OutsidePool'],
      [502, 'DuplicateInFile'],
    ]);
    const again = await ip.pools.import({ owner: 'globex', name: 'imported' }, rows);
    expect(again).toMatchObject({ imported: 0, unchanged: 995, conflicts: 5 });
    const claim = { owner: 'globex', namespace: 'legacy', name: 'host-7' };
    const held = await ip.claim({
      ...claim,
      spec: { ipFamily: 'IPv4', poolRef: { name: 'imported' }, prefixLength: 32 },
    });
    expect(held).toMatchObject({ allocatedCIDR: '10.60.0.7/32', replayed: true });
    const atomic = await ip.pools.import({ owner: 'globex', name: 'imported' }, rows.slice(0, 3), { atomic: true });
    expect(atomic).toMatchObject({ imported: 0, conflicts: 2 });
    expect(await ip.inventory.claims('globex', { pool: { name: 'imported' } })).toHaveLength(998);
  });

  test('a control character in a cell makes its row Malformed, told by the line of the file, and refuses no other', async () => {
    await world.root('globex', 'garbled', '10.62.0.0/24', 24, 32);
    const row = (line: number, name: string, cidr: string) => ({ line, namespace: 'old', name, cidr });
    const rows = [row(7, 'a', '10.62.0.1/32'), row(8, 'b\u0001', '10.62.0.2/32'), row(9, 'c', '10.62.0.3/32\u001b[2J')];
    expect(await world.groundwork.ip.pools.import({ owner: 'globex', name: 'garbled' }, rows)).toMatchObject({
      imported: 1,
      conflictList: [
        { line: 8, reason: 'Malformed', message: 'name "b\\u0001" is no DNS subdomain' },
        { line: 9, reason: 'Malformed', message: expect.stringContaining('invalid CIDR "10.62.0.3/32\\u001b[2J"') },
      ],
    });
  });

  test('4.9: of more conflicts than a report lists it lists the first by line, whoever found them', async () => {
    const { ip } = world.groundwork;
    await world.root('globex', 'crowded', '10.64.0.0/24', 24, 32);
    const pool = { owner: 'globex', name: 'crowded' };
    const block = { namespace: 'old', cidr: '10.64.0.1/32' };
    await ip.pools.import(pool, [{ ...block, name: 'holder' }]);
    const malformed = Array.from({ length: 1200 }, (_, index) => ({
      namespace: 'old',
      name: `x-${index}`,
      cidr: 'none',
    }));
    const report = await ip.pools.import(pool, [{ ...block, name: 'late' }, ...malformed]);
    expect(report).toMatchObject({ imported: 0, conflicts: 1201 });
    const lines = report.conflictList.map(({ line }) => line);
    expect(lines).toEqual(Array.from({ length: 1000 }, (_, index) => index + 1));
    expect(report.conflictList.slice(0, 2)).toMatchObject([{ reason: 'AddressTaken' }, { reason: 'Malformed' }]);
  });

  test('4.11: a free list that lacks a block of an import is a bug that is told, not a conflict of its row', async () => {
    const { ip } = world.groundwork;
    await world.root('globex', 'leaky', '10.65.0.0/24', 24, 32);
    await world.database.query(
      "delete from ipam_free f using ipam_pool p where p.id = f.pool_id and p.owner = 'globex' and p.name = 'leaky'",
    );
    const rows = [{ line: 7, namespace: 'old', name: 'host', cidr: '10.65.0.1/32' }];
    const failure = await refusedWith(ip.pools.import({ owner: 'globex', name: 'leaky' }, rows));
    expect(failure).toMatchObject({ type: 'Internal', details: { reason: 'Drift' } });
    expect(failure.message).toMatch(/line 7 was not imported.*ip verify/);
  });

  test('I70: a free-list row deleted by hand is named by verify, and a rebuild repairs it', async () => {
    const { ip } = world.groundwork;
    await world.database.query(
      `delete from ipam_free f using ipam_pool p where p.id = f.pool_id and p.name = 'imported' and f.ctid =
        (select min(g.ctid) from ipam_free g where g.pool_id = p.id)`,
    );
    const broken = await ip.inventory.verify('globex', { name: 'imported' });
    expect(broken.problems).toEqual(expect.arrayContaining([expect.objectContaining({ problem: 'gap' })]));
    const rebuilt = await ip.pools.change({ owner: 'globex', name: 'imported' }, { kind: 'rebuild' });
    expect(rebuilt.changed.length).toBeGreaterThan(0);
    expect(await ip.inventory.verify('globex', { name: 'imported' })).toMatchObject({
      problems: [],
      verified: ['imported'],
    });
  });
});

describe('a change whose answer was lost', () => {
  /** As if the worker had died once `activity` was done, and others had gone on before the attempt came again. */
  const repeatedAfter = (activity: string, meanwhile: () => Promise<unknown>) => {
    world.around = async (name, run) => {
      const first = await run();
      if (name !== activity) return first;
      world.around = undefined;
      await meanwhile();
      return run();
    };
  };

  test('is not made again: what others did since stands', async () => {
    const { ip } = world.groundwork;
    await world.root('globex', 'once', '10.61.0.0/24', 26, 32, { visibility: 'shared' });
    const pool = { owner: 'globex', name: 'once' };
    const change = (made: IpPoolChange) => ip.pools.change(pool, made);

    repeatedAfter('setGrant', () => change({ kind: 'revoke', grantee: 'initech' }));
    expect((await change({ kind: 'grant', grantee: 'initech' })).changed).toEqual([]);
    const ranges = ['10.61.0.0/28'];
    repeatedAfter('reserveRanges', () => change({ kind: 'unreserve', ranges }));
    await change({ kind: 'reserve', ranges });
    repeatedAfter('changePool', () => change({ kind: 'settings', spec: { cooldownSeconds: 0 } }));
    await change({ kind: 'settings', spec: { cooldownSeconds: 300 } });
    repeatedAfter('importClaims', async () => {
      const [claim] = await ip.inventory.claims('globex', { pool: { name: 'once' } });
      await ip.release({ owner: 'globex', uid: claim?.uid ?? '' });
    });
    await ip.pools.import(pool, [{ namespace: 'old', name: 'host', cidr: '10.61.0.64/32' }]);

    const left = await ip.inventory.pool('globex', { name: 'once' });
    expect(left).toMatchObject({ grants: [], pool: { cooldownSeconds: 0, status: { capacity: { allocated: '0' } } } });
  });
});

describe('readings', () => {
  test('come in pages that together are everything once', async () => {
    const { inventory } = world.groundwork.ip;
    const names: string[] = [];
    let after: string | undefined;
    do {
      const page = await inventory.read('globex', {
        kind: 'claims',
        pool: { name: 'imported' },
        limit: 400,
        ...(after ? { after } : {}),
      });
      names.push(...page.claims.map(({ namespace, name }) => `${namespace}/${name}`));
      after = page.next;
    } while (after);
    expect(new Set(names).size).toBe(998);
    expect(names).toHaveLength(998);
    const cursor = (...keys: string[]) => Buffer.from(JSON.stringify(keys)).toString('base64url');
    for (const query of [
      { kind: 'claims', after: 'x' },
      { kind: 'claims', after: cursor('globex', 'n', 'a\u0000') },
      { kind: 'events', after: cursor('x') },
    ] as const) {
      const wrong = await refusedWith(inventory.read<'claims' | 'events'>('globex', query));
      expect(wrong).toMatchObject({ type: 'InvalidInput', message: 'query.after: must be the "next" of an answer' });
    }
  });

  test('the map shows what is held, and by whom', async () => {
    const map = await world.groundwork.ip.inventory.map('globex', { name: 'imported' }, { cells: 256 });
    expect(map.cellPrefixLength).toBe(24);
    expect(map.cells[0]).toMatchObject({
      cidr: '10.60.0.0/24',
      holder: expect.stringContaining('globex/'),
      others: 255,
    });
    expect(map.cells[9]?.shares).toMatchObject({ free: 1, claims: 0 });
  });

  test('events answer who had an address, with actor and run', async () => {
    const events = await world.groundwork.ip.inventory.events('globex', { cidr: '10.200.8.3/32' });
    expect(events[0]).toMatchObject({
      kind: 'claimed',
      name: 'sparse',
      cidr: '10.200.8.0/28',
      workflowId: 'ip-claim/globex/default/sparse',
    });
    const [made] = await world.groundwork.ip.inventory.events('globex', { pool: { name: 'leading' }, limit: 10 });
    expect(made?.pool).toBe('globex/leading');
  });
});
