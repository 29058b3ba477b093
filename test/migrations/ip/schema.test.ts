import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { testDatabase } from '../../support/servers.ts';
import { Allocator } from './allocator.ts';

/** Names, constraints, indexes and rights are contract (specs: IP claims, section 3). */

const server = testDatabase();
let ip: Allocator;
beforeAll(() => {
  ip = new Allocator(server.url);
});
afterAll(() => ip.close());

/** PostgreSQL breaks long definitions where it likes. */
const oneLine = (definition: unknown) => String(definition).replace(/\s+/g, ' ');

test('the constraints are those of the specification, word for word', async () => {
  const rows = await ip.query(
    `select conrelid::regclass || '.' || conname as name, pg_get_constraintdef(oid) as definition from pg_constraint
       where conrelid::regclass::text like 'ipam\\_%' and contype <> 'n' order by 1`,
  );
  expect(Object.fromEntries(rows.map(({ name, definition }) => [name, oneLine(definition)]))).toEqual({
    'ipam_alloc.ipam_alloc_claim_uid_key': 'UNIQUE (claim_uid)',
    'ipam_alloc.ipam_alloc_no_overlap': 'EXCLUDE USING gist (pool_id WITH =, space_id WITH =, cidr inet_ops WITH &&)',
    'ipam_alloc.ipam_alloc_pkey': 'PRIMARY KEY (id)',
    'ipam_alloc.ipam_alloc_pool_id_fkey': 'FOREIGN KEY (pool_id) REFERENCES ipam_pool(id) ON DELETE RESTRICT',
    'ipam_alloc.ipam_alloc_purpose_check':
      "CHECK ((purpose = ANY (ARRAY['claim'::text, 'pool'::text, 'reservation'::text])))",
    'ipam_alloc.ipam_alloc_state_check':
      "CHECK ((state = ANY (ARRAY['held'::text, 'retained'::text, 'cooling'::text])))",
    'ipam_event.ipam_event_pkey': 'PRIMARY KEY (id)',
    'ipam_free.ipam_free_pkey': 'PRIMARY KEY (pool_id, space_id, len, addr)',
    'ipam_grant.ipam_grant_pkey': 'PRIMARY KEY (pool_id, grantee)',
    'ipam_grant.ipam_grant_pool_id_fkey': 'FOREIGN KEY (pool_id) REFERENCES ipam_pool(id) ON DELETE CASCADE',
    'ipam_pool.ipam_pool_check':
      'CHECK (((family = family((cidr)::inet)) AND (masklen((cidr)::inet) <= min_len) AND (min_len <= max_len) AND (max_len <= CASE family WHEN 4 THEN 32 ELSE 128 END)))',
    'ipam_pool.ipam_pool_cooldown_seconds_check': 'CHECK ((cooldown_seconds >= 0))',
    'ipam_pool.ipam_pool_family_check': 'CHECK ((family = ANY (ARRAY[4, 6])))',
    'ipam_pool.ipam_pool_no_overlap':
      'EXCLUDE USING gist (owner WITH =, cidr inet_ops WITH &&) WHERE (((parent_id IS NULL) AND (NOT allow_overlap)))',
    'ipam_pool.ipam_pool_owner_name_key': 'UNIQUE (owner, name)',
    'ipam_pool.ipam_pool_parent_id_fkey': 'FOREIGN KEY (parent_id) REFERENCES ipam_pool(id) ON DELETE RESTRICT',
    'ipam_pool.ipam_pool_pkey': 'PRIMARY KEY (id)',
    'ipam_pool.ipam_pool_retention_seconds_check': 'CHECK ((retention_seconds > 0))',
    'ipam_pool.ipam_pool_strategy_check':
      "CHECK ((strategy = ANY (ARRAY['FirstFit'::text, 'BestFit'::text, 'LeastUtilized'::text, 'Sparse'::text])))",
    'ipam_pool.ipam_pool_visibility_check':
      "CHECK ((visibility = ANY (ARRAY['platform'::text, 'consumer'::text, 'shared'::text])))",
    'ipam_unchanged.ipam_unchanged_pkey': 'PRIMARY KEY (workflow_id, part)',
    'ipam_waiter.ipam_waiter_pkey': 'PRIMARY KEY (pool_id, workflow_id)',
  });
});

test('the indexes that claims, lives and the sweep depend on are those of the specification', async () => {
  const rows = await ip.query(
    `select indexname, regexp_replace(indexdef, '^.* USING ', '') as definition from pg_indexes
       where indexname in ('ipam_alloc_identity', 'ipam_event_life', 'ipam_pool_labels', 'ipam_alloc_leased', 'ipam_alloc_cooling', 'ipam_alloc_retained')
       order by 1`,
  );
  expect(Object.fromEntries(rows.map(({ indexname, definition }) => [indexname, definition]))).toEqual({
    ipam_alloc_cooling: "btree (pool_id, free_after) WHERE (state = 'cooling'::text)",
    ipam_alloc_identity:
      "btree (owner, namespace, name) WHERE ((purpose = 'claim'::text) AND (state <> 'cooling'::text))",
    ipam_alloc_leased: "btree (pool_id, expires_at) WHERE ((state = 'held'::text) AND (expires_at IS NOT NULL))",
    ipam_alloc_retained: "btree (pool_id, retained_at) WHERE (state = 'retained'::text)",
    ipam_event_life: "btree (claim_uid) WHERE (kind = ANY (ARRAY['claimed'::text, 'rebound'::text, 'imported'::text]))",
    ipam_pool_labels: 'gin (labels jsonb_path_ops)',
  });
});

