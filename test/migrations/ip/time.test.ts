import type { MetricMeter } from '@temporalio/common';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { IpDependencies } from '../../../activities/ip/dependencies.ts';
import { IpMetrics } from '../../../activities/ip/metrics.ts';
import { samplePools } from '../../../activities/ip/sample.ts';
import { sweepPools } from '../../../activities/ip/sweep.ts';
import { Database } from '../../../activities/postgres/database.ts';
import { testDatabase } from '../../support/servers.ts';
import { Allocator } from './allocator.ts';

/** Leases, cool-down, retention and waiting (specs: IP claims, 4.4 to 4.6, 4.12, 5.2). Time passes by moving the rows' times back. */

const server = testDatabase();
let ip: Allocator;
let database: Database;
let deps: IpDependencies;
let pool: number;
beforeAll(() => {
  ip = new Allocator(server.url);
  database = new Database({ url: server.url, poolSize: 1 });
  deps = { settings: { refusedEventDays: 7 }, database, patientDatabase: database } as IpDependencies;
});
afterAll(() => Promise.all([ip.close(), database.close()]));
beforeEach(async () => {
  await ip.clear();
  pool = await ip.pooled({ name: 'p', cidr: '10.0.0.0/20', range: [24, 28] });
});
afterEach(async () => expect(await ip.problems()).toEqual([]));

/** As if this many seconds had passed for all blocks. */
async function pass(seconds: number): Promise<void> {
  await ip.query(
    `update ipam_alloc set expires_at = expires_at - make_interval(secs => $1), free_after = free_after - make_interval(secs => $1),
       retained_at = retained_at - make_interval(secs => $1), expiring_at = expiring_at - make_interval(secs => $1)`,
    [seconds],
  );
}

const nothing = { candidates: 0, expired: 0, cooling_ended: 0, marked: 0, released: 0, skipped_locked: 0, waiters: [] };

