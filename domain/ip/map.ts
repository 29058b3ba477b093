import type { CellShares, MapCell } from '../../contract/ip/inventory.ts';
import { bitsOf, blockSize, type Cidr, canonical, parseCidr } from './cidr.ts';

/** How a pool is used, in equal cells: what a person can take in at a glance. */

/** A block that is not free. */
export interface MapBlock {
  cidr: string;
  kind: Exclude<keyof CellShares, 'free'>;
  /** Who holds it, for those who may know. */
  holder?: string;
}

/** At most `cells` cells, a power of two, of the pool; none smaller than one address. */
export function mapCells(
  poolCidr: string,
  blocks: readonly MapBlock[],
  cells: number,
): { cellPrefixLength: number; cells: MapCell[] } {
  const pool = parseCidr(poolCidr);
  if (!pool) throw new Error(`${poolCidr} is no CIDR`);
  const doublings = Math.min(Math.floor(Math.log2(cells)), bitsOf(pool.family) - pool.length);
  const cell: Cidr = { ...pool, length: pool.length + doublings };
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
    const share = cidr.length <= cell.length ? 1 : 2 ** (cell.length - cidr.length);
    for (const one of all.slice(from, from + covered)) put(one, block, share);
  }
  return { cellPrefixLength: cell.length, cells: all };
}

function put(cell: MapCell, { kind, holder }: MapBlock, share: number): void {
  cell.shares[kind] += share;
  cell.shares.free = Math.max(0, cell.shares.free - share);
  if (holder === undefined) return;
  if (cell.holder === undefined) cell.holder = holder;
  else cell.others = (cell.others ?? 0) + 1;
}
