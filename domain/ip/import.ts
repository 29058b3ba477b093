import type { ImportConflict, IpImportRow } from '../../contract/ip/change.ts';
import { bitsOf, type Cidr, canonical, lastAddress } from './cidr.ts';
import { claimHash, familyOf, normaliseClaim, readBlock } from './request.ts';

/** What can be said of the rows of an import before the pool is looked at. */

/** A row as the database takes it. `requestHash`: a later claim of the same block by its pool finds itself held. */
export interface ImportRow {
  line: number;
  namespace: string;
  name: string;
  cidr: string;
  owner: string;
  reclaimPolicy?: 'Delete' | 'Retain';
  ttlSeconds?: number;
  requestHash: string;
}

const LABEL = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;
const SUBDOMAIN = /^(?=.{1,253}$)[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*$/;

/** Rows that can be tried, in their order, and those that cannot: unreadable ones, and later ones of a pair that collides. */
export function checkImport(
  rows: readonly IpImportRow[],
  pool: { owner: string; name: string },
): { rows: ImportRow[]; conflicts: ImportConflict[] } {
  const good: ImportRow[] = [];
  const conflicts: ImportConflict[] = [];
  const identities = new Map<string, number>();
  const blocks = new DisjointBlocks();
  for (const [index, row] of rows.entries()) {
    const line = row.line ?? index + 1;
    const read = readRow({ ...row });
    if (!read.ok) {
      conflicts.push({ line, reason: 'Malformed', message: read.message });
      continue;
    }
    const owner = row.owner ?? pool.owner;
    const identity = `${owner}/${row.namespace}/${row.name}`;
    const before = identities.get(identity) ?? blocks.add(read.cidr, line);
    if (before !== undefined) {
      const message = `collides with line ${before}, which has the same name or an overlapping block`;
      conflicts.push({ line, reason: 'DuplicateInFile', message });
      continue;
    }
    identities.set(identity, line);
    good.push(rowOf(row, read.cidr, line, owner, pool));
  }
  return { rows: good, conflicts };
}

const MOST_TTL_SECONDS = 31_536_000;

/** A row is what somebody typed, whatever its type says. */
function readRow(row: Readonly<Record<string, unknown>>): { ok: true; cidr: Cidr } | { ok: false; message: string } {
  const { namespace, name, owner, cidr, reclaimPolicy, ttlSeconds } = row;
  const wrong = (field: string, rule: string) => ({
    ok: false as const,
    message: `${field} ${shown(row[field])} ${rule}`,
  });
  if (!matches(LABEL, namespace)) return wrong('namespace', 'is no DNS label');
  if (!matches(SUBDOMAIN, name)) return wrong('name', 'is no DNS subdomain');
  if (owner !== undefined && !matches(LABEL, owner)) return wrong('owner', 'is no DNS label');
  if (reclaimPolicy !== undefined && reclaimPolicy !== 'Delete' && reclaimPolicy !== 'Retain')
    return wrong('reclaimPolicy', 'must be Delete or Retain');
  if (ttlSeconds !== undefined && !isWhole(ttlSeconds, 1, MOST_TTL_SECONDS))
    return wrong('ttlSeconds', `must be a whole number of 1 to ${MOST_TTL_SECONDS} seconds`);
  if (typeof cidr !== 'string' || cidr.length > MOST_SHOWN) return wrong('cidr', 'is no CIDR');
  const block = readBlock('cidr', cidr);
  return block.ok ? block : { ok: false, message: block.problems[0]?.message ?? 'invalid CIDR' };
}

function matches(pattern: RegExp, value: unknown): boolean {
  return typeof value === 'string' && pattern.test(value);
}

function isWhole(value: unknown, least: number, most: number): boolean {
  return Number.isInteger(value) && Number(value) >= least && Number(value) <= most;
}

/** Characters of a wrong value that a message repeats: a report may hold a thousand of them. */
const MOST_SHOWN = 100;

function shown(value: unknown): string {
  return JSON.stringify(typeof value === 'string' ? value.slice(0, MOST_SHOWN) : value);
}

function rowOf(
  row: IpImportRow,
  cidr: Cidr,
  line: number,
  owner: string,
  pool: { owner: string; name: string },
): ImportRow {
  const { namespace, name, reclaimPolicy, ttlSeconds } = row;
  const optional = {
    ...(reclaimPolicy === undefined ? {} : { reclaimPolicy }),
    ...(ttlSeconds === undefined ? {} : { ttlSeconds }),
  };
  const poolRef = { name: pool.name, ...(owner === pool.owner ? {} : { projectRef: { name: pool.owner } }) };
  const claim = normaliseClaim({ ipFamily: familyOf(cidr), prefixLength: cidr.length, poolRef, ...optional });
  const requestHash = claim.ok ? claimHash(claim.claim) : '';
  return { line, namespace, name, cidr: canonical(cidr), owner, ...optional, requestHash };
}

/** Blocks that do not overlap, in the order of their addresses. */
class DisjointBlocks {
  readonly #blocks: { first: bigint; last: bigint; line: number }[] = [];

  /** Adds the block, or answers the line of one that it overlaps. */
  add(cidr: Cidr, line: number): number | undefined {
    const offset = cidr.family === 4 ? 0n : 1n << BigInt(bitsOf(6)); // the families do not meet
    const [first, last] = [offset + cidr.address, offset + lastAddress(cidr)];
    let [low, high] = [0, this.#blocks.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#blocks[middle]?.last ?? 0n) < first) low = middle + 1;
      else high = middle;
    }
    const next = this.#blocks[low];
    if (next && next.first <= last) return next.line;
    this.#blocks.splice(low, 0, { first, last, line });
    return undefined;
  }
}