test('the free list has no foreign key, and is vacuumed early', async () => {
  expect(await ip.query("select reloptions from pg_class where oid = 'ipam_free'::regclass")).toEqual([
    { reloptions: ['fillfactor=70', 'autovacuum_vacuum_scale_factor=0.02'] },
  ]);
});

/** The functions that the worker calls (section 3.1), and the one that keeps house. */
const called = [
  'ipam_capacity',
  'ipam_claim',
  'ipam_grant_set',
  'ipam_housekeep',
  'ipam_import',
  'ipam_pool_change',
  'ipam_pool_create',
  'ipam_pool_delete',
  'ipam_rebuild',
  'ipam_release',
  'ipam_renew',
  'ipam_reserve',
  'ipam_sweep',
  'ipam_sweep_due',
  'ipam_unwait',
  'ipam_verify',
  'ipam_wait',
];

describe('the worker role', () => {
  test('may execute exactly the functions of the specification', async () => {
    const rows = await ip.query(
      `select proname from pg_proc where proname like 'ipam\\_%' and has_function_privilege('groundwork_worker', oid, 'execute') order by 1`,
    );
    expect(rows.map(({ proname }) => proname)).toEqual(called);
  });

  test('those run as their owner, with a search path that ends with pg_temp', async () => {
    const rows = await ip.query(
      `select proname, prosecdef, proconfig[1] as path from pg_proc where proname = any ($1) order by 1`,
      [called],
    );
    expect(rows).toEqual(called.map((proname) => ({ proname, prosecdef: true, path: 'search_path=public, pg_temp' })));
  });

  test('reads the tables and writes none of them, not even past a claim', async () => {
    const rows = await ip.query(
      `select relname, has_table_privilege('groundwork_worker', oid, 'select') as reads,
          has_table_privilege('groundwork_worker', oid, 'insert, update, delete, truncate') as writes
        from pg_class where relkind = 'r' and relname like 'ipam\\_%' order by 1`,
    );
    expect(rows).toHaveLength(7);
    expect(rows.filter(({ reads, writes }) => reads !== true || writes !== false)).toEqual([]);
    const poolId = await ip.pooled({ name: 'rights', cidr: '10.128.0.0/20', range: [24, 28] });
    await ip.claim({ name: 'held', pool: 'rights', len: 24 });
    const client = await ip.pool.connect();
    try {
      await client.query('set role groundwork_worker');
      for (const statement of [
        'delete from ipam_alloc',
        'update ipam_free set len = 0',
        "insert into ipam_event (kind) values ('claimed')",
        'truncate ipam_event',
        "select ipam_block_give(1, 20, '10.128.0.0/24')",
      ])
        await expect(client.query(statement), statement).rejects.toMatchObject({ code: '42501' });
      const { rows: bound } = await client.query(
        `select status from ipam_claim(array[gen_random_uuid()], 'alpha', 'default', array['by-role'], null, 'rights', null, 4::smallint,
           24::smallint, null, '\\x00', 'Delete', null, false, false, 'tester', 'run')`,
      );
      expect(bound).toEqual([{ status: 'bound' }]);
    } finally {
      await client.query('reset role');
      client.release();
    }
    expect(await ip.capacity(poolId)).toMatchObject({ allocated: '512', claims: '512' });
    expect(await ip.problems()).toEqual([]);
  });

  test('writes the ledgers of the other rooms, of later migrations too', async () => {
    await ip.query('create table of_a_later_migration (id int)');
    const rows = await ip.query(
      `select bool_and(has_table_privilege('groundwork_worker', c, needed)) as writes
         from unnest(array['balancer', 'placement', 'of_a_later_migration']::regclass[]) c, unnest(array['select', 'insert', 'update', 'delete']) needed`,
    );
    expect(rows).toEqual([{ writes: true }]);
  });
});

test('writing functions refuse to run on a stale snapshot', async () => {
  const client = await ip.pool.connect();
  try {
    for (const level of ['repeatable read', 'serializable']) {
      await client.query(`begin isolation level ${level}`);
      await expect(
        client.query("select * from ipam_release(gen_random_uuid(), 'alpha', 'Policy', 'a', 'w')"),
      ).rejects.toMatchObject({ code: '0A000' });
      await client.query('rollback');
    }
  } finally {
    client.release();
  }
});
