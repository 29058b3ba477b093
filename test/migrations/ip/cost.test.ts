import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { testDatabase } from '../../support/servers.ts';
import { Allocator } from './allocator.ts';

/** The cost of a claim does not grow with what is held: counted in tuples, not in time (specs: IP claims, row I54). */

const server = testDatabase();
let ip: Allocator;
beforeAll(() => {
  ip = new Allocator(server.url, 1);
});
afterAll(() => ip.close());
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

test.each([
  ['with statistics never gathered', false, 250],
  ['with statistics', true, 100],
])('eight windows of claims, %s: the last window reads what the second did', async (_, analyzed, size) => {
  await ip.query(`alter table ipam_free set (autovacuum_enabled = ${analyzed})`);
  await ip.query(`alter table ipam_alloc set (autovacuum_enabled = ${analyzed})`);
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
