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
    const read = readRow(row);
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

function readRow({
  namespace,
  name,
  owner,
  cidr,
}: IpImportRow): { ok: true; cidr: Cidr } | { ok: false; message: string } {
  if (!LABEL.test(namespace)) return { ok: false, message: `namespace ${JSON.stringify(namespace)} is no DNS label` };
  if (!SUBDOMAIN.test(name)) return { ok: false, message: `name ${JSON.stringify(name)} is no DNS subdomain` };
  if (owner !== undefined && !LABEL.test(owner))
    return { ok: false, message: `owner ${JSON.stringify(owner)} is no DNS label` };
  const block = readBlock('cidr', cidr);
  return block.ok ? block : { ok: false, message: block.problems[0]?.message ?? 'invalid CIDR' };
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
