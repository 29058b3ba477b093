import { utilizationPercent } from '../../contract/ip/capacity.ts';
import type { IpFamily, IpPool, IpStrategy, IpVisibility, PoolRef } from '../../contract/ip/pool.ts';
import type { Database } from '../postgres/database.ts';
import { call, read } from './call.ts';
import type { IpDependencies } from './dependencies.ts';
import { refusal } from './refusals.ts';
import { failed } from './release.ts';

/** Pools as rows and as objects, and who may see which. */

export interface PoolRow {
  id: number;
  owner: string;
  name: string;
  labels: Record<string, string>;
  depth: number;
  family: 4 | 6;
  cidr: string;
  min_len: number;
  max_len: number;
  strategy: IpStrategy;
  visibility: IpVisibility;
  cooldown_seconds: number;
  retention_seconds: number | null;
  allow_overlap: boolean;
  created_at: Date;
  parent_owner: string | null;
  parent_name: string | null;
}

interface CapacityRow {
  pool_id: number;
  total: string;
  allocated: string;
  available: string;
  claims: string;
  children: string;
  reserved: string;
  retained: string;
  cooling: string;
  largest_free: number | null;
  free_blocks: string;
}

const POOL = `select p.id, p.owner, p.name, p.labels, p.depth, p.family, p.cidr::text as cidr, p.min_len, p.max_len, p.strategy,
  p.visibility, p.cooldown_seconds, p.retention_seconds, p.allow_overlap, p.created_at, q.owner as parent_owner,
  q.name as parent_name from ipam_pool p left join ipam_pool q on q.id = p.parent_id`;

/** Pools that `where` selects (`p` is the pool); `name` names the statement. */
export function poolRows(
  deps: IpDependencies,
  name: string,
  where: string,
  values: readonly unknown[],
  database?: Database,
): Promise<PoolRow[]> {
  return read<PoolRow>(deps, name, `${POOL} ${where}`, values, database);
}

/**
 * The pool that `owner` means, when it may use it. Without `projectRef` only its own exist; another owner's that is missing,
 * not shared or not granted is `Forbidden` in the same words, so that nothing of it is told.
 */
export async function visiblePool(
  deps: IpDependencies,
  owner: string,
  { name, projectRef }: PoolRef,
  database?: Database,
): Promise<PoolRow> {
  const other = projectRef?.name ?? owner;
  const where = `where p.owner = $1 and p.name = $2 and (p.owner = $3 or p.visibility = 'shared' and exists
    (select 1 from ipam_grant g where g.pool_id = p.id and g.grantee = $3))`;
  const [row] = await poolRows(deps, 'ip_pool', where, [other, name, owner], database);
  if (row) return row;
  const pool = { owner: other, name };
  const [status, reason] = other === owner ? ['not_found', 'PoolNotFound'] : ['forbidden', 'NotPermitted'];
  throw failed(deps, refusal(status, { reason, pool }, { subject: `pool ${name}`, owner }));
}

/** Pools with what is in them, for `viewer`: parents are named to the owner only. */
export async function poolViews(
  deps: IpDependencies,
  rows: readonly PoolRow[],
  viewer: string,
  database?: Database,
): Promise<IpPool[]> {
  if (rows.length === 0) return [];
  const capacities = await call<CapacityRow>(deps, 'ipam_capacity', [rows.map(({ id }) => id), true], database);
  const byId = new Map(capacities.map((capacity) => [capacity.pool_id, capacity]));
  return rows.flatMap((row) => {
    const capacity = byId.get(row.id);
    return capacity ? [viewOf(row, capacity, viewer)] : []; // deleted in between
  });
}

/** The view of one pool after a change. */
export async function ownPoolView(deps: IpDependencies, owner: string, name: string): Promise<IpPool> {
  const row = await visiblePool(deps, owner, { name });
  const [view] = await poolViews(deps, [row], owner);
  if (view) return view;
  throw failed(deps, refusal('not_found', { pool: { owner, name } }, { subject: `pool ${name}`, owner }));
}

function viewOf(row: PoolRow, capacity: CapacityRow, viewer: string): IpPool {
  const { total, allocated, available, claims, children, reserved, retained, cooling } = capacity;
  return {
    owner: row.owner,
    name: row.name,
    labels: row.labels,
    depth: row.depth,
    ipFamily: familyName(row.family),
    ...(row.parent_name && row.parent_owner && viewer === row.owner
      ? { parentPoolRef: { name: row.parent_name, owner: row.parent_owner } }
      : {}),
    allocation: { minPrefixLength: row.min_len, maxPrefixLength: row.max_len, strategy: row.strategy },
    visibility: row.visibility,
    cooldownSeconds: row.cooldown_seconds,
    ...(row.retention_seconds === null ? {} : { retentionSeconds: row.retention_seconds }),
    allowOverlap: row.allow_overlap,
    createdAt: row.created_at.toISOString(),
    status: {
      phase: available === '0' ? 'Exhausted' : 'Ready',
      allocatedCIDR: row.cidr,
      capacity: { total, allocated, available },
      utilizationPercent: utilizationPercent(allocated, total),
      breakdown: { claims, children, reserved, retained, cooling },
      largestFreePrefix: capacity.largest_free,
      freeBlocks: Number(capacity.free_blocks),
    },
  };
}

export function familyName(family: 4 | 6): IpFamily {
  return family === 4 ? 'IPv4' : 'IPv6';
}