describe('leases', () => {
  test('one that is over is released by the sweep, with its reason', async () => {
    await ip.claim({ name: 'c', pool: 'p', len: 24, ttl: 60 });
    expect(await ip.due()).toEqual([]);
    expect(await ip.sweep(pool)).toEqual(nothing);
    await pass(61);
    expect(await ip.due()).toEqual([pool]);
    expect(await ip.sweep(pool)).toEqual({ ...nothing, candidates: 1, expired: 1 });
    expect(await ip.events('expired')).toMatchObject([
      { name: 'c', reason: 'expired', workflow_id: 'sweep-run', detail: { state: 'free' } },
    ]);
    expect(await ip.freeBlocks(pool)).toEqual(['10.0.0.0/20']);
    expect(await ip.due()).toEqual([]);
  });

  test('renewing in time keeps it; by the given time, or by its own', async () => {
    const { uid } = await ip.claim({ name: 'c', pool: 'p', len: 24, ttl: 60 });
    await pass(59);
    expect(await ip.renew(uid, 120)).toMatchObject({ status: 'renewed' });
    await pass(119);
    expect(await ip.sweep(pool)).toEqual(nothing);
    expect(await ip.renew(uid)).toMatchObject({ status: 'renewed' });
    await pass(59);
    expect(await ip.sweep(pool)).toEqual(nothing);
    await pass(2);
    expect(await ip.renew(uid)).toMatchObject({ status: 'expired', detail: { reason: 'LeaseExpired' } });
    await ip.sweep(pool);
    expect(await ip.renew(uid)).toMatchObject({ status: 'expired' });
    expect((await ip.release(uid)).status).toBe('already');
  });

  test('what has no lease, is unknown, or is of another owner is not renewed', async () => {
    const { uid } = await ip.claim({ name: 'c', pool: 'p', len: 24 });
    expect(await ip.renew(uid, 60)).toMatchObject({ status: 'no_lease' });
    expect(await ip.renew(uid, 60, 'beta')).toMatchObject({ status: 'unknown', name: null });
    expect(await ip.renew('00000000-0000-7000-8000-000000000000')).toMatchObject({
      status: 'unknown',
      detail: { reason: 'ClaimNotFound' },
    });
  });

  test('one that is over is ended by the next claim of the identity, if that comes before the sweep', async () => {
    const first = await ip.claim({ name: 'c', pool: 'p', len: 24, ttl: 60 });
    await pass(61);
    const second = await ip.claim({ name: 'c', pool: 'p', len: 24, ttl: 60 });
    expect(second).toMatchObject({ status: 'bound', replayed: false, rebound: false, cidr: first.cidr });
    expect(second.uid).not.toBe(first.uid);
    expect(await ip.events('expired')).toMatchObject([{ claim_uid: first.uid, workflow_id: 'claim-run' }]);
  });

  test('the last block of a full pool comes free that way', async () => {
    await ip.pooled({ name: 'tiny', cidr: '10.9.0.0/32' });
    await ip.claim({ name: 'c', pool: 'tiny', len: 32, ttl: 60 });
    expect((await ip.claim({ name: 'd', pool: 'tiny', len: 32 })).status).toBe('exhausted');
    await pass(61);
    expect((await ip.claim({ name: 'd', pool: 'tiny', len: 32 })).status).toBe('exhausted');
    expect((await ip.claim({ name: 'c', pool: 'tiny', len: 32, ttl: 60 })).status).toBe('bound');
  });

  test('the identity moves to another pool; the old block goes back with the sweep', async () => {
    await ip.pooled({ name: 'q', cidr: '10.1.0.0/20', range: [24, 28] });
    await ip.claim({ name: 'c', pool: 'p', len: 24, ttl: 60 });
    await pass(61);
    expect((await ip.claim({ name: 'c', pool: 'q', len: 24 })).cidr).toBe('10.1.0.0/24');
    expect(await ip.capacity(pool)).toMatchObject({ cooling: '256', available: '3840' });
    expect(await ip.sweep(pool)).toMatchObject({ cooling_ended: 1 });
    expect(await ip.available(pool)).toBe('4096');
  });

  test('with Retain its end retains the block, and the identity has it back', async () => {
    const claim = { name: 'c', pool: 'p', len: 24, ttl: 60, reclaim: 'Retain' } as const;
    const first = await ip.claim(claim);
    await pass(61);
    expect(await ip.sweep(pool)).toMatchObject({ expired: 1 });
    expect(await ip.capacity(pool)).toMatchObject({ retained: '256' });
    const second = await ip.claim(claim);
    expect(second).toMatchObject({ cidr: first.cidr, rebound: true });
    await pass(61);
    expect(await ip.claim(claim)).toMatchObject({ cidr: first.cidr, rebound: true, replayed: false });
  });

  test('a dry run ends none', async () => {
    await ip.claim({ name: 'c', pool: 'p', len: 24, ttl: 60 });
    await pass(61);
    const before = await ip.state();
    expect((await ip.claim({ name: 'c', pool: 'p', len: 24, ttl: 60, dryRun: true })).cidr).toBe('10.0.0.0/24');
    expect(await ip.state()).toEqual(before);
  });

  test('a dry run by selector counts on the room of one that is over where there will be some, and nowhere else', async () => {
    const labels = { a: 'b' };
    await ip.pooled({ name: 'q', cidr: '10.9.0.0/32', labels });
    await ip.pooled({ name: 'r', cidr: '10.9.1.0/32', labels });
    const claim = { name: 'c', selector: { matchLabels: labels }, len: 32, ttl: 60 };
    await ip.claim(claim);
    await pass(61);
    expect(await ip.claim({ ...claim, dryRun: true })).toMatchObject({ status: 'bound', pool: 'q' });
    await ip.changePool('q', { cooldownSeconds: 300 });
    expect(await ip.claim({ ...claim, dryRun: true })).toMatchObject({ status: 'bound', pool: 'r' });
    await ip.claim({ name: 'd', pool: 'r', len: 32 });
    expect(await ip.claim({ ...claim, dryRun: true })).toMatchObject({ status: 'exhausted' });
  });

  test('one that is over is ended by an import of its identity, which then begins a life of its own', async () => {
    const rows = [{ line: 1, namespace: 'n', name: 'i', cidr: '10.0.0.0/24', ttlSeconds: 60 }];
    const [first] = await ip.import('p', rows);
    expect(await ip.import('p', rows)).toMatchObject([{ status: 'unchanged', claim_uid: first?.claim_uid }]);
    await pass(61);
    const [second] = await ip.import('p', rows);
    expect(second).toMatchObject({ status: 'imported', cidr: '10.0.0.0/24' });
    expect(await ip.events('expired')).toMatchObject([{ claim_uid: first?.claim_uid }]);
    expect(await ip.sweep(pool)).toEqual(nothing);
    expect((await ip.release(String(second?.claim_uid))).status).toBe('released');
  });

  test('an import does not take back what cools or is retained since its lease is over', async () => {
    await ip.changePool('p', { cooldownSeconds: 300 });
    const rows = [
      { line: 1, namespace: 'n', name: 'cools', cidr: '10.0.0.0/24', ttlSeconds: 60 },
      { line: 2, namespace: 'n', name: 'stays', cidr: '10.0.1.0/24', ttlSeconds: 60, reclaimPolicy: 'Retain' },
    ];
    await ip.import('p', rows);
    await pass(61);
    expect(await ip.import('p', rows)).toMatchObject([
      { status: 'conflict', reason: 'AddressTaken' },
      { status: 'conflict', reason: 'IdentityTaken' },
    ]);
    expect(await ip.capacity(pool)).toMatchObject({ cooling: '256', retained: '256', claims: '0' });
  });
});

