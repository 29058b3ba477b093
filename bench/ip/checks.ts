import type { Session } from './session.ts';

export class WrongCount extends Error {
  override readonly name = 'WrongCount';
}

/** No two of the claims of the load overlap anything that is held, in any pool: one self-join. */
export async function proveDisjoint(session: Session, claims: number): Promise<void> {
  const { rows } = await session.client.query<{ claims: number; overlaps: number }>(
    `select count(distinct a.id)::int as claims, count(b.id)::int as overlaps from ipam_alloc a
       left join ipam_alloc b on b.pool_id = a.pool_id and b.space_id = a.space_id and b.cidr && a.cidr and b.id <> a.id
       where a.namespace = 'load'`,
  );
  const [{ claims: found, overlaps } = { claims: 0, overlaps: 0 }] = rows;
  if (found !== claims) throw new WrongCount(`${found} claims are held, must be ${claims}`);
  if (overlaps !== 0) throw new WrongCount(`${overlaps} blocks overlap`);
}

/** At the end: the pools are sound, nothing of the load is left, and PostgreSQL met no deadlock. */
export async function proveSound(session: Session, live: number): Promise<void> {
  const { rows: problems } = await session.client.query<{ detail: string }>('select * from ipam_verify(null)');
  if (problems.length > 0) throw new WrongCount(`ipam_verify: ${problems[0]?.detail}`);
  const { rows } = await session.client.query<{ live: number; deadlocks: number }>(
    `select (select count(*)::int from ipam_alloc where purpose <> 'pool') as live,
       (select deadlocks::int from pg_stat_database where datname = current_database()) as deadlocks`,
  );
  const [{ live: left, deadlocks } = { live: -1, deadlocks: -1 }] = rows;
  if (left !== live) throw new WrongCount(`${left} blocks are held at the end, must be ${live}`);
  if (deadlocks !== 0) throw new WrongCount(`PostgreSQL met ${deadlocks} deadlocks`);
}

/**
 * After the load: no two blocks overlap (one self-join), the free lists are proved, no claim of the load is left but the
 * `held` ones that its callers still have, and PostgreSQL met no deadlock. What the pools were stocked with stays.
 */
export async function proveNothingLeft(session: Session, held: number): Promise<void> {
  const { rows } = await session.client.query<{ left: number; overlaps: number; deadlocks: number }>(
    `select count(distinct a.id)::int as left, count(b.id)::int as overlaps,
         (select deadlocks::int from pg_stat_database where datname = current_database()) as deadlocks
       from ipam_alloc a
         left join ipam_alloc b on b.pool_id = a.pool_id and b.space_id = a.space_id and b.cidr && a.cidr and b.id <> a.id
       where a.purpose = 'claim' and a.namespace not like 'stock-%'`,
  );
  const [{ left, overlaps, deadlocks } = { left: -1, overlaps: -1, deadlocks: -1 }] = rows;
  if (left !== held) throw new WrongCount(`${left} blocks are held after the load, must be ${held}`);
  if (overlaps !== 0) throw new WrongCount(`${overlaps} blocks overlap after the load`);
  if (deadlocks !== 0) throw new WrongCount(`PostgreSQL met ${deadlocks} deadlocks`);
  const { rows: problems } = await session.client.query<{ detail: string }>('select * from ipam_verify(null)');
  if (problems.length > 0) throw new WrongCount(`ipam_verify: ${problems[0]?.detail}`);
}
