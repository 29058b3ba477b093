import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { testDatabase } from '../../support/servers.ts';
import { Allocator } from './allocator.ts';

/** What a claim is answered (specs: IP claims, section 8). Every test ends with the proof that the pools are sound. */

const server = testDatabase();
let ip: Allocator;
beforeAll(() => {
  ip = new Allocator(server.url);
});
afterAll(() => ip.close());
beforeEach(() => ip.clear());
afterEach(async () => expect(await ip.problems()).toEqual([]));

describe('one pool', () => {
  let pool: number;
  beforeEach(async () => {
    pool = await ip.pooled({ name: 'alloc-parent', cidr: '10.128.0.0/20', range: [24, 28] });
  });

  test('FirstFit gives the lowest free block; a release gives back exactly its addresses', async () => {
    expect(await ip.capacity(pool)).toMatchObject({ total: '4096', allocated: '0', available: '4096' });
    const first = await ip.claim({ name: 'one', pool: 'alloc-parent', len: 24 });
    expect(first).toMatchObject({ status: 'bound', cidr: '10.128.0.0/24', replayed: false, pool: 'alloc-parent' });
    expect((await ip.claim({ name: 'two', pool: 'alloc-parent', len: 24 })).cidr).toBe('10.128.1.0/24');
    expect(await ip.available(pool)).toBe('3584');
    expect(await ip.release(first.uid)).toMatchObject({ status: 'released', name: 'one', cidr: '10.128.0.0/24' });
    expect(await ip.available(pool)).toBe('3840');
    expect((await ip.claim({ name: 'three', pool: 'alloc-parent', len: 24 })).cidr).toBe('10.128.0.0/24');
  });

  test('a repeat gets the first answer and consumes nothing; a retry of the same call is no repeat', async () => {
    const first = await ip.claim({ name: 'one', pool: 'alloc-parent', len: 24 });
    const repeat = await ip.claim({ name: 'one', pool: 'alloc-parent', len: 24 });
    expect(repeat).toMatchObject({ cidr: first.cidr, uid: first.uid, replayed: true });
    const retry = await ip.claim({ name: 'one', pool: 'alloc-parent', len: 24, uids: first.uids });
    expect(retry).toMatchObject({ cidr: first.cidr, uid: first.uid, replayed: false });
    expect(await ip.available(pool)).toBe('3840');
  });

  test('the same name with another spec is a conflict, and the held claim is untouched', async () => {
    const held = await ip.claim({ name: 'one', pool: 'alloc-parent', len: 24 });
    const other = await ip.claim({ name: 'one', pool: 'alloc-parent', len: 25 });
    expect(other).toMatchObject({
      status: 'conflict',
      detail: { reason: 'SpecDiffers', name: 'one', heldUid: held.uid },
    });
    expect(await ip.available(pool)).toBe('3840');
  });

  test('the same name in another namespace and for another owner is another claim', async () => {
    await ip.pooled({ name: 'alloc-parent', owner: 'beta', cidr: '10.128.0.0/20' });
    const claims = [
      await ip.claim({ name: 'one', pool: 'alloc-parent', len: 24 }),
      await ip.claim({ name: 'one', namespace: 'other', pool: 'alloc-parent', len: 24 }),
      await ip.claim({ name: 'one', owner: 'beta', pool: 'alloc-parent', len: 24 }),
    ];
    expect(claims.map(({ cidr }) => cidr)).toEqual(['10.128.0.0/24', '10.128.1.0/24', '10.128.0.0/24']);
  });

  test.each([16, 23, 29, 32])('/%i is out of the range /24 to /28, and nothing is allocated', async (len) => {
    const answer = await ip.claim({ name: 'one', pool: 'alloc-parent', len });
    expect(answer).toMatchObject({
      status: 'out_of_bounds',
      detail: { reason: 'PrefixLength', requested: len, min: 24, max: 28 },
    });
    expect(await ip.available(pool)).toBe('4096');
  });

  test('another family than the pool has is refused, with both named', async () => {
    const answer = await ip.claim({ name: 'one', pool: 'alloc-parent', family: 6, len: 64 });
    expect(answer).toMatchObject({
      status: 'family_mismatch',
      detail: { reason: 'FamilyMismatch', requested: 'IPv6', actual: 'IPv4' },
    });
  });

  test('a late release of an earlier life frees nothing of its successor', async () => {
    const first = await ip.claim({ name: 'one', pool: 'alloc-parent', len: 24 });
    await ip.release(first.uid);
    const second = await ip.claim({ name: 'one', pool: 'alloc-parent', len: 24 });
    expect(await ip.release(first.uid)).toMatchObject({ status: 'already', name: 'one', cidr: first.cidr });
    expect((await ip.claim({ name: 'one', pool: 'alloc-parent', len: 24 })).uid).toBe(second.uid);
  });

  test('a call that arrives after its own claim was released is stale', async () => {
    const first = await ip.claim({ name: 'one', pool: 'alloc-parent', len: 24 });
    await ip.release(first.uid);
    const late = await ip.claim({ name: 'one', pool: 'alloc-parent', len: 24, uids: first.uids });
    expect(late).toMatchObject({ status: 'stale', detail: { reason: 'StaleRequest', uid: first.uid } });
    expect(await ip.available(pool)).toBe('4096');
  });

  test('nobody releases what another owner holds, or what never was', async () => {
    const { uid } = await ip.claim({ name: 'one', pool: 'alloc-parent', len: 24 });
    const before = await ip.state();
    expect(await ip.release(uid, 'beta')).toMatchObject({ status: 'unknown', name: null, cidr: null });
    expect(await ip.release(randomUUID())).toMatchObject({ status: 'unknown', detail: { reason: 'ClaimNotFound' } });
    expect(await ip.state()).toEqual(before);
  });

  test('a dry run says which block it would be and changes nothing', async () => {
    const before = await ip.state();
    const dry = await ip.claim({ name: 'one', pool: 'alloc-parent', len: 24, count: 3, dryRun: true });
    expect(dry.cidrs).toEqual(['10.128.0.0/24', '10.128.1.0/24', '10.128.2.0/24']);
    expect(await ip.state()).toEqual(before);
    expect(await ip.events('claimed')).toEqual([]);
    const refused = await ip.claim({ name: 'one', pool: 'alloc-parent', len: 20, dryRun: true, record: true });
    expect(refused.status).toBe('out_of_bounds');
    expect(await ip.events('refused')).toEqual([]);
  });

  test('a specific block is given, or it is said why not', async () => {
    await ip.reserve('alloc-parent', ['10.128.15.0/24']);
    const ask = (name: string, wanted: string) => ip.claim({ name, pool: 'alloc-parent', wanted });
    expect((await ask('one', '10.128.4.0/24')).cidr).toBe('10.128.4.0/24');
    expect(await ask('two', '10.128.4.16/28')).toMatchObject({
      status: 'address_taken',
      detail: { reason: 'AddressTaken', requested: '10.128.4.16/28', holder: { name: 'one', cidr: '10.128.4.0/24' } },
    });
    expect(await ask('two', '10.128.15.0/28')).toMatchObject({
      status: 'address_reserved',
      detail: { reason: 'AddressReserved' },
    });
    expect(await ask('two', '10.129.0.0/24')).toMatchObject({
      status: 'out_of_bounds',
      detail: { reason: 'OutsidePool', range: '10.128.0.0/20' },
    });
    expect(await ask('two', '10.128.8.0/22')).toMatchObject({
      status: 'out_of_bounds',
      detail: { reason: 'PrefixLength' },
    });
    expect((await ip.claim({ name: 'three', pool: 'alloc-parent', len: 24 })).cidr).toBe('10.128.0.0/24');
  });

  test('a refusal is recorded without taking the name; of those that may be waited out, only the last', async () => {
    const full = { name: 'many', pool: 'alloc-parent', len: 24, count: 17 };
    expect((await ip.claim(full)).status).toBe('exhausted');
    expect(await ip.events('refused')).toEqual([]);
    await ip.claim({ ...full, record: true });
    expect(await ip.events('refused')).toMatchObject([{ name: 'many-0', reason: 'NoFreeBlock' }]);
    await ip.query('delete from ipam_event');
    await ip.claim({ name: 'one', pool: 'alloc-parent', len: 16 });
    expect(await ip.events('refused')).toMatchObject([
      {
        owner: 'alpha',
        name: 'one',
        pool: 'alpha/alloc-parent',
        reason: 'PrefixLength',
        actor: 'tester',
        workflow_id: 'claim-run',
      },
    ]);
    expect((await ip.claim({ name: 'one', pool: 'alloc-parent', len: 24 })).status).toBe('bound');
  });

  test('every claim and release is in the log with its actor and workflow', async () => {
    const { uid } = await ip.claim({ name: 'one', pool: 'alloc-parent', len: 24, ttl: 60 });
    await ip.release(uid);
    const row = {
      claim_uid: uid,
      owner: 'alpha',
      namespace: 'default',
      name: 'one',
      cidr: '10.128.0.0/24',
      pool: 'alpha/alloc-parent',
    };
    expect(await ip.events('claimed')).toMatchObject([
      { ...row, actor: 'tester', workflow_id: 'claim-run', detail: { ttl: 60 } },
    ]);
    expect(await ip.events('released')).toMatchObject([
      { ...row, workflow_id: 'release-run', detail: { state: 'free' } },
    ]);
  });
});

