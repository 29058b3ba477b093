import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { testDatabase } from '../../support/servers.ts';
import { Allocator } from './allocator.ts';

/** Many connections at once (specs: IP claims, invariants 6 and 9). No answer may be an exception, and no two blocks overlap. */

const CONNECTIONS = 105;

const server = testDatabase();
let ip: Allocator;
let crowd: Allocator;
beforeAll(() => {
  ip = new Allocator(server.url);
  crowd = new Allocator(server.url, CONNECTIONS, { lock_timeout: 30_000 });
});
afterAll(async () => {
  await ip.close();
  await crowd.close();
});
beforeEach(() => ip.clear());
afterEach(async () => {
  expect(await ip.problems()).toEqual([]);
  expect(await overlaps()).toBe(0);
});

/** One self-join over everything that is allocated. */
async function overlaps(): Promise<number> {
  const [row] = await ip.query(
    `select count(*)::int as n from ipam_alloc a join ipam_alloc b on b.pool_id = a.pool_id and b.id > a.id and b.cidr && a.cidr`,
  );
  return Number(row?.n);
}

/** Sessions of this database that wait for a lock, as seen at any time while `work` runs; the most at once. */
async function watchingLockWaits(work: Promise<unknown>): Promise<number> {
  let most = 0;
  let running = true;
  const done = work.finally(() => {
    running = false;
  });
  while (running) {
    const [row] = await ip.query(
      "select count(*)::int as n from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'",
    );
    most = Math.max(most, Number(row?.n));
  }
  await done;
  return most;
}

test('50 claims at one instant are 50 blocks', async () => {
  await ip.pooled({ name: 'p', cidr: '10.0.0.0/16', range: [16, 28] });
  const answers = await Promise.all(
    Array.from({ length: 50 }, (_, index) => crowd.claim({ name: `c${index}`, pool: 'p', len: 28 })),
  );
  expect(new Set(answers.map(({ cidr }) => cidr)).size).toBe(50);
});

test('50 claimers, 50 releasers and 5 that make and delete children: nobody fails, everybody gets on', async () => {
  // Room for everybody: whether a child finds its block must not depend on who comes first.
  const pool = await ip.pooled({ name: 'p', cidr: '10.0.0.0/14', range: [20, 28] });
  const [before] = await ip.query('select deadlocks from pg_stat_database where datname = current_database()');
  const bound: string[] = [];
  const counts = { claimed: 0, full: 0, released: 0, made: 0, deleted: 0, noRoom: 0 };
  const CLAIMS = 12;
  let claiming = 50;

  const claimer = async (who: number) => {
    for (let index = 0; index < CLAIMS; index++) {
      const answer = await crowd.claim({ name: `c${who}-${index}`, pool: 'p', len: 24 + ((who + index) % 5) });
      expect(['bound', 'exhausted']).toContain(answer.status);
      if (answer.status === 'bound') bound.push(answer.uid);
      counts[answer.status === 'bound' ? 'claimed' : 'full']++;
    }
    claiming--;
  };
  const releaser = async () => {
    while (claiming > 0 || bound.length > 0) {
      const uid = bound.shift();
      if (uid === undefined) await new Promise((resolve) => setImmediate(resolve));
      else {
        expect((await crowd.release(uid)).status).toBe('released');
        counts.released++;
      }
    }
  };
  const carver = async (who: number) => {
    for (let index = 0; index < 6; index++) {
      const name = `child-${who}-${index}`;
      const made = await crowd.createPool({ name, parent: 'p', len: 22, range: [24, 28] });
      expect(['created', 'exhausted']).toContain(made.status);
      if (made.status !== 'created') counts.noRoom++;
      else {
        counts.made++;
        const { uid } = await crowd.claim({ name, pool: name, len: 28 });
        expect((await crowd.deletePool(name)).status).toBe('in_use');
        await crowd.release(uid);
        expect((await crowd.deletePool(name)).status).toBe('deleted');
        counts.deleted++;
      }
    }
  };

  const waits = await watchingLockWaits(
    Promise.all([
      ...Array.from({ length: 50 }, (_, who) => claimer(who)),
      ...Array.from({ length: 50 }, () => releaser()),
      ...Array.from({ length: 5 }, (_, who) => carver(who)),
    ]),
  );
  expect(waits).toBeGreaterThan(10);
  expect(counts).toMatchObject({ released: counts.claimed, deleted: counts.made });
  expect(counts).toMatchObject({ claimed: 50 * CLAIMS, full: 0, made: 5 * 6, noRoom: 0 });
  expect(await ip.freeBlocks(pool)).toEqual(['10.0.0.0/14']);
  const [after] = await ip.query('select deadlocks from pg_stat_database where datname = current_database()');
  expect(after).toEqual(before);
});

