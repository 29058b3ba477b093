import type { IpAllocation, IpClaim, IpInventoryQuery, IpInventoryResult } from '../../contract/ip/inventory.ts';
import { ipInventoryInputSchema } from '../../contract/schemas/ip.ts';
import { allocationName } from '../../domain/ip/names.ts';
import { read } from './call.ts';
import type { IpDependencies } from './dependencies.ts';
import { events } from './history.ts';
import { cursor, cursorOf, MOST_ROWS } from './pages.ts';
import { invalid } from './refusals.ts';
import { failed, parsed } from './release.ts';
import { familyName, poolRows, poolViews, visiblePool } from './views.ts';

/** Readings in pages. Nobody sees more than is theirs: pools by grant, holders by owning the claim or the pool. */

type Query<Kind extends IpInventoryQuery['kind']> = Extract<IpInventoryQuery, { kind: Kind }>;

/** Pools of a page: the capacity of each is summed up. */
const POOLS = 100;

/** One page of what is asked for. Running it twice is harmless: it reads. */
export async function readInventory(deps: IpDependencies, { input }: { input: unknown }): Promise<IpInventoryResult> {
  const { owner, query } = parsed(deps, ipInventoryInputSchema, input);
  deps.metrics?.attempt(`read-${query.kind}`, undefined);
  switch (query.kind) {
    case 'pools':
      return pools(deps, owner, query);
    case 'pool':
      return pool(deps, owner, query);
    case 'claims': {
      const page = await held(deps, owner, query);
      return { kind: 'claims', claims: page.rows.map(claimOf), ...page.next };
    }
    case 'allocations': {
      const page = await held(deps, owner, query);
      return { kind: 'allocations', allocations: page.rows.map(allocationOf), ...page.next };
    }
    case 'events':
      return events(deps, owner, query);
    default:
      throw failed(deps, invalid([{ path: 'query.kind', message: `${query.kind} is not read in pages` }]));
  }
}

async function pools(
  deps: IpDependencies,
  owner: string,
  { granted, after, limit }: Query<'pools'>,
): Promise<IpInventoryResult> {
  const [afterOwner = '', afterName = ''] = cursor(deps, after, 2);
  const most = limit ?? POOLS;
  const where = `where (p.owner = $1 or $2 and p.visibility = 'shared' and exists
      (select 1 from ipam_grant g where g.pool_id = p.id and g.grantee = $1))
    and ($3 = '' or (p.owner, p.name) > ($3, $4)) order by p.owner, p.name limit $5`;
  const rows = await poolRows(deps, 'ip_pools', where, [owner, granted ?? false, afterOwner, afterName, most + 1]);
  const page = rows.slice(0, most);
  const last = page.at(-1);
  const next = rows.length > most && last ? { next: cursorOf([last.owner, last.name]) } : {};
  return { kind: 'pools', pools: await poolViews(deps, page, owner), ...next };
}

async function pool(deps: IpDependencies, owner: string, query: Query<'pool'>): Promise<IpInventoryResult> {
  const row = await visiblePool(deps, owner, query.pool);
  const [view] = await poolViews(deps, [row], owner);
  if (!view) return pool(deps, owner, query); // deleted in between: the next look says so
  if (row.owner !== owner) return { kind: 'pool', pool: view, children: [] };
  const lists = await read<{ grants: string[]; children: string[] }>(
    deps,
    'ip_pool_relations',
    `select coalesce((select array_agg(g.grantee order by g.grantee) from ipam_grant g where g.pool_id = $1), '{}') as grants,
      coalesce((select array_agg(c.owner || '/' || c.name order by c.owner, c.name) from
        (select owner, name from ipam_pool where parent_id = $1 order by owner, name limit ${MOST_ROWS}) c), '{}') as children`,
    [row.id],
  );
  return { kind: 'pool', pool: view, grants: lists[0]?.grants ?? [], children: lists[0]?.children ?? [] };
}

interface HeldRow {
  owner: string;
  namespace: string;
  name: string;
  claim_uid: string;
  state: 'held' | 'retained';
  cidr: string;
  family: 4 | 6;
  len: number;
  reclaim: 'Delete' | 'Retain';
  batch_count: number | null;
  created_at: Date;
  expires_at: Date | null;
  retained_at: Date | null;
  pool_owner: string;
  pool_name: string;
}

async function held(deps: IpDependencies, owner: string, query: Query<'claims' | 'allocations'>) {
  const row = query.pool ? await visiblePool(deps, owner, query.pool) : undefined;
  // The owner of a pool sees every holder in it; everybody else sees what they hold.
  const ofPool = row?.owner === owner;
  const [afterOwner = '', afterNamespace = '', afterName = ''] = cursor(deps, query.after, 3);
  const most = query.limit ?? MOST_ROWS;
  const rows = await read<HeldRow>(
    deps,
    `ip_held_${ofPool ? 'pool' : 'own'}`,
    `select a.owner, a.namespace, a.name, a.claim_uid, a.state, a.cidr::text as cidr, family(a.cidr) as family,
        masklen(a.cidr) as len, a.reclaim, a.created_at, a.expires_at, a.retained_at, p.owner as pool_owner, p.name as pool_name,
        (select (e.detail ->> 'count')::int from ipam_event e
          where e.claim_uid = a.claim_uid and e.kind in ('claimed', 'rebound', 'imported')) as batch_count
      from ipam_alloc a join ipam_pool p on p.id = a.pool_id
      where a.purpose = 'claim' and a.state <> 'cooling' and ${ofPool ? '($1::text is not null)' : 'a.owner = $1'}
        and ($2::int is null or a.pool_id = $2) and ($3::text is null or a.namespace = $3) and ($4::text is null or a.name = $4)
        and ($5 = '' or (a.owner, a.namespace, a.name) > ($5, $6, $7))
      order by a.owner, a.namespace, a.name limit $8`,
    [
      owner,
      row?.id ?? null,
      query.namespace ?? null,
      query.name ?? null,
      afterOwner,
      afterNamespace,
      afterName,
      most + 1,
    ],
  );
  const page = rows.slice(0, most);
  const last = page.at(-1);
  const next = rows.length > most && last ? { next: cursorOf([last.owner, last.namespace, last.name]) } : {};
  return { rows: page, next };
}

function claimOf(row: HeldRow): IpClaim {
  return {
    owner: row.owner,
    namespace: row.namespace,
    name: row.name,
    uid: row.claim_uid,
    phase: row.state === 'held' ? 'Bound' : 'Retained',
    allocatedCIDR: row.cidr,
    boundAllocationRef: { name: allocationName(row.namespace, row.name) },
    ipFamily: familyName(row.family),
    prefixLength: row.len,
    pool: { owner: row.pool_owner, name: row.pool_name },
    reclaimPolicy: row.reclaim,
    ...(row.batch_count === null ? {} : { batchCount: row.batch_count }),
    createdAt: row.created_at.toISOString(),
    ...(row.expires_at ? { expiresAt: row.expires_at.toISOString() } : {}),
    ...(row.retained_at ? { retainedAt: row.retained_at.toISOString() } : {}),
  };
}

function allocationOf(row: HeldRow): IpAllocation {
  const { owner, namespace, name, claim_uid: uid, cidr, pool_owner, pool_name } = row;
  return {
    name: allocationName(namespace, name),
    namespace,
    owner,
    poolRef: { name: pool_name, owner: pool_owner },
    allocatedCIDR: cidr,
    phase: 'Ready',
    claimRef: { namespace, name, uid },
  };
}