describe('a pass of the sweep', () => {
  test('reaches every pool with something due, however many there are', async () => {
    const names = ['a', 'b', 'c', 'd', 'e'];
    for (const [index, name] of names.entries()) {
      await ip.pooled({ name, cidr: `10.9.${index}.0/24`, range: [24, 28] });
      await ip.claim({ name, pool: name, len: 24, ttl: 60 });
    }
    await pass(61);
    const { report } = await sweepPools(deps, 2);
    expect(report).toMatchObject({ pools: 5, expired: 5 });
    expect(await ip.due()).toEqual([]);
  });
});

test('the metrics look at the fullest pools, and tell 0 of one that is not among them any more', async () => {
  const told = new Map<string, number>();
  const instrument = { add: () => {}, record: () => {}, set: () => {} };
  const utilization = {
    set: (value: number, { owner, pool: name }: Record<string, string>) => told.set(`${owner}/${name}`, value),
  };
  const createGauge = (name: string) => (name.endsWith('utilization_ratio') ? utilization : instrument);
  const meter = { createCounter: () => instrument, createHistogram: () => instrument, createGauge };
  const metrics = new IpMetrics(meter as unknown as MetricMeter);
  await ip.pooled({ name: 'full', cidr: '10.9.0.0/28' });
  const { uid } = await ip.claim({ name: 'c', pool: 'full', len: 28 });
  await samplePools({ ...deps, metrics }, 1);
  expect([...told]).toEqual([['alpha/full', 1]]);
  await ip.release(uid);
  await ip.deletePool('full');
  await samplePools({ ...deps, metrics }, 1);
  expect([...told]).toEqual([
    ['alpha/full', 0],
    ['alpha/p', 0],
  ]);
});

describe('cool-down', () => {
  test('the block is not given out and counts as allocated; the name is free at once; the sweep joins it', async () => {
    await ip.changePool('p', { cooldownSeconds: 300 });
    const first = await ip.claim({ name: 'c', pool: 'p', len: 24 });
    expect(await ip.release(first.uid)).toMatchObject({ status: 'cooling', free_after: expect.any(Date), waiters: [] });
    expect((await ip.release(first.uid)).status).toBe('already');
    expect(await ip.capacity(pool)).toMatchObject({ cooling: '256', allocated: '256' });
    const second = await ip.claim({ name: 'c', pool: 'p', len: 24 });
    expect(second.cidr).toBe('10.0.1.0/24');
    expect(await ip.claim({ name: 'd', pool: 'p', wanted: first.cidr })).toMatchObject({
      status: 'address_taken',
      detail: { holder: { state: 'cooling' } },
    });
    expect(await ip.sweep(pool)).toEqual(nothing);
    await pass(301);
    expect(await ip.due()).toEqual([pool]);
    expect(await ip.sweep(pool)).toEqual({ ...nothing, candidates: 1, cooling_ended: 1 });
    expect((await ip.claim({ name: 'd', pool: 'p', len: 24 })).cidr).toBe(first.cidr);
    expect(await ip.events('cooling-ended')).toMatchObject([{ claim_uid: first.uid }]);
  });

  test('holds for a child block, too', async () => {
    await ip.changePool('p', { cooldownSeconds: 300 });
    await ip.pooled({ name: 'child', parent: 'p', len: 24 });
    expect(await ip.deletePool('child')).toMatchObject({ status: 'deleted', free_after: expect.any(Date) });
    expect(await ip.capacity(pool)).toMatchObject({ cooling: '256' });
    await pass(301);
    await ip.sweep(pool);
    expect(await ip.freeBlocks(pool)).toEqual(['10.0.0.0/20']);
  });
});

