import type { Session } from './session.ts';
import { LENGTH, OWNER, POOL } from './session.ts';

/** Addresses of one block. */
const BLOCK = 2 ** (32 - LENGTH);

/** Makes the pool of the bench: 10.0.0.0/8 or the given block of it, which gives out blocks of any length. */
export async function makePool(session: Session, cidr = '10.0.0.0/8'): Promise<void> {
  await session.client.query(
    `select * from ipam_pool_create($1, $2, $3, null, null, null, null, null, null, null, null, null, null, null, null, null, '\\x00', 'bench', 'bench')`,
    [OWNER, POOL, cidr],
  );
}

/**
 * Fills the pool with live claims from its first address on, as FirstFit would: rows one by one through all indexes and
 * constraints, with their events; then the free list is made from them, and everything is proved sound.
 */
export async function stock(session: Session, from: number, to: number): Promise<void> {
  const { client } = session;
  await client.query(
    `with made as (
       insert into ipam_alloc (pool_id, cidr, purpose, state, claim_uid, owner, namespace, name, request_hash)
         select p.id, set_masklen((host(p.cidr)::inet + n * ${BLOCK})::cidr, ${LENGTH}), 'claim', 'held', gen_random_uuid(), p.owner,
             'stock-' || n / 1000, 'claim-' || n, '\\x00'
           from ipam_pool p, generate_series($1::bigint, $2::bigint - 1) n where p.owner = $3 and p.name = $4
         returning *
     )
     insert into ipam_event (kind, pool_id, pool, claim_uid, owner, namespace, name, cidr, actor, workflow_id)
       select 'claimed', pool_id, $3 || '/' || $4, claim_uid, owner, namespace, name, cidr, 'bench', 'bench' from made`,
    [from, to, OWNER, POOL],
  );
  await client.query(`select * from ipam_rebuild($1, $2, 'bench', 'bench')`, [OWNER, POOL]);
  await client.query('vacuum (analyze) ipam_alloc, ipam_event, ipam_free');
}