describe('exhaustion', () => {
  test('two of two are given, the third is refused and consumes nothing, until one is released', async () => {
    const pool = await ip.pooled({ name: 'tiny', cidr: '192.168.0.0/31', range: [32, 32] });
    const first = await ip.claim({ name: 'one', pool: 'tiny', len: 32 });
    expect(first.cidr).toBe('192.168.0.0/32');
    expect((await ip.claim({ name: 'two', pool: 'tiny', len: 32 })).cidr).toBe('192.168.0.1/32');
    expect(await ip.claim({ name: 'three', pool: 'tiny', len: 32, record: true })).toMatchObject({
      status: 'exhausted',
      detail: {
        reason: 'NoFreeBlock',
        wanted: 32,
        count: 1,
        largestFree: null,
        pools: [{ id: pool, owner: 'alpha', name: 'tiny' }],
      },
    });
    expect(await ip.events('refused')).toMatchObject([{ name: 'three', reason: 'NoFreeBlock' }]);
    await ip.release(first.uid);
    expect((await ip.claim({ name: 'three', pool: 'tiny', len: 32 })).cidr).toBe('192.168.0.0/32');
  });

  test('network and broadcast addresses are ordinary: a /29 holds eight', async () => {
    await ip.pooled({ name: 'hosts', cidr: '10.50.1.0/29', range: [32, 32] });
    const claims = [];
    for (let index = 0; index < 9; index++) claims.push(await ip.claim({ name: `c${index}`, pool: 'hosts', len: 32 }));
    expect(claims.map(({ status }) => status)).toEqual([...Array(8).fill('bound'), 'exhausted']);
  });

  test('a /24 is drained by /32 in order: 256 are bound, 16 refused', async () => {
    await ip.pooled({ name: 'drain', cidr: '10.60.0.0/24', range: [32, 32] });
    const cidrs: string[] = [];
    for (let index = 0; index < 272; index++) {
      const answer = await ip.claim({ name: `c${index}`, pool: 'drain', len: 32 });
      cidrs.push(answer.status === 'bound' ? answer.cidr : answer.status);
    }
    expect(cidrs).toEqual([
      ...Array.from({ length: 256 }, (_, n) => `10.60.0.${n}/32`),
      ...Array(16).fill('exhausted'),
    ]);
  });

  test('what is free is not enough when it is in the wrong pieces', async () => {
    await ip.pooled({ name: 'pieces', cidr: '10.0.0.0/30', range: [30, 32] });
    const claims = [];
    for (let index = 0; index < 4; index++) claims.push(await ip.claim({ name: `c${index}`, pool: 'pieces', len: 32 }));
    await ip.release(claims[0]?.uid ?? '');
    await ip.release(claims[2]?.uid ?? '');
    expect(await ip.claim({ name: 'two', pool: 'pieces', len: 31 })).toMatchObject({
      status: 'exhausted',
      detail: { largestFree: 32 },
    });
  });
});

