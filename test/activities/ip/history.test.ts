import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { IpDependencies } from '../../../activities/ip/dependencies.ts';
import { readInventory } from '../../../activities/ip/inventory.ts';
import type { IpInventoryQuery } from '../../../contract/ip/inventory.ts';
import { Allocator } from '../../migrations/ip/allocator.ts';
import { testDatabase } from '../../support/servers.ts';

/** The log in pages: complete for whoever may see it, and never read as a whole, in tuples and not in time. */

type Filter = Omit<Extract<IpInventoryQuery, { kind: 'events' }>, 'kind'>;

const server = testDatabase();
let ip: Allocator;
let deps: IpDependencies;
beforeAll(async () => {
  ip = new Allocator(server.url, 1); // one session, whose plans and statistics these are
  const prepared = async (name: string, text: string, values: unknown[]) =>
    (await ip.pool.query({ name, text, values })).rows;
  deps = { database: { prepared } } as unknown as IpDependencies;
  for (const name of ['net', 'old', 'shared'])
    await ip.pooled({ name, cidr: '10.0.0.0/8', range: [16, 32], visibility: 'shared', allowOverlap: true });
  await ip.grant('shared', 'beta');
  await ip.pooled({ name: 'net', owner: 'beta', cidr: '10.0.0.0/8', range: [16, 32] });
});
afterAll(() => ip?.close());

async function page(owner: string, filter: Filter) {
  const answer = await readInventory(deps, { input: { owner, query: { kind: 'events', ...filter } } });
  if (answer.kind !== 'events') throw new Error(`${answer.kind} was answered`);
  return answer;
}

/** Events of a thousand blocks of this /16, or without a block. */
const write = (owner: string, pool: string | null, count: number, block: string | null) =>
  ip.query(
    `insert into ipam_event (kind, owner, pool, cidr)
       select 'claimed', $1, $2, network(set_masklen(host($4::inet)::inet + (n * 7919) % 1000 * 16, 24 + n % 9))::cidr
         from generate_series(1, $3::int) n`,
    [owner, pool, count, block],
  );

/** Claims in others' pools, of one's own, and refused ones without a pool; later ones by far the most, and of alpha alone. */
async function fill(): Promise<void> {
  await write('beta', 'beta/net', 20, '10.9.0.0');
  await write('beta', 'alpha/shared', 20, '10.200.0.0');
  await write('beta', 'alpha/shared', 5, null);
  await write('alpha', 'alpha/old', 20, '10.201.0.0');
  await write('alpha', null, 5, null);
  await write('gamma', 'alpha/net', 5, 'fd00::');
  await write('alpha', 'alpha/net', 30_000, '10.1.0.0');
}

const asked: [string, string, Filter][] = [
  ['an owner of little', 'beta', {}],
  ['an owner of little, by block', 'beta', { cidr: '10.9.0.0/16' }],
  ['an owner of little, of a block that is not its own', 'beta', { cidr: '10.1.0.0/16' }],
  ['a pool that is shared with it', 'beta', { pool: { name: 'shared', projectRef: { name: 'alpha' } } }],
  [
    'a block of a pool that is shared with it',
    'beta',
    { cidr: '10.200.0.0/20', pool: { name: 'shared', projectRef: { name: 'alpha' } } },
  ],
  ['an own pool of others', 'alpha', { pool: { name: 'shared' } }],
  ['an own pool that was used long ago', 'alpha', { pool: { name: 'old' } }],
  ['an address that was used long ago', 'alpha', { cidr: '10.201.0.1/32' }],
  ['a block of an own pool of others', 'alpha', { cidr: '10.200.0.0/16' }],
  ['a block of the other family', 'alpha', { cidr: 'fd00::/8' }],
  ['a block that was never used', 'alpha', { cidr: '192.168.0.0/16' }],
  ['an owner of nearly all', 'alpha', {}],
  ['a pool with nearly all', 'alpha', { pool: { name: 'net' } }],
];

/** So busy that the newest events are looked through. */
const busy: [string, string, Filter][] = [
  ['a block with nearly all', 'alpha', { cidr: '10.0.0.0/8' }],
  ['everything there is', 'alpha', { cidr: '0.0.0.0/0' }],
  ['a block with nearly all, of an own pool', 'alpha', { cidr: '10.1.0.0/16', pool: { name: 'net' } }],
  ['a block with nearly all, of a pool of others', 'alpha', { cidr: '10.0.0.0/8', pool: { name: 'shared' } }],
];

describe('the history of', () => {
  beforeAll(fill);

  /** Ids of what the owner may see, newest first, by walking through everything. */
  async function naively(owner: string, { cidr, pool }: Filter): Promise<string[]> {
    const rows = await ip.query(
      `select id::text from ipam_event where (owner = $1 or pool like $1 || '/%') and ($2::inet is null or cidr && $2::inet)
         and ($3::text is null or pool = $3) order by ipam_event.id desc`,
      [owner, cidr ?? null, pool ? `${pool.projectRef?.name ?? owner}/${pool.name}` : null],
    );
    return rows.map(({ id }) => String(id));
  }

  test.each([...asked, ...busy])('%s is whole, in pages', async (_, owner, filter) => {
    const all = (await naively(owner, filter)).slice(0, 45);
    const ids: string[] = [];
    let after: string | undefined;
    do {
      const { events, next } = await page(owner, { ...filter, limit: 15, ...(after ? { after } : {}) });
      ids.push(...events.map(({ id }) => id));
      after = next;
    } while (after && ids.length < 45);
    expect(ids).toEqual(all);
  });

  /** Rows and index entries that this session has read so far. */
  async function tuplesRead(): Promise<number> {
    await ip.query('select pg_stat_force_next_flush()');
    const [row] = await ip.query(
      `select (select seq_tup_read + coalesce(idx_tup_fetch, 0) from pg_stat_user_tables where relname = 'ipam_event')
         + (select sum(idx_tup_read) from pg_stat_user_indexes where relname = 'ipam_event') as n`,
    );
    return Number(row?.n);
  }

  describe.each([
    ['with statistics never gathered', 'select 1'],
    ['with statistics', 'analyze ipam_event'],
    ['with a plan for any values', 'set plan_cache_mode = force_generic_plan'],
    ['with a plan for these values', 'set plan_cache_mode = force_custom_plan'],
  ])('%s', (_words, prepare) => {
    beforeAll(() => ip.query(prepare));
    test.each(asked)('%s is read without the log around it', async (_, owner, filter) => {
      const before = await tuplesRead();
      const { events } = await page(owner, { ...filter, limit: 500 });
      expect((await tuplesRead()) - before).toBeLessThan(400 + 4 * events.length);
    });
  });
});
