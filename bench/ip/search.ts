import { randomUUID } from 'node:crypto';
import type { Given, Session } from './session.ts';
import { LENGTH, OWNER, POOL } from './session.ts';

/**
 * The algorithm that most allocators have: lock the pool, read all its blocks, look for the lowest gap, insert. It works on the
 * same rows under the same constraints, and takes its row away again, outside of the time that counts.
 */
export async function searchClaim(session: Session, name: string): Promise<Given> {
  const { client } = session;
  const uid = randomUUID();
  const began = performance.now();
  await client.query('begin');
  const { rows: pools } = await client.query<{ id: number; cidr: string }>({
    name: 'search-lock',
    text: 'select id, cidr from ipam_pool where owner = $1 and name = $2 for update',
    values: [OWNER, POOL],
  });
  const [pool] = pools;
  if (!pool) throw new Error('there is no pool to search');
  const { rows } = await client.query<[string]>({
    name: 'search-read',
    text: 'select cidr from ipam_alloc where pool_id = $1',
    values: [pool.id],
    rowMode: 'array',
  });
  const cidr = lowestGap(
    pool.cidr,
    rows.map(([text]) => text),
  );
  await client.query({
    name: 'search-insert',
    text: `insert into ipam_alloc (pool_id, cidr, purpose, state, claim_uid, owner, namespace, name) values ($1, $2, 'claim', 'held', $3, $4, 'search', $5)`,
    values: [pool.id, cidr, uid, OWNER, name],
  });
  await client.query('commit');
  const milliseconds = performance.now() - began;
  await client.query('delete from ipam_alloc where claim_uid = $1', [uid]);
  return { uid, cidr, milliseconds };
}

const SIZE = 2 ** (32 - LENGTH);

/** The lowest aligned block that overlaps none of `held`. */
export function lowestGap(pool: string, held: readonly string[]): string {
  const blocks = held.map(rangeOf).sort((a, b) => a.first - b.first);
  const { first, last } = rangeOf(pool);
  let at = first;
  for (const block of blocks) {
    if (block.first >= at + SIZE) break;
    at = Math.max(at, Math.ceil((block.last + 1) / SIZE) * SIZE);
  }
  if (at + SIZE - 1 > last) throw new Error('the pool is full');
  return `${[24, 16, 8, 0].map((shift) => Math.floor(at / 2 ** shift) % 256).join('.')}/${LENGTH}`;
}

function rangeOf(cidr: string): { first: number; last: number } {
  const [address = '', length = '32'] = cidr.split('/');
  const first = address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
  return { first, last: first + 2 ** (32 - Number(length)) - 1 };
}
