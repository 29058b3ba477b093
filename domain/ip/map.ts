import type { CellShares, MapCell } from '../../contract/ip/inventory.ts';
import { bitsOf, blockSize, type Cidr, canonical, parseCidr } from './cidr.ts';

/** How a pool is used, in equal cells: what a person can take in at a glance. */

/** Blocks of one kind that are not free: one, or all of them that lie in one cell. */
export interface MapBlock {
  /** Of the block, or of the cell. */
  cidr: string;
  kind: Exclude<keyof CellShares, 'free'>;
  /** Who holds it, or the first of them, for those who may know. */
  holder?: string;
  /** How many they are, and which share of the cell they take together; absent: it is one. */
  several?: { blocks: number; share: number };
}

/** Prefix length of the cells when a pool is cut into at most `cells`, a power of two; none is smaller than one address. */
export function cellLength(poolCidr: string, cells: number): number {
  const pool = poolOf(poolCidr);
  return pool.length + Math.min(Math.floor(Math.log2(cells)), bitsOf(pool.family) - pool.length);
}

function poolOf(poolCidr: string): Cidr {
  const pool = parseCidr(poolCidr);
  if (!pool) throw new Error(`${poolCidr} is no CIDR`);
  return pool;
}

/** The cells of a pool and what they hold. */
export function mapCells(
  poolCidr: string,
  blocks: readonly MapBlock[],
  cells: number,
): { cellPrefixLength: number; cells: MapCell[] } {
  const pool = poolOf(poolCidr);
  const cell: Cidr = { ...pool, length: cellLength(poolCidr, cells) };
  const doublings = cell.length - pool.length;
  const size = blockSize(cell);
  const all = Array.from({ length: 2 ** doublings }, (_, index): MapCell => {
    const cidr = canonical({ ...cell, address: pool.address + BigInt(index) * size });
    return { cidr, shares: { free: 1, claims: 0, children: 0, reserved: 0, retained: 0, cooling: 0 } };
  });
  for (const block of blocks) {
    const cidr = parseCidr(block.cidr);
    if (!cidr) continue;
    const from = Number((cidr.address - pool.address) / size);
    const covered = cidr.length <= cell.length ? 2 ** (cell.length - cidr.length) : 1;
    const share = block.several?.share ?? (cidr.length <= cell.length ? 1 : 2 ** (cell.length - cidr.length));
    for (const one of all.slice(from, from + covered)) put(one, block, share);
  }
  return { cellPrefixLength: cell.length, cells: all };
}

function put(cell: MapCell, { kind, holder, several }: MapBlock, share: number): void {
  cell.shares[kind] += share;
  cell.shares.free = Math.max(0, cell.shares.free - share);
  if (holder === undefined) return;
  const named = cell.holder === undefined ? 1 : 0;
  cell.holder ??= holder;
  const others = (cell.others ?? 0) + (several?.blocks ?? 1) - named;
  if (others > 0) cell.others = others;
}
