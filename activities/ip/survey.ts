import type { IpInventoryResult, IpProblem } from '../../contract/ip/inventory.ts';
import { ipInventoryInputSchema } from '../../contract/schemas/ip.ts';
import { cellLength, type MapBlock, mapCells } from '../../domain/ip/map.ts';
import { beating } from '../signal.ts';
import { call, read } from './call.ts';
import type { IpDependencies } from './dependencies.ts';
import { invalid, refusal } from './refusals.ts';
import { failed, parsed } from './release.ts';
import { type PoolRow, poolRows, poolViews, visiblePool } from './views.ts';

/** Readings of every block of a pool: its map, and the proof that it is sound. */

const MOST_CELLS = 1024;

/** Running it twice is harmless: it reads. */
export function surveyPools(deps: IpDependencies, { input }: { input: unknown }): Promise<IpInventoryResult> {
  return beating(() => survey(deps, input));
}

async function survey(deps: IpDependencies, input: unknown): Promise<IpInventoryResult> {
  const { owner, query } = parsed(deps, ipInventoryInputSchema, input);
  deps.metrics?.attempt(`read-${query.kind}`, undefined);
  if (query.kind === 'blocks') return mapOf(deps, owner, await visiblePool(deps, owner, query.pool), query.cells);
  if (query.kind !== 'verify')
    throw failed(deps, invalid([{ path: 'query.kind', message: `${query.kind} is read in pages` }]));
  if (query.pool === undefined) return verify(deps, await ownPools(deps, owner));
  const row = await visiblePool(deps, owner, query.pool);
  if (row.owner === owner) return verify(deps, [row]);
  const detail = { reason: 'NotPermitted', pool: { owner: row.owner, name: row.name } };
  throw failed(deps, refusal('forbidden', detail, { subject: `pool ${row.name}`, owner }));
}

function ownPools(deps: IpDependencies, owner: string): Promise<PoolRow[]> {
  return poolRows(deps, 'ip_own_pools', 'where p.owner = $1 order by p.name', [owner], deps.patientDatabase);
}

async function verify(deps: IpDependencies, rows: readonly PoolRow[]): Promise<IpInventoryResult> {
  const problems: IpProblem[] = [];
  for (const row of rows) {
    const found = await call<{ problem: string; cidr: string | null; detail: string | null }>(
      deps,
      'ipam_verify',
      [row.id],
      deps.patientDatabase,
    );
    for (const { problem, cidr, detail } of found)
      problems.push({ pool: row.name, problem, ...(cidr ? { cidr } : {}), ...(detail ? { detail } : {}) });
  }
  return { kind: 'verify', verified: rows.map(({ name }) => name), problems };
}

interface BlockRow {
  cidr: string;
  kind: MapBlock['kind'];
  blocks: number;
  share: number;
  /** The first of them. */
  holder: string;
}

async function mapOf(
  deps: IpDependencies,
  owner: string,
  row: PoolRow,
  cells: number | undefined,
): Promise<IpInventoryResult> {
  const [pool] = await poolViews(deps, [row], owner, deps.patientDatabase);
  const most = cells ?? MOST_CELLS;
  // Small blocks are summed up by cell where they are: a pool may hold millions of them.
  const blocks = await read<BlockRow>(
    deps,
    'ip_blocks',
    `select cell::text as cidr, kind, count(*)::int as blocks,
        sum(power(2::float8, $2 - greatest(masklen(cidr), $2))) as share,
        (array_agg(concat_ws('/', owner, namespace, name) order by cidr))[1] as holder
      from (
        select a.*, case when masklen(cidr) > $2 then network(set_masklen(cidr, $2)) else cidr end as cell,
            case when state = 'cooling' then 'cooling' when state = 'retained' then 'retained' when purpose = 'pool' then 'children'
              when purpose = 'reservation' then 'reserved' else 'claims' end as kind
          from ipam_alloc a where pool_id = $1
      ) of_pool
      group by cell, kind order by cell, min(cidr)`,
    [row.id, cellLength(row.cidr, most)],
    deps.patientDatabase,
  );
  if (!pool)
    return mapOf(
      deps,
      owner,
      await visiblePool(deps, owner, { name: row.name, projectRef: { name: row.owner } }),
      cells,
    );
  const named = ({ cidr, kind, blocks: number, share, holder }: BlockRow): MapBlock => ({
    cidr,
    kind,
    ...(row.owner === owner ? { holder: holderWords(kind, holder) } : {}),
    several: { blocks: number, share },
  });
  return { kind: 'blocks', map: { pool, ...mapCells(row.cidr, blocks.map(named), most) } };
}

function holderWords(kind: MapBlock['kind'], holder: string): string {
  if (kind === 'reserved' || kind === 'cooling') return kind;
  return kind === 'children' ? `pool ${holder}` : holder;
}