describe('retention', () => {
  async function retained(): Promise<string> {
    const { uid } = await ip.claim({ name: 'c', pool: 'p', len: 24, reclaim: 'Retain' });
    await ip.release(uid);
    return uid;
  }

  test('two thresholds on one clock: first marked, then released', async () => {
    await ip.changePool('p', { retentionSeconds: 600 });
    await retained();
    await pass(599);
    expect(await ip.sweep(pool)).toEqual(nothing);
    await pass(2);
    expect(await ip.sweep(pool)).toEqual({ ...nothing, candidates: 1, marked: 1 });
    expect(await ip.events('expiring')).toHaveLength(1);
    expect(await ip.due()).toEqual([]);
    expect(await ip.sweep(pool)).toEqual(nothing);
    await pass(600);
    expect(await ip.sweep(pool)).toEqual({ ...nothing, candidates: 1, released: 1 });
    expect(await ip.events('released')).toMatchObject([{ reason: 'retention' }]);
    expect(await ip.freeBlocks(pool)).toEqual(['10.0.0.0/20']);
  });

  test('the second threshold is a day later at most', async () => {
    await ip.changePool('p', { retentionSeconds: 10 * 86_400 });
    await retained();
    await pass(11 * 86_400 + 1);
    expect(await ip.sweep(pool)).toMatchObject({ released: 1 });
  });

  test('a re-bind takes the mark off', async () => {
    await ip.changePool('p', { retentionSeconds: 600 });
    await retained();
    await pass(601);
    await ip.sweep(pool);
    expect((await ip.claim({ name: 'c', pool: 'p', len: 24, reclaim: 'Retain' })).rebound).toBe(true);
    await pass(10_000);
    expect(await ip.sweep(pool)).toEqual(nothing);
    expect(await ip.query('select state, retained_at, expiring_at from ipam_alloc')).toEqual([
      { state: 'held', retained_at: null, expiring_at: null },
    ]);
  });

  test('without one they are kept for ever, and counted; reservations and children are never swept', async () => {
    await retained();
    await ip.reserve('p', ['10.0.8.0/24']);
    await ip.pooled({ name: 'child', parent: 'p', len: 24 });
    await pass(100 * 86_400);
    const before = await ip.state();
    expect(await ip.due()).toEqual([]);
    expect(await ip.sweep(pool)).toEqual(nothing);
    expect(await ip.state()).toEqual(before);
    expect(await ip.one('ipam_housekeep', [7, null])).toMatchObject({ without_retention: '1' });
  });
});

describe('the sweep', () => {
  test('takes so many at a time, and all in the end', async () => {
    await ip.claim({ name: 'many', pool: 'p', len: 28, count: 130, ttl: 60 });
    await pass(61);
    const passes = [];
    for (;;) {
      const { candidates, expired } = await ip.sweep(pool, 50);
      passes.push(expired);
      if (Number(candidates) < 50) break;
    }
    expect(passes).toEqual([50, 50, 30]);
    expect(await ip.freeBlocks(pool)).toEqual(['10.0.0.0/20']);
  });

  test('leaves a row that somebody holds for the next pass', async () => {
    const { uid } = await ip.claim({ name: 'c', pool: 'p', len: 24, ttl: 60 });
    await pass(61);
    const client = await ip.pool.connect();
    try {
      await client.query('begin');
      await client.query('select from ipam_alloc where claim_uid = $1 for update', [uid]);
      expect(await ip.sweep(pool)).toEqual({ ...nothing, candidates: 1, skipped_locked: 1 });
      await client.query('rollback');
    } finally {
      client.release();
    }
    expect(await ip.sweep(pool)).toMatchObject({ expired: 1 });
  });

  test('does nothing in a pool that is gone', async () => {
    expect(await ip.sweep(123_456)).toEqual(nothing);
  });
});

