import type { IpInventoryResult, IpProblem } from '../../contract/ip/inventory.ts';
import { ipInventoryInputSchema } from '../../contract/schemas/ip.ts';
import { type MapBlock, mapCells } from '../../domain/ip/map.ts';
import { beat } from '../signal.ts';
import { call, read } from './call.ts';
import type { IpDependencies } from './dependencies.ts';
import { invalid, refusal } from './refusals.ts';
import { failed, parsed } from './release.ts';
import { type PoolRow, poolRows, poolViews, visiblePool } from './views.ts';

/** Readings of every block of a pool: its map, and the proof that it is sound. */

const MOST_CELLS = 1024;

/** Running it twice is harmless: it reads. */
export async function surveyPools(deps: IpDependencies, { input }: { input: unknown }): Promise<IpInventoryResult> {
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
    beat();
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
  owner: string;
  namespace: string | null;
  name: string | null;
}

async function mapOf(
  deps: IpDependencies,
  owner: string,
  row: PoolRow,
  cells: number | undefined,
): Promise<IpInventoryResult> {
  const [pool] = await poolViews(deps, [row], owner, deps.patientDatabase);
  const blocks = await read<BlockRow>(
    deps,
    'ip_blocks',
    `select cidr::text as cidr, owner, namespace, name,
        case when state = 'cooling' then 'cooling' when state = 'retained' then 'retained' when purpose = 'pool' then 'children'
          when purpose = 'reservation' then 'reserved' else 'claims' end as kind
      from ipam_alloc where pool_id = $1 order by cidr`,
    [row.id],
    deps.patientDatabase,
  );
  if (!pool)
    return mapOf(
      deps,
      owner,
      await visiblePool(deps, owner, { name: row.name, projectRef: { name: row.owner } }),
      cells,
    );
  const named = (block: BlockRow): MapBlock => ({
    cidr: block.cidr,
    kind: block.kind,
    ...(row.owner === owner ? { holder: holderWords(block) } : {}),
  });
  return { kind: 'blocks', map: { pool, ...mapCells(row.cidr, blocks.map(named), cells ?? MOST_CELLS) } };
}

function holderWords({ kind, owner, namespace, name }: BlockRow): string {
  if (kind === 'reserved') return 'reserved';
  const who = [owner, namespace, name].filter(Boolean).join('/');
  return kind === 'children' ? `pool ${who}` : kind === 'cooling' ? 'cooling' : who;
}
