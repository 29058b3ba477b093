import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { eventually } from '../../support/inspect.ts';
import { startOwnPostgres } from '../../support/own-postgres.ts';
import { Allocator } from './allocator.ts';

/**
 * The cost of a claim does not grow with what is held: counted in tuples, not in time (specs: IP claims, row I54).
 *
 * On a server of its own: a transaction that writes in any database of the server keeps a claim from passing over the entries
 * that claims before it left dead, and then a claim reads two to three times as much. So does the snapshot of an analysis.
 */

let server: Awaited<ReturnType<typeof startOwnPostgres>>;
let ip: Allocator;
beforeAll(async () => {
  server = await startOwnPostgres();
  ip = new Allocator(server.url, 1);
});
afterAll(async () => {
  await ip?.close();
  await server?.stop();
});
beforeEach(() => ip.clear());

/** Rows and index entries that the tables of the room have given out so far, in this session's view. */
async function tuplesRead(): Promise<number> {
  await ip.query('select pg_stat_force_next_flush()');
  const [row] = await ip.query(
    `select (select sum(seq_tup_read + coalesce(idx_tup_fetch, 0)) from pg_stat_user_tables where relname like 'ipam\\_%')
       + (select sum(idx_tup_read) from pg_stat_user_indexes where relname like 'ipam\\_%') as n`,
  );
  return Number(row?.n);
}

/** Sessions of this database that keep dead rows from being removed. */
const otherSnapshots = () =>
  ip.query(
    `select pid, query from pg_stat_activity
      where datname = current_database() and pid <> pg_backend_pid() and backend_xmin is not null`,
  );

test.each([
  ['with statistics never gathered', false, 250],
  ['with statistics', true, 100],
])('eight windows of claims, %s: the last window reads what the second did', async (_, analyzed, size) => {
  await ip.pooled({ name: 'p', cidr: 'fd30::/20', range: [48, 48] });
  const perClaim: number[] = [];
  for (let window = 0; window < 8; window++) {
    if (analyzed) await ip.query('analyze ipam_free, ipam_alloc, ipam_event');
    const before = await tuplesRead();
    for (let index = 0; index < size; index++)
      expect((await ip.claim({ name: `c${window}-${index}`, pool: 'p', family: 6, len: 48 })).status).toBe('bound');
    perClaim.push(((await tuplesRead()) - before) / size);
  }
  const [, second = 0] = perClaim;
  expect(perClaim.at(-1)).toBeLessThanOrEqual(2 * second);
  expect(await ip.problems()).toEqual([]);
});

test('a long snapshot elsewhere makes claims read more, and after it all is as before', async () => {
  await ip.pooled({ name: 'p', cidr: '10.0.0.0/16', range: [24, 28] });
  const cycles = async (from: number, count: number) => {
    const before = await tuplesRead();
    for (let index = from; index < from + count; index++)
      await ip.release((await ip.claim({ name: `c${index}`, pool: 'p', len: 28 })).uid);
    return ((await tuplesRead()) - before) / count;
  };
  await cycles(0, 20); // the session's caches
  const alone = await cycles(100, 20);
  const reader = new Allocator(server.url, 1);
  try {
    await reader.query('begin isolation level repeatable read');
    await reader.query('select from ipam_free');
    await cycles(200, 200);
    expect(await cycles(400, 20)).toBeGreaterThan(alone);
    await reader.query('commit');
  } finally {
    await reader.close();
  }
  await eventually(async () => expect(await otherSnapshots()).toEqual([]));
  await ip.query('vacuum ipam_free');
  await ip.query('vacuum ipam_alloc');
  await cycles(500, 20);
  expect(await cycles(600, 20)).toBeLessThanOrEqual(2 * alone);
  expect(await ip.problems()).toEqual([]);
});