test('one claim made by many at once is one block', async () => {
  const pool = await ip.pooled({ name: 'p', cidr: '10.0.0.0/16', range: [24, 28] });
  const answers = await Promise.all(
    Array.from({ length: 60 }, () => crowd.claim({ name: 'db', pool: 'p', len: 24, count: 8 })),
  );
  expect(new Set(answers.map(({ cidrs }) => cidrs.join())).size).toBe(1);
  expect(answers.filter(({ replayed }) => !replayed)).toHaveLength(1);
  expect(await ip.available(pool)).toBe(String(2 ** 16 - 8 * 256));
});

test('a call that is still running is joined by its own retry', async () => {
  await ip.pooled({ name: 'p', cidr: '10.0.0.0/16' });
  const uids = ['01a1fe87-895d-7fbe-802e-7112eaa89c02'];
  const answers = await Promise.all(
    Array.from({ length: 8 }, () => crowd.claim({ name: 'c', pool: 'p', len: 24, uids })),
  );
  expect(new Set(answers.map(({ cidr, uid, replayed }) => `${cidr} ${uid} ${replayed}`)).size).toBe(1);
  expect(answers[0]?.replayed).toBe(false);
});

test('one claim in two pools at once: one is bound, the other is told to look again and finds the conflict', async () => {
  const pools = [
    await ip.pooled({ name: 'p', cidr: '10.0.0.0/16' }),
    await ip.pooled({ name: 'q', cidr: '10.1.0.0/16' }),
  ];
  for (const count of [1, 3]) {
    const other = new Allocator(server.url, 1);
    try {
      await other.query('begin');
      const first = await other.claim({ name: `db${count}`, pool: 'p', len: 24, count });
      const second = ip.claim({ name: `db${count}`, pool: 'q', len: 24, count });
      await untilSomebodyWaits();
      await other.query('commit');
      expect(first.status).toBe('bound');
      expect(await second).toMatchObject({ status: 'moved' });
      expect(await ip.claim({ name: `db${count}`, pool: 'q', len: 24, count })).toMatchObject({
        status: 'conflict',
        detail: { reason: 'SpecDiffers' },
      });
    } finally {
      await other.close();
    }
  }
  expect(await ip.freeBlocks(pools[1] ?? 0)).toEqual(['10.1.0.0/16']);
});

test('a dry run leaves no lock behind, a claim holds its pool’s until the commit', async () => {
  const pool = await ip.pooled({ name: 'p', cidr: '10.0.0.0/16' });
  const client = new Allocator(server.url, 1);
  const locks = () =>
    client.query(
      "select classid::int, objid::int from pg_locks where locktype = 'advisory' and pid = pg_backend_pid()",
    );
  try {
    await client.query('begin');
    await client.claim({ name: 'c', pool: 'p', len: 24, dryRun: true });
    expect(await locks()).toEqual([]);
    await client.claim({ name: 'c', pool: 'p', len: 24 });
    expect(await locks()).toEqual([{ classid: 71001, objid: pool }]);
    await client.query('commit');
    expect(await locks()).toEqual([]);
  } finally {
    await client.close();
  }
});

