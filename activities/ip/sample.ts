import { read } from './call.ts';
import type { IpDependencies } from './dependencies.ts';

/**
 * Pools that are looked at for the metrics, those first whose largest free block is the smallest part of them, which one probe of
 * an index for each pool tells; and how many of them, the fullest, are told: labels stay bounded.
 */
const LOOKED_AT = 500;
const TOLD = 50;

interface SampleRow {
  owner: string;
  name: string;
  ratio: number;
}

/** Tells how full pools are, and how many claims wait. No activity: each worker tells its own metrics. */
export async function samplePools(deps: IpDependencies, lookedAt = LOOKED_AT): Promise<void> {
  if (!deps.metrics) return;
  const rows = await read<SampleRow>(
    deps,
    'ip_sample',
    `select p.owner, p.name, (c.allocated::numeric / c.total::numeric)::float8 as ratio
      from ipam_capacity(array(
        select q.id from ipam_pool q order by masklen(q.cidr) - (
          select f.len from ipam_free f where f.pool_id = q.id and f.space_id = 0 order by f.len limit 1
        ) nulls first, q.id limit $1
      ), false) c join ipam_pool p on p.id = c.pool_id
      order by ratio desc, p.owner, p.name limit $2`,
    [lookedAt, TOLD],
    deps.patientDatabase,
  );
  const waiters = await read<{ count: number }>(
    deps,
    'ip_waiters',
    'select count(distinct workflow_id)::int as count from ipam_waiter where until > clock_timestamp()',
    [],
    deps.patientDatabase,
  );
  const told = rows.map(({ owner, name, ratio }) => ({ owner, pool: name, ratio }));
  deps.metrics.sampled(told, waiters[0]?.count ?? 0, Date.now());
}