describe('waiting', () => {
  const wait = (workflow: string, len: number, blocks = 1, seconds = 60) =>
    ip.one('ipam_wait', [[pool], workflow, len, blocks, seconds]);

  test('a release names the waiters that fit, oldest first, ten at most', async () => {
    const big = await ip.claim({ name: 'big', pool: 'p', len: 24, count: 16 });
    expect(await wait('two-blocks', 24, 2)).toEqual({ registered: 1 });
    await wait('over', 24, 1, 0);
    for (let index = 0; index < 12; index++) await wait(`w${index}`, 24);
    expect((await ip.release(big.uids[0] ?? '')).waiters).toEqual(
      Array.from({ length: 10 }, (_, index) => `w${index}`),
    );
    expect((await ip.release(big.uids[1] ?? '')).waiters).toEqual([
      'two-blocks',
      ...Array.from({ length: 9 }, (_, index) => `w${index}`),
    ]);
  });

  test('so do the sweep, a change of the pool, an end of a reservation and a child that goes', async () => {
    await ip.pooled({ name: 'child', parent: 'p', len: 24 });
    await ip.reserve('p', ['10.0.8.0/24']);
    await ip.claim({ name: 'c', pool: 'p', len: 24, ttl: 60 });
    await wait('w', 24);
    expect((await ip.changePool('p', { strategy: 'Sparse' })).waiters).toEqual(['w']);
    expect((await ip.reserve('p', ['10.0.8.0/24'], true)).waiters).toEqual(['w']);
    expect((await ip.deletePool('child')).waiters).toEqual(['w']);
    await pass(61);
    expect((await ip.sweep(pool)).waiters).toEqual(['w']);
  });

  test('twice is once; whoever stops waiting is gone; the overdue are dropped', async () => {
    await wait('w', 24);
    await wait('w', 26);
    expect(await ip.query('select len, blocks from ipam_waiter')).toEqual([{ len: 26, blocks: 1 }]);
    expect(await ip.one('ipam_unwait', ['w'])).toEqual({ removed: 1 });
    expect(await ip.one('ipam_unwait', ['w'])).toEqual({ removed: 0 });
    await wait('late', 24, 1, 0);
    expect(await ip.one('ipam_housekeep', [7, null])).toMatchObject({ waiters: 1 });
  });
});

test('what a run found unchanged is forgotten when nobody tries that run any more', async () => {
  await ip.deletePool('none', 'alpha', 'old@1');
  await ip.query("update ipam_unchanged set at = at - interval '31 days'");
  await ip.deletePool('none', 'alpha', 'new@1');
  await ip.one('ipam_housekeep', [7, null]);
  expect(await ip.query('select workflow_id from ipam_unchanged')).toEqual([{ workflow_id: 'new@1' }]);
});

test('refusals are forgotten after their days, and the log of live claims never', async () => {
  await ip.claim({ name: 'c', pool: 'p', len: 16, record: true });
  const gone = await ip.claim({ name: 'gone', pool: 'p', len: 24 });
  await ip.release(gone.uid);
  await ip.claim({ name: 'held', pool: 'p', len: 24 });
  await ip.query("update ipam_event set at = at - interval '8 days'");
  expect(await ip.one('ipam_housekeep', [7, null])).toMatchObject({ refused: 1, events: 0 });
  expect(await ip.one('ipam_housekeep', [7, 7])).toMatchObject({ refused: 0, events: 3 });
  expect(await ip.query('select kind, name from ipam_event')).toEqual([{ kind: 'claimed', name: 'held' }]);
});
