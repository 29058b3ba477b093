/** CIDR arithmetic on BigInt, and the text form that PostgreSQL prints (RFC 5952 for IPv6). */

export type Family = 4 | 6;

/** A block, or an address with a length: `address` may have host bits below `length`. */
export interface Cidr {
  family: Family;
  address: bigint;
  length: number;
}

export function bitsOf(family: Family): number {
  return family === 4 ? 32 : 128;
}

export interface Address {
  family: Family;
  address: bigint;
}

/** An address in dotted or colon form; undefined for anything else, also for octets with leading zeros. */
export function parseAddress(text: string): Address | undefined {
  if (!text.includes(':')) {
    const address = parseDotted(text);
    return address === undefined ? undefined : { family: 4, address };
  }
  const address = parseColons(text);
  return address === undefined ? undefined : { family: 6, address };
}

function parseDotted(text: string): bigint | undefined {
  const parts = text.split('.');
  if (parts.length !== 4 || !parts.every((part) => /^(0|[1-9]\d{0,2})$/.test(part) && Number(part) < 256))
    return undefined;
  return parts.reduce((sum, part) => (sum << 8n) | BigInt(part), 0n);
}

function parseColons(text: string): bigint | undefined {
  const halves = text.split('::');
  if (halves.length > 2) return undefined;
  const [head, tail] = halves.map((half) => (half === '' ? [] : groupsOf(half)));
  if (head === undefined || (halves.length === 2 && tail === undefined)) return undefined;
  const missing = 8 - head.length - (tail?.length ?? 0);
  if (tail === undefined ? missing !== 0 : missing < 1) return undefined;
  const groups = [...head, ...Array.from({ length: missing }, () => 0), ...(tail ?? [])];
  return groups.reduce((sum, group) => (sum << 16n) | BigInt(group), 0n);
}

/** Groups of 16 bits; the last two may be written as an IPv4 address. */
function groupsOf(text: string): number[] | undefined {
  const groups: number[] = [];
  const parts = text.split(':');
  for (const [index, part] of parts.entries()) {
    if (index === parts.length - 1 && part.includes('.')) {
      const dotted = parseDotted(part);
      if (dotted === undefined) return undefined;
      groups.push(Number(dotted >> 16n), Number(dotted & 0xffffn));
    } else if (/^[0-9a-fA-F]{1,4}$/.test(part)) groups.push(Number.parseInt(part, 16));
    else return undefined;
  }
  return groups;
}

export function formatAddress({ family, address }: Address): string {
  if (family === 4) return [24n, 16n, 8n, 0n].map((shift) => (address >> shift) & 255n).join('.');
  const groups = Array.from({ length: 8 }, (_, index) => Number((address >> BigInt(112 - 16 * index)) & 0xffffn));
  const zeros = longestZeros(groups);
  const embedded = zeros.from === 0 && (zeros.length === 6 || (zeros.length === 5 && groups[5] === 0xffff));
  const words = groups.map((group) => group.toString(16));
  const shown = embedded ? [...words.slice(0, 6), formatAddress({ family: 4, address: address & 0xffffffffn })] : words;
  if (zeros.length < 2) return shown.join(':');
  return `${shown.slice(0, zeros.from).join(':')}::${shown.slice(zeros.from + zeros.length).join(':')}`;
}

/** The first of the longest runs of zero groups. */
function longestZeros(groups: readonly number[]): { from: number; length: number } {
  let best = { from: -1, length: 0 };
  for (let from = 0; from < groups.length; from += 1) {
    let length = 0;
    while (from + length < groups.length && groups[from + length] === 0) length += 1;
    if (length > best.length) best = { from, length };
    from += length;
  }
  return best;
}

/** `address/length`, host bits and all; undefined when it cannot be read. */
export function parseCidr(text: string): Cidr | undefined {
  const [before = '', after = '', ...rest] = text.split('/');
  const address = parseAddress(before);
  if (!address || rest.length > 0 || !/^(0|[1-9]\d{0,2})$/.test(after)) return undefined;
  const length = Number(after);
  return length <= bitsOf(address.family) ? { ...address, length } : undefined;
}

/** Addresses of the block. */
export function blockSize({ family, length }: Pick<Cidr, 'family' | 'length'>): bigint {
  return 1n << BigInt(bitsOf(family) - length);
}

/** The part of the address below the length. */
export function hostBits(cidr: Cidr): bigint {
  return cidr.address & (blockSize(cidr) - 1n);
}

/** The block that the address lies in, without host bits. */
export function network(cidr: Cidr): Cidr {
  return { ...cidr, address: cidr.address - hostBits(cidr) };
}

/** The canonical text of the block: no host bits, always with its length. */
export function canonical(cidr: Cidr): string {
  return `${formatAddress(network(cidr))}/${cidr.length}`;
}

export function lastAddress(cidr: Cidr): bigint {
  return network(cidr).address + blockSize(cidr) - 1n;
}

/** Lower and upper half; undefined for a single address. */
export function halves(cidr: Cidr): [Cidr, Cidr] | undefined {
  if (cidr.length === bitsOf(cidr.family)) return undefined;
  const lower = { ...network(cidr), length: cidr.length + 1 };
  return [lower, { ...lower, address: lower.address + blockSize(lower) }];
}

/** The other half of the block one length up; undefined for the whole address space. */
export function buddy(cidr: Cidr): Cidr | undefined {
  if (cidr.length === 0) return undefined;
  return { ...cidr, address: network(cidr).address ^ blockSize(cidr) };
}

export function contains(outer: Cidr, inner: Cidr): boolean {
  if (outer.family !== inner.family || outer.length > inner.length) return false;
  return network({ ...inner, length: outer.length }).address === network(outer).address;
}

/** Two blocks overlap exactly when one contains the other. */
export function overlaps(one: Cidr, other: Cidr): boolean {
  return contains(one, other) || contains(other, one);
}

/** The fewest blocks that make up the range, in order; undefined when `last` is before `first` or of another family. */
export function splitRange(first: Address, last: Address): Cidr[] | undefined {
  const { family } = first;
  if (family !== last.family || last.address < first.address) return undefined;
  const blocks: Cidr[] = [];
  let { address } = first;
  while (address <= last.address) {
    let length = bitsOf(family);
    const fits = (shorter: number) => {
      const block = { family, address, length: shorter };
      return hostBits(block) === 0n && lastAddress(block) <= last.address;
    };
    while (length > 0 && fits(length - 1)) length -= 1;
    const block = { family, address, length };
    blocks.push(block);
    address += blockSize(block);
  }
  return blocks;
}
