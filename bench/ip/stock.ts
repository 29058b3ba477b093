import type { Session } from './session.ts';
import { LENGTH, OWNER, POOL } from './session.ts';

/** Addresses of one block. */
const BLOCK = 2 ** (32 - LENGTH);

/** Makes the pool of the bench: 10.0.0.0/8 or the given block of it, which gives out blocks of any length. */
export async function makePool(
  session: Session,
  cidr = '10.0.0.0/8',
  { owner, name }: PoolOf = OURS,
  strategy: Strategy = 'FirstFit',
): Promise<void> {
  await session.client.query(
    `select * from ipam_pool_create($1, $2, $3, null, null, null, null, null, null, $4, null, null, null, null, true, null, '\\x00', 'bench', 'bench')`,
    [owner, name, cidr, strategy],
  );
}

/** A pool that is all given to this many child pools, a power of two; the pool of the bench is one of those in the middle. */
export async function makeChildPools(session: Session, children: number): Promise<void> {
  await makePool(session, '10.0.0.0/8', { owner: OWNER, name: 'network' });
  for (const name of childPools(children)) {
    const { rows } = await session.client.query<{ status: string }>(
      `select * from ipam_pool_create($1, $2, null, $1, 'network', $3, null, null, null, null, null, null, null, null, false, null, '\\x00', 'bench', 'bench')`,
      [OWNER, name, 8 + Math.log2(children)],
    );
    if (rows[0]?.status !== 'created')
      throw new Error(`the creation of a child pool was answered "${rows[0]?.status}"`);
  }
}

export const childPools = (children: number) =>
  Array.from({ length: children }, (_, child) => (child === children / 2 ? POOL : `child-${child}`));

export type Strategy = 'FirstFit' | 'Sparse';

interface PoolOf {
  readonly owner: string;
  readonly name: string;
}

const OURS: PoolOf = { owner: OWNER, name: POOL };

/** In the order in which the strategy gives blocks: the place of the n-th one, in blocks from the first address on. */
const PLACE: Readonly<Record<Strategy, string>> = {
  FirstFit: 'n',
  // The middle of the largest gap, the lowest first: 0, 1/2, 1/4, 3/4, 1/8 ... of the pool.
  Sparse: `case n when 0 then 0 else (2 * (n - (1::bigint << floor(log(2, n))::int)) + 1)
             << (${LENGTH} - masklen(p.cidr) - floor(log(2, n))::int - 1) end`,
};

/**
 * Fills the pool with live claims in the order in which its strategy gives blocks: rows one by one into all indexes, with their
 * events; then the free list is made from them. While that goes on the exclusion constraint only keeps its index and does not
 * search it, which would take most of the time and finds nothing: each block is another one, and the proof at the end of each
 * stage shows that.
 */
export async function stock(session: Session, from: number, to: number, pool: PoolOf = OURS): Promise<void> {
  await stockPools(session, from, to, pool.owner, [pool.name], 'FirstFit');
}

/** The same for several pools of an owner, each from block `from` to before block `to`. */
export async function stockPools(
  { client }: Session,
  from: number,
  to: number,
  owner: string,
  names: readonly string[],
  strategy: Strategy,
): Promise<void> {
  await searching(client, false);
  await client.query(
    `with made as (
       insert into ipam_alloc (pool_id, cidr, purpose, state, claim_uid, owner, namespace, name, request_hash)
         select p.id, set_masklen((host(p.cidr)::inet + (${PLACE[strategy]}) * ${BLOCK})::cidr, ${LENGTH}), 'claim', 'held',
             gen_random_uuid(), p.owner, 'stock-' || n / 1000, p.name || '-' || n, '\\x00'
           from ipam_pool p, generate_series($1::bigint, $2::bigint - 1) n where p.owner = $3 and p.name = any ($4)
           order by p.name, n
         returning *
     )
     insert into ipam_event (kind, pool_id, pool, claim_uid, owner, namespace, name, cidr, actor, workflow_id)
       select 'claimed', p.id, p.owner || '/' || p.name, made.claim_uid, made.owner, made.namespace, made.name, made.cidr, 'bench', 'bench'
         from made join ipam_pool p on p.id = made.pool_id`,
    [from, to, owner, names],
  );
  await searching(client, true);
  for (const name of names) await client.query(`select * from ipam_rebuild($1, $2, 'bench', 'bench')`, [owner, name]);
  await client.query('vacuum (analyze) ipam_alloc, ipam_event, ipam_free');
}

async function searching(client: Session['client'], on: boolean): Promise<void> {
  await client.query(`update pg_index set indisexclusion = $1 where indexrelid = 'ipam_alloc_no_overlap'::regclass`, [
    on,
  ]);
}
