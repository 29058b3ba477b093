import type { IpEvent, IpInventoryQuery, IpInventoryResult } from '../../contract/ip/inventory.ts';
import { canonical, parseCidr } from '../../domain/ip/cidr.ts';
import { read } from './call.ts';
import type { IpDependencies } from './dependencies.ts';
import { cursor, cursorOf, MOST_ROWS, wrongCursor } from './pages.ts';
import { invalid } from './refusals.ts';
import { failed } from './release.ts';
import { type PoolRow, visiblePool } from './views.ts';

/**
 * The log, newest first: what an owner did, and what anybody did in its pools. It grows for ever, so whatever is asked for is
 * read through an index of its own (migration ip-history), and no statement lets the planner walk through the log instead.
 */

type Query = Extract<IpInventoryQuery, { kind: 'events' }>;

interface EventRow {
  id: string;
  at: Date;
  kind: string;
  pool: string | null;
  claim_uid: string | null;
  owner: string | null;
  namespace: string | null;
  name: string | null;
  cidr: string | null;
  actor: string | null;
  workflow_id: string | null;
  reason: string | null;
  detail: unknown;
}

/** One page of the log as the owner may see it. Running it twice is harmless: it reads. */
export async function events(deps: IpDependencies, owner: string, query: Query): Promise<IpInventoryResult> {
  const block = query.cidr === undefined ? undefined : parseCidr(query.cidr);
  if (query.cidr !== undefined && !block)
    throw failed(
      deps,
      invalid([{ path: 'query.cidr', message: `invalid CIDR "${query.cidr}": write it as address/length` }]),
    );
  const pool = query.pool ? await visiblePool(deps, owner, query.pool) : undefined;
  const [before] = cursor(deps, query.after, 1);
  if (before !== undefined && !/^\d{1,18}$/.test(before)) throw wrongCursor(deps);
  const most = query.limit ?? MOST_ROWS;
  const asked: Asked = { owner, pool, before: before ?? NEWEST, rows: most + 1 };
  const cidr = block && canonical(block);
  const rows =
    cidr !== undefined && (await isQuiet(deps, owner, cidr))
      ? await ofQuietBlock(deps, asked, cidr)
      : await newestFirst(deps, asked, cidr);
  const page = rows.slice(0, most);
  const last = page.at(-1);
  const next = rows.length > most && last ? { next: cursorOf([last.id]) } : {};
  return { kind: 'events', events: page.map(eventOf), ...next };
}

/** Above every id. */
const NEWEST = String(2n ** 63n - 1n);

interface Asked {
  owner: string;
  /** One that the owner may use; its own or not. */
  pool: PoolRow | undefined;
  /** Only events below this id. */
  before: string;
  rows: number;
}

const COLUMNS = `id, at, kind, pool, claim_uid, owner, namespace, name, cidr::text as cidr, actor, workflow_id, reason, detail`;

/** The owner of the pool of an event; pools are written as `<owner>/<name>`. */
const POOL_OWNER = `split_part(e.pool, '/', 1)`;

/** Done in somebody else's pool: the condition of the indexes of such events. */
const GUEST = `e.owner <> ${POOL_OWNER}`;

/** The newest events; where a block is given, the newest of it, which are many. */
function newestFirst(
  deps: IpDependencies,
  { owner, pool, before, rows }: Asked,
  cidr: string | undefined,
): Promise<EventRow[]> {
  const name = (whose: string) => `ip_events_${whose}${cidr === undefined ? '' : '_of_block'}`;
  const of = cidr === undefined ? '$4::inet is null' : 'e.cidr && $4::inet';
  const rest = [before, rows, cidr ?? null];
  if (!pool) {
    const text = merged(newest(`e.owner = $1 and ${of}`), newest(`${POOL_OWNER} = $1 and ${GUEST} and ${of}`));
    return read(deps, name('visible'), text, [owner, ...rest]);
  }
  const path = `${pool.owner}/${pool.name}`;
  if (pool.owner === owner)
    return read(deps, name('own_pool'), merged(newest(`e.pool = $1 and ${of}`)), [path, ...rest]);
  const text = merged(newest(`e.pool = $1 and e.owner = $5 and ${GUEST} and ${of}`));
  return read(deps, name('pool'), text, [path, ...rest, owner]);
}

/**
 * The newest events of these: $2 is the id before which, $3 how many. Only the indexes for this have the order of `id + 0`, and
 * of a limit that is a query the planner expects that it is reached soon, however few events it takes these for.
 */
const newest = (where: string) =>
  `(select e.* from ipam_event e where ${where} and e.id + 0 < $2::bigint order by e.id + 0 desc limit (select $3::int))`;

const merged = (...branches: readonly string[]) =>
  `select ${COLUMNS} from (${branches.join(' union all ')}) e order by id desc limit $3`;

/** Events that a block, those in it and those around it, may have to be read as a whole. */
const QUIET = 20_000;

/** Whether few events are of a block. Of one with more the newest are soon found among the newest of all. */
async function isQuiet(deps: IpDependencies, owner: string, cidr: string): Promise<boolean> {
  const text = `select count(*)::int as events from (${overlapping('1')}) e`;
  const [row] = await read<{ events: number }>(deps, 'ip_events_of_block_count', text, [owner, cidr]);
  return (row?.events ?? 0) <= QUIET;
}

/** The same as `newestFirst` for a block with few events: all of them, by address. $3 the id before which, $4 rows, $5 pool. */
function ofQuietBlock(deps: IpDependencies, { owner, pool, before, rows }: Asked, cidr: string): Promise<EventRow[]> {
  const text = `select ${COLUMNS} from (${overlapping('e.*')}) e
    where id < $3 and ($5::text is null or pool = $5) order by id desc limit $4`;
  const path = pool ? `${pool.owner}/${pool.name}` : null;
  return read(deps, 'ip_events_of_quiet_block', text, [owner, cidr, before, rows, path]);
}

/**
 * Events of blocks that overlap $2 and that owner $1 may see, up to a bound: those in it are a range of the order of addresses,
 * those around it are one for each shorter length.
 */
function overlapping(columns: string): string {
  const inside = 'between $2::inet and host(broadcast($2::inet))::inet';
  const around = `= any (array(select network(set_masklen($2::inet, l)) from generate_series(0, masklen($2::inet) - 1) l))`;
  const seen = [`e.owner = $1`, `${POOL_OWNER} = $1 and ${GUEST}`];
  const branches = seen.flatMap((who) =>
    [inside, around].map(
      (where) =>
        `(select ${columns} from ipam_event e where ${who} and e.cidr ${where} order by e.cidr limit ${QUIET + 1})`,
    ),
  );
  return branches.join(' union all ');
}

function eventOf(row: EventRow): IpEvent {
  const { id, at, kind, pool, claim_uid, owner, namespace, name, cidr, actor, workflow_id, reason, detail } = row;
  const fields = { pool, uid: claim_uid, owner, namespace, name, cidr, actor, workflowId: workflow_id, reason, detail };
  const known = Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== null));
  return { id, at: at.toISOString(), kind, ...known };
}
