import type { Report } from '../../sandbox/binaries/progress.ts';
import { type Distribution, distribution } from '../statistics.ts';
import type { Bed } from './bed.ts';
import { proveDisjoint, proveSound } from './checks.ts';
import { searchClaim } from './search.ts';
import { LENGTH, OWNER, POOL, Session } from './session.ts';
import type { Layout, Shape } from './shape.ts';
import { childPools, makeChildPools, makePool, stock, stockPools } from './stock.ts';

/** What one claim costs at so many live blocks. Times are in milliseconds, as the caller sees them. */
export interface OccupancyFigures {
  readonly live: number;
  /** How they are held, in words. */
  readonly held: string;
  readonly claim: Distribution;
  readonly release: Distribution;
  /** Rows and index entries that one claim reads. */
  readonly tuples: number;
  /** Pages of the index of the exclusion constraint that one claim reads, and how long the constraint's search alone takes. */
  readonly constraintPages: number;
  readonly constraintMs: number;
  /** The same claim by the search algorithm. */
  readonly search: Distribution;
}

interface Point {
  readonly live: number;
  readonly held: string;
  readonly url: string;
  readonly session: Session;
  readonly claim: number[];
  readonly release: number[];
  readonly search: number[];
  tuples: number;
  pages: number;
}

const ONE_POOL = 'one pool';

/** Claims, releases and searches at every occupancy and layout, in turn; each point is a database of its own. */
export async function measureOccupancies(bed: Bed, shape: Shape, report: Report): Promise<OccupancyFigures[]> {
  const points: Point[] = [];
  try {
    for (const live of shape.occupancies) {
      report(`Filling a pool with ${live.toLocaleString('en-US')} live blocks`);
      points.push(await makePoint(bed, live, points.at(-1)));
    }
    for (const layout of shape.layouts) {
      report(`Filling ${heldIn(layout)} with ${layout.live.toLocaleString('en-US')} live blocks`);
      points.push(await layOut(bed, layout));
    }
    for (const point of points) await oneRound(point, 0, shape.claims, true);
    for (let round = 1; round <= shape.rounds; round++) {
      report(`Claims at each occupancy, round ${round} of ${shape.rounds}`);
      for (const point of points) await oneRound(point, round, shape.claims, false);
    }
    const searches: number[] = [];
    for (const point of points) {
      searches.push(await constraintSearch(point.session));
      const times = Math.min(shape.claims, Math.max(1, Math.floor(shape.searchRows / point.live)));
      report(`${times} claims by searching ${point.live.toLocaleString('en-US')} blocks`);
      await searchClaim(point.session, 'warm-up');
      for (let index = 0; index < times; index++)
        point.search.push((await searchClaim(point.session, `s-${index}`)).milliseconds);
      await proveSound(point.session, point.live);
    }
    const claims = shape.rounds * shape.claims;
    return points.map(({ live, held, claim, release, search, tuples, pages }, index) => ({
      live,
      held,
      claim: distribution(claim),
      release: distribution(release),
      tuples: tuples / claims,
      constraintPages: pages / claims,
      constraintMs: searches[index] ?? Number.NaN,
      search: distribution(search),
    }));
  } finally {
    for (const { session, url } of points) {
      await session.close();
      await bed.server.dropDatabase(url);
    }
  }
}

/** A copy of the point before it, filled up. */
async function makePoint(bed: Bed, live: number, before: Point | undefined): Promise<Point> {
  await before?.session.close();
  const url = await bed.server.createDatabase({ template: before ? nameOf(before.url) : bed.template });
  const session = await Session.open(url);
  if (before) Object.assign(before, { session: await Session.open(before.url) });
  else await makePool(session);
  await stock(session, before?.live ?? 0, live);
  return { live, held: ONE_POOL, url, session, ...nothing() };
}

async function layOut(bed: Bed, layout: Layout): Promise<Point> {
  const url = await bed.server.createDatabase({ template: bed.template });
  const session = await Session.open(url);
  if ('sparse' in layout) {
    await makePool(session, '10.0.0.0/8', { owner: OWNER, name: POOL }, 'Sparse');
    await stockPools(session, 0, layout.live, OWNER, [POOL], 'Sparse');
  } else {
    await makeChildPools(session, layout.children);
    await stockPools(session, 0, layout.live / layout.children, OWNER, childPools(layout.children), 'FirstFit');
  }
  return { live: layout.live, held: heldIn(layout), url, session, ...nothing() };
}

const nothing = () => ({ claim: [], release: [], search: [], tuples: 0, pages: 0 });

const heldIn = (layout: Layout) => ('sparse' in layout ? 'one pool, Sparse' : `${layout.children} child pools`);

const nameOf = (url: string) => new URL(url).pathname.slice(1);

async function oneRound(point: Point, round: number, claims: number, warmUp: boolean): Promise<void> {
  const { session } = point;
  const before = await readSoFar(session);
  const given = [];
  for (let index = 0; index < claims; index++) given.push(await session.claim(`c-${round}-${index}`));
  if (!warmUp) {
    const after = await readSoFar(session);
    point.tuples += after.tuples - before.tuples;
    point.pages += after.pages - before.pages;
    point.claim.push(...given.map(({ milliseconds }) => milliseconds));
  }
  await proveDisjoint(session, claims);
  for (const { uid } of given) {
    const milliseconds = await session.release(uid);
    if (!warmUp) point.release.push(milliseconds);
  }
}

/** Rows and index entries that the tables of the room have given out so far, and pages of the constraint's index. */
async function readSoFar({ client }: Session): Promise<{ tuples: number; pages: number }> {
  await client.query('select pg_stat_force_next_flush()');
  const { rows } = await client.query<{ tuples: string; pages: string }>(
    `select (select sum(seq_tup_read + coalesce(idx_tup_fetch, 0)) from pg_stat_user_tables where relname like 'ipam\\_%')
         + (select sum(idx_tup_read) from pg_stat_user_indexes where relname like 'ipam\\_%') as tuples,
       (select idx_blks_hit + idx_blks_read from pg_statio_user_indexes where indexrelname = 'ipam_alloc_no_overlap') as pages`,
  );
  return { tuples: Number(rows[0]?.tuples), pages: Number(rows[0]?.pages) };
}

const LOOKS = 25;

/** What the exclusion constraint does for the next block, as a query: the median of its times in the server. */
async function constraintSearch({ client }: Session): Promise<number> {
  await client.query('set enable_seqscan = off; set enable_bitmapscan = off');
  const { rows: pools } = await client.query<{ id: number; next: string }>(
    `select p.id, set_masklen((ipam_block_find(p.id, masklen(p.cidr), p.strategy, ${LENGTH}, null)).found_addr::cidr, ${LENGTH}) as next
       from ipam_pool p where p.owner = $1 and p.name = $2`,
    [OWNER, POOL],
  );
  const [pool] = pools;
  if (!pool) throw new Error('there is no pool to look at');
  const times: number[] = [];
  for (let look = 0; look < LOOKS; look++) {
    const { rows } = await client.query<{ 'QUERY PLAN': [{ 'Execution Time': number }] }>(
      `explain (analyze, timing off, format json)
         select from ipam_alloc where pool_id = ${pool.id} and space_id = 0 and cidr && '${pool.next}'`,
    );
    times.push(rows[0]?.['QUERY PLAN'][0]['Execution Time'] ?? Number.NaN);
  }
  await client.query('reset enable_seqscan; reset enable_bitmapscan');
  return distribution(times).p50;
}