describe('IPv6', () => {
  test('blocks are inside the pool, and figures are exact beyond 2^53', async () => {
    const pool = await ip.pooled({ name: 'six', cidr: 'fd40::/64', range: [96, 96], reservations: { leading: 1 } });
    expect((await ip.claim({ name: 'one', pool: 'six', family: 6, len: 96 })).cidr).toBe('fd40::1:0:0/96');
    expect(await ip.capacity(pool)).toMatchObject({
      total: '18446744073709551616',
      allocated: '8589934592',
      claims: '4294967296',
      reserved: '4294967296',
    });
    await ip.pooled({ name: 'hosts', cidr: '2001:db8::/126', range: [128, 128] });
    expect((await ip.claim({ name: 'two', pool: 'hosts', family: 6, len: 128 })).cidr).toBe('2001:db8::/128');
    expect((await ip.claim({ name: 'three', pool: 'hosts', family: 4, len: 32 })).status).toBe('family_mismatch');
  });

  test('the whole of an address space is a pool like any other', async () => {
    for (const [family, cidr, len] of [
      [4, '0.0.0.0/0', 1],
      [6, '::/0', 1],
    ] as const) {
      const id = await ip.pooled({ name: `all-${family}`, cidr });
      const claims = [
        await ip.claim({ name: `low-${family}`, pool: `all-${family}`, family, len }),
        await ip.claim({ name: `high-${family}`, pool: `all-${family}`, family, len }),
      ];
      expect(claims.map(({ status }) => status)).toEqual(['bound', 'bound']);
      expect(await ip.available(id)).toBe('0');
      for (const { uid } of claims) await ip.release(uid);
      expect(await ip.freeBlocks(id)).toEqual([cidr]);
    }
  });
});