test('pools: the same made by many is one; of two that overlap one is made', async () => {
  await ip.pooled({ name: 'env', cidr: 'fd40::/48', range: [64, 64] });
  const chain = async (who: number) => {
    const net = await crowd.createPool({ name: 'net', parent: 'env', len: 64, range: [80, 80] });
    const subnet = await crowd.createPool({ name: 'subnet', parent: 'net', len: 80, range: [96, 96] });
    const claim = await crowd.claim({ name: `c${who}`, pool: 'subnet', family: 6, len: 96 });
    return { ids: `${net.pool_id} ${subnet.pool_id}`, cidr: claim.cidr };
  };
  const chains = await Promise.all(Array.from({ length: 10 }, (_, who) => chain(who)));
  expect(new Set(chains.map(({ ids }) => ids)).size).toBe(1);
  expect(new Set(chains.map(({ cidr }) => cidr)).size).toBe(10);

  const roots = await Promise.all(
    Array.from({ length: 10 }, (_, who) =>
      crowd.createPool({
        name: `r${who}`,
        cidr: `10.0.${who}.0/${who % 2 ? 16 : 24}`.replace(/\.\d+\.0\/16/, '.0.0/16'),
      }),
    ),
  );
  const made = roots.filter(({ status }) => status === 'created').map(({ cidr }) => String(cidr));
  expect(made.includes('10.0.0.0/16') ? made : ['10.0.0.0/16']).toEqual(['10.0.0.0/16']);
  expect(roots.every(({ status }) => status === 'created' || status === 'overlap')).toBe(true);
});

describe('while another connection holds the pool’s lock', () => {
  let holder: Allocator;
  let hasty: Allocator;
  beforeEach(async () => {
    const pool = await ip.pooled({ name: 'p', cidr: '10.0.0.0/31', range: [31, 32] });
    await ip.claim({ name: 'held', pool: 'p', len: 32 });
    holder = new Allocator(server.url, 1);
    hasty = new Allocator(server.url, 1, { lock_timeout: 50 });
    await holder.query('begin');
    await holder.query('select pg_advisory_xact_lock(71001, $1)', [pool]);
  });
  afterEach(async () => {
    await holder.close();
    await hasty.close();
  });

  test('denials and repeats are answered', async () => {
    expect(await hasty.claim({ name: 'c', pool: 'p', len: 31 })).toMatchObject({ status: 'exhausted' });
    expect(await hasty.claim({ name: 'c', pool: 'p', len: 32, count: 2 })).toMatchObject({ status: 'exhausted' });
    expect(await hasty.claim({ name: 'c', pool: 'p', wanted: '10.0.0.0/32' })).toMatchObject({
      status: 'address_taken',
    });
    expect(await hasty.claim({ name: 'c', pool: 'p', len: 30 })).toMatchObject({ status: 'out_of_bounds' });
    expect(await hasty.claim({ name: 'held', pool: 'p', len: 32 })).toMatchObject({ status: 'bound', replayed: true });
    expect(await hasty.claim({ name: 'held', pool: 'p', len: 31 })).toMatchObject({ status: 'conflict' });
  });

  test('a claim with room gives up in time, and succeeds afterwards', async () => {
    await expect(hasty.claim({ name: 'c', pool: 'p', len: 32 })).rejects.toMatchObject({ code: '55P03' });
    await holder.query('rollback');
    expect((await hasty.claim({ name: 'c', pool: 'p', len: 32 })).cidr).toBe('10.0.0.1/32');
  });

  test('a claim by selector whose pool filled up meanwhile looks again, and finds the next', async () => {
    await ip.query('update ipam_pool set labels = \'{"a": "b"}\''); // a change through its function would wait for the lock
    await ip.pooled({ name: 'q', cidr: '10.1.0.0/31', labels: { a: 'b' }, range: [32, 32] });
    const selected = { name: 'c', selector: { matchLabels: { a: 'b' } }, len: 32 };
    const first = ip.claim(selected);
    await untilSomebodyWaits();
    await holder.claim({ name: 'faster', pool: 'p', len: 32 });
    await holder.query('commit');
    expect(await first).toMatchObject({ status: 'moved' });
    expect(await ip.claim(selected)).toMatchObject({ status: 'bound', pool: 'q' });
  });

  test('a claim that waited sees the pool as it is then', async () => {
    const waiting = ip.claim({ name: 'c', pool: 'p', len: 32 });
    await untilSomebodyWaits();
    await holder.claim({ name: 'faster', pool: 'p', len: 32 });
    await holder.query('commit');
    expect(await waiting).toMatchObject({ status: 'exhausted' });
  });
});

async function untilSomebodyWaits(): Promise<void> {
  for (;;) {
    const [row] = await ip.query(
      "select count(*)::int as n from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'",
    );
    if (Number(row?.n) > 0) return;
  }
}
