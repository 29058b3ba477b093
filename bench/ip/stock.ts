import type { Session } from './session.ts';
import { LENGTH, OWNER, POOL } from './session.ts';

/** Addresses of one block. */
const BLOCK = 2 ** (32 - LENGTH);

/** Makes the pool of the bench: 10.0.0.0/8 or the given block of it, which gives out blocks of any length. */
export async function makePool(session: Session, cidr = '10.0.0.0/8', { owner, name }: PoolOf = OURS): Promise<void> {
  await session.client.query(
    `select * from ipam_pool_create($1, $2, $3, null, null, null, null, null, null, null, null, null, null, null, true, null, '\\x00', 'bench', 'bench')`,
    [owner, name, cidr],
  );
}

interface PoolOf {
  readonly owner: string;
  readonly name: string;
}

const OURS: PoolOf = { owner: OWNER, name: POOL };

/**
 * Fills the pool with live claims from its first address on, as FirstFit would: rows one by one into all indexes, with their
 * events; then the free list is made from them. While that goes on the exclusion constraint only keeps its index and does not
 * search it, which would take most of the time and finds nothing: each block is another one, and the proof at the end of each
 * stage shows that.
 */
export async function stock(session: Session, from: number, to: number, { owner, name }: PoolOf = OURS): Promise<void> {
  const { client } = session;
  await searching(client, false);
  await client.query(
    `with made as (
       insert into ipam_alloc (pool_id, cidr, purpose, state, claim_uid, owner, namespace, name, request_hash)
         select p.id, set_masklen((host(p.cidr)::inet + n * ${BLOCK})::cidr, ${LENGTH}), 'claim', 'held', gen_random_uuid(), p.owner,
             'stock-' || n / 1000, p.name || '-' || n, '\\x00'
           from ipam_pool p, generate_series($1::bigint, $2::bigint - 1) n where p.owner = $3 and p.name = $4
         returning *
     )
     insert into ipam_event (kind, pool_id, pool, claim_uid, owner, namespace, name, cidr, actor, workflow_id)
       select 'claimed', pool_id, $3 || '/' || $4, claim_uid, owner, namespace, name, cidr, 'bench', 'bench' from made`,
    [from, to, owner, name],
  );
  await searching(client, true);
  await client.query(`select * from ipam_rebuild($1, $2, 'bench', 'bench')`, [owner, name]);
  await client.query('vacuum (analyze) ipam_alloc, ipam_event, ipam_free');
}

async function searching(client: Session['client'], on: boolean): Promise<void> {
  await client.query(`update pg_index set indisexclusion = $1 where indexrelid = 'ipam_alloc_no_overlap'::regclass`, [
    on,
  ]);
}