describe('strategies', () => {
  /** 10.0.0.0/24 with a hole of a /26 at .64 and the upper half free. */
  async function withHole(strategy: string): Promise<void> {
    await ip.pooled({ name: 'p', cidr: '10.0.0.0/24', strategy });
    await ip.claim({ name: 'low', pool: 'p', wanted: '10.0.0.0/26' });
  }
  test.each([
    ['FirstFit', '10.0.0.64/28'],
    ['LeastUtilized', '10.0.0.64/28'],
    ['BestFit', '10.0.0.64/28'],
    ['Sparse', '10.0.0.128/28'],
  ])('%s', async (strategy, cidr) => {
    await withHole(strategy);
    expect((await ip.claim({ name: 'one', pool: 'p', len: 28 })).cidr).toBe(cidr);
  });

  test('BestFit takes the smallest that fits where FirstFit takes the lowest', async () => {
    for (const [strategy, cidr] of [
      ['FirstFit', '10.0.0.0/28'],
      ['BestFit', '10.0.0.192/28'],
    ] as const) {
      await ip.clear();
      await ip.pooled({ name: 'p', cidr: '10.0.0.0/24', strategy });
      await ip.claim({ name: 'high', pool: 'p', wanted: '10.0.0.224/27' });
      await ip.claim({ name: 'top', pool: 'p', wanted: '10.0.0.128/26' });
      expect((await ip.claim({ name: 'one', pool: 'p', len: 28 })).cidr).toBe(cidr);
    }
  });

  test('a change of strategy is used by the next claim', async () => {
    await withHole('FirstFit');
    expect(await ip.changePool('p', { strategy: 'Sparse' })).toMatchObject({
      status: 'changed',
      after: { strategy: 'Sparse' },
    });
    expect((await ip.claim({ name: 'one', pool: 'p', len: 28 })).cidr).toBe('10.0.0.128/28');
  });
});

describe('batches', () => {
  test('ten at once are ten distinct blocks of one pool', async () => {
    const pool = await ip.pooled({ name: 'p', cidr: '10.0.0.0/20', range: [24, 28] });
    const answer = await ip.claim({ name: 'db', pool: 'p', len: 24, count: 10 });
    expect(answer.cidrs).toEqual(Array.from({ length: 10 }, (_, n) => `10.0.${n}.0/24`));
    expect(answer.rows.map(({ member, name }) => [member, name])).toEqual(
      Array.from({ length: 10 }, (_, n) => [n, `db-${n}`]),
    );
    expect(await ip.available(pool)).toBe(String(6 * 256));
    expect(await ip.claim({ name: 'db', pool: 'p', len: 24, count: 10 })).toMatchObject({
      replayed: true,
      cidrs: answer.cidrs,
    });
  });

  test('three where there is room for two: none', async () => {
    await ip.pooled({ name: 'p', cidr: '10.0.0.0/23', range: [24, 24] });
    const before = await ip.state();
    expect(await ip.claim({ name: 'db', pool: 'p', len: 24, count: 3 })).toMatchObject({
      status: 'exhausted',
      detail: { count: 3 },
    });
    expect(await ip.state()).toEqual(before);
  });

  test('a member that is held with another spec: none', async () => {
    await ip.pooled({ name: 'p', cidr: '10.0.0.0/20', range: [24, 28] });
    await ip.claim({ name: 'db-1', pool: 'p', len: 28 });
    const before = await ip.state();
    expect(await ip.claim({ name: 'db', pool: 'p', len: 24, count: 3 })).toMatchObject({
      status: 'conflict',
      detail: { reason: 'SpecDiffers', name: 'db-1' },
    });
    expect(await ip.state()).toEqual(before);
  });

  test('a batch of which a member was released is neither there nor absent', async () => {
    await ip.pooled({ name: 'p', cidr: '10.0.0.0/20', range: [24, 28] });
    const { uids } = await ip.claim({ name: 'db', pool: 'p', len: 24, count: 3 });
    await ip.release(uids[1] ?? '');
    expect(await ip.claim({ name: 'db', pool: 'p', len: 24, count: 3 })).toMatchObject({
      status: 'conflict',
      detail: { reason: 'PartialBatch', held: ['db-0', 'db-2'], missing: ['db-1'] },
    });
  });
});

describe('selectors', () => {
  beforeEach(async () => {
    await ip.pooled({
      name: 'consumer-a',
      cidr: '10.200.0.0/20',
      labels: { environment: 'consumer', region: 'us-west' },
      range: [20, 28],
    });
    await ip.pooled({
      name: 'consumer-b',
      cidr: '10.201.0.0/20',
      labels: { environment: 'consumer', region: 'us-east' },
      range: [20, 28],
    });
    await ip.pooled({
      name: 'infra',
      cidr: '10.202.0.0/20',
      labels: { environment: 'infra', region: 'us-west' },
      range: [20, 24],
    });
  });
  const by = (selector: object, len = 24, name = 'one') => ip.claim({ name, selector, len });

  test('labels choose the pool; nothing chosen is no match', async () => {
    expect((await by({ matchLabels: { environment: 'consumer', region: 'us-east' } })).pool).toBe('consumer-b');
    expect(await by({ matchLabels: { environment: 'none' } }, 24, 'two')).toMatchObject({
      status: 'no_pool_match',
      detail: { reason: 'NoPoolMatch' },
    });
  });

  test.each([
    [{ key: 'region', operator: 'In', values: ['us-east', 'eu'] }, 'consumer-b'],
    [{ key: 'environment', operator: 'NotIn', values: ['consumer'] }, 'infra'],
    [{ key: 'zone', operator: 'NotIn', values: ['a'] }, 'consumer-a'],
    [{ key: 'environment', operator: 'Exists' }, 'consumer-a'],
    [{ key: 'zone', operator: 'DoesNotExist' }, 'consumer-a'],
    [{ key: 'zone', operator: 'Exists' }, undefined],
    [{ key: 'environment', operator: 'DoesNotExist' }, undefined],
    [{ key: 'zone', operator: 'In', values: ['a'] }, undefined],
  ])('%j', async (expression, pool) => {
    const answer = await by({ matchExpressions: [expression] });
    expect(pool === undefined ? answer.status : answer.pool).toBe(pool ?? 'no_pool_match');
  });

  test('the first by name with room: a full one spills to the next, one of other lengths is passed over', async () => {
    const west = { matchLabels: { region: 'us-west' } };
    expect((await by(west, 20, 'one')).pool).toBe('consumer-a');
    expect((await by(west, 20, 'two')).pool).toBe('infra');
    expect(await by(west, 20, 'three')).toMatchObject({
      status: 'exhausted',
      detail: { pools: [{ name: 'consumer-a' }, { name: 'infra' }] },
    });
    expect(await by({ matchLabels: { environment: 'infra' } }, 28, 'four')).toMatchObject({
      status: 'out_of_bounds',
      detail: { min: 20, max: 24 },
    });
    expect(await by(west, 28, 'five')).toMatchObject({
      status: 'exhausted',
      detail: { pools: [{ name: 'consumer-a' }] },
    });
  });

  test('a platform pool and a pool of the other family are never matched', async () => {
    await ip.changePool('consumer-a', { visibility: 'platform' });
    expect((await by({ matchLabels: { region: 'us-west' } })).pool).toBe('infra');
    expect(
      (await ip.claim({ name: 'six', family: 6, len: 24, selector: { matchLabels: { region: 'us-west' } } })).status,
    ).toBe('no_pool_match');
    expect((await ip.claim({ name: 'by-name', pool: 'consumer-a', len: 24 })).status).toBe('bound');
  });

  test('when all are LeastUtilized, the one with the largest free share', async () => {
    await ip.clear();
    for (const [name, used] of [
      ['a', 8],
      ['b', 2],
      ['c', 15],
    ] as const) {
      await ip.pooled({
        name,
        cidr: `10.${used}.0.0/20`,
        strategy: 'LeastUtilized',
        labels: { set: 'x' },
        range: [24, 24],
      });
      await ip.claim({ name: `fill-${name}`, pool: name, len: 24, count: used });
    }
    expect((await by({ matchLabels: { set: 'x' } })).pool).toBe('b');
    await ip.changePool('c', { strategy: 'FirstFit' });
    expect((await by({ matchLabels: { set: 'x' } }, 24, 'two')).pool).toBe('a');
  });
});

describe('retained blocks', () => {
  test('come back to their identity, with a new life', async () => {
    const pool = await ip.pooled({ name: 'p', cidr: '10.0.0.0/20', range: [24, 28] });
    const first = await ip.claim({ name: 'db', pool: 'p', len: 24, reclaim: 'Retain' });
    expect(await ip.release(first.uid)).toMatchObject({ status: 'retained', retained_at: expect.any(Date) });
    expect((await ip.release(first.uid)).status).toBe('already');
    expect(await ip.capacity(pool)).toMatchObject({ allocated: '256', retained: '256', claims: '0' });
    expect((await ip.claim({ name: 'other', pool: 'p', len: 24 })).cidr).toBe('10.0.1.0/24');
    const second = await ip.claim({ name: 'db', pool: 'p', len: 24, reclaim: 'Retain' });
    expect(second).toMatchObject({ cidr: first.cidr, rebound: true, replayed: false });
    expect(second.uid).not.toBe(first.uid);
    expect((await ip.release(first.uid)).status).toBe('already');
    expect(await ip.events('rebound')).toMatchObject([{ claim_uid: second.uid, cidr: first.cidr }]);
    const again = { name: 'db', pool: 'p', len: 24, reclaim: 'Retain' } as const;
    expect(await ip.claim(again)).toMatchObject({ replayed: true, rebound: true });
    expect(await ip.claim({ ...again, uids: [second.uid] })).toMatchObject({ replayed: false, rebound: true });
  });

  test('are not given for anything else: every difference is named', async () => {
    await ip.pooled({ name: 'p', cidr: '10.0.0.0/20', range: [24, 28], labels: { a: 'b' } });
    await ip.pooled({ name: 'q', cidr: '10.1.0.0/20', range: [24, 28], labels: { a: 'c' } });
    const { uid } = await ip.claim({ name: 'db', pool: 'p', len: 24, reclaim: 'Retain' });
    await ip.release(uid);
    const before = await ip.state();
    expect(await ip.claim({ name: 'db', pool: 'q', len: 25 })).toMatchObject({
      status: 'conflict',
      detail: {
        reason: 'RetainedMismatch',
        fields: [
          { field: 'prefixLength', retained: 24, requested: 25 },
          { field: 'poolRef', retained: { name: 'p' }, requested: { name: 'q' } },
        ],
      },
    });
    expect(await ip.claim({ name: 'db', pool: 'p', wanted: '10.0.4.0/24' })).toMatchObject({
      detail: { fields: [{ field: 'requestedCIDR' }] },
    });
    expect(await ip.claim({ name: 'db', selector: { matchLabels: { a: 'c' } }, len: 24 })).toMatchObject({
      detail: { fields: [{ field: 'poolSelector' }] },
    });
    expect(await ip.state()).toEqual(before);
    expect((await ip.claim({ name: 'db', selector: { matchLabels: { a: 'b' } }, len: 24 })).rebound).toBe(true);
  });

  test('are freed by a release that says so', async () => {
    const pool = await ip.pooled({ name: 'p', cidr: '10.0.0.0/20' });
    const { uid } = await ip.claim({ name: 'db', pool: 'p', len: 24, reclaim: 'Retain' });
    await ip.release(uid);
    expect((await ip.release(uid, 'alpha', 'Delete')).status).toBe('released');
    expect(await ip.freeBlocks(pool)).toEqual(['10.0.0.0/20']);
  });

  test('a batch comes back only as a whole', async () => {
    await ip.pooled({ name: 'p', cidr: '10.0.0.0/20', range: [24, 28] });
    const batch = { name: 'db', pool: 'p', len: 24, count: 3, reclaim: 'Retain' } as const;
    const { uids, cidrs } = await ip.claim(batch);
    await ip.release(uids[0] ?? '');
    expect(await ip.claim(batch)).toMatchObject({
      status: 'conflict',
      detail: { reason: 'PartialBatch', retained: ['db-0'] },
    });
    await ip.release(uids[1] ?? '');
    await ip.release(uids[2] ?? '');
    expect(await ip.claim(batch)).toMatchObject({ status: 'bound', rebound: true, cidrs });
    expect((await ip.events('rebound')).map(({ detail }) => detail)).toEqual(Array(3).fill({ count: 3 }));
  });
});
