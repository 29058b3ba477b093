import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  type Address,
  bitsOf,
  blockSize,
  buddy,
  type Cidr,
  canonical,
  contains,
  formatAddress,
  halves,
  hostBits,
  lastAddress,
  network,
  overlaps,
  parseAddress,
  parseCidr,
  splitRange,
} from '../../../domain/ip/cidr.ts';

const address: fc.Arbitrary<Address> = fc.oneof(
  fc.bigInt(0n, (1n << 32n) - 1n).map((value): Address => ({ family: 4, address: value })),
  fc.bigInt(0n, (1n << 128n) - 1n).map((value): Address => ({ family: 6, address: value })),
  fc
    .array(fc.constantFrom(0, 0, 1, 0xff, 0xffff), { minLength: 8, maxLength: 8 })
    .map(
      (groups): Address => ({ family: 6, address: groups.reduce((sum, group) => (sum << 16n) | BigInt(group), 0n) }),
    ),
);
const cidr: fc.Arbitrary<Cidr> = fc
  .tuple(address, fc.nat(128))
  .map(([one, length]) => ({ ...one, length: Math.min(length, bitsOf(one.family)) }));

describe('addresses and blocks', () => {
  test.each([
    ['10.200.3.7/20', '10.200.0.0/20'],
    ['0.0.0.0/0', '0.0.0.0/0'],
    ['2001:DB8:0:0:0:0:0:1/128', '2001:db8::1/128'],
    ['2001:db8:0:1:0:0:0:0/64', '2001:db8:0:1::/64'],
    ['1:0:0:2:0:0:0:3/128', '1:0:0:2::3/128'],
    ['0:0:1:0:0:0:0:0/48', '0:0:1::/48'],
    ['::ffff:1.2.3.4/128', '::ffff:1.2.3.4/128'],
    ['::1.2.3.4/128', '::1.2.3.4/128'],
    ['::1/128', '::1/128'],
    ['::/0', '::/0'],
    ['1:2:3:4:5:6:7:8/128', '1:2:3:4:5:6:7:8/128'],
    ['1:0:3:4:5:6:7:8/128', '1:0:3:4:5:6:7:8/128'],
  ])('%s is %s', (text, expected) => {
    const read = parseCidr(text);
    expect(read && canonical(read)).toBe(expected);
  });

  test.each([
    '',
    '10.0.0.0',
    '10.0.0/8',
    '10.0.0.0/33',
    '10.0.0.256/8',
    '010.0.0.0/8',
    '10.0.0.0/08',
    '10.0.0.0/8/8',
    '10.0.0.0/-1',
    'fd00::/129',
    'fd00:::/8',
    '1::2::3/64',
    '12345::/64',
    '1:2:3:4:5:6:7::8/128',
    '1:2:3/64',
    '::1.2.3/128',
    'fe80::1%eth0/64',
    ' 10.0.0.0/8',
  ])('%j is no CIDR', (text) => {
    expect(parseCidr(text)).toBeUndefined();
  });

  test('text and value are one: every address reads back as itself', () => {
    fc.assert(
      fc.property(address, (one) => {
        expect(parseAddress(formatAddress(one))).toEqual(one);
      }),
    );
  });

  test('halves make up the block, are buddies, and lie in it', () => {
    fc.assert(
      fc.property(cidr, (block) => {
        const both = halves(block);
        if (!both) {
          expect(block.length).toBe(bitsOf(block.family));
          return;
        }
        const [lower, upper] = both;
        expect(buddy(lower)).toEqual(upper);
        expect(buddy(upper)).toEqual(lower);
        expect(contains(block, lower) && contains(block, upper) && !overlaps(lower, upper)).toBe(true);
        expect(blockSize(lower) + blockSize(upper)).toBe(blockSize(block));
        expect(lower.address).toBe(network(block).address);
        expect(lastAddress(upper)).toBe(lastAddress(block));
      }),
    );
  });

  test('a range splits into the fewest blocks, which are aligned, in order and without a gap', () => {
    fc.assert(
      fc.property(address, fc.bigInt(0n, 5000n), (first, more) => {
        const most = (1n << BigInt(bitsOf(first.family))) - 1n;
        const end = first.address + more > most ? most : first.address + more;
        const blocks = splitRange(first, { ...first, address: end }) ?? [];
        let next = first.address;
        for (const block of blocks) {
          expect(block.address).toBe(next);
          expect(hostBits(block)).toBe(0n);
          next += blockSize(block);
        }
        expect(next - 1n).toBe(end);
        // Two neighbours of which the first is the lower half of a block would be that block.
        const joinable = blocks.filter((block, index) => {
          const [upper, after] = [buddy(block), blocks[index + 1]];
          return upper && after && upper.address > block.address && canonical(upper) === canonical(after);
        });
        expect(joinable).toEqual([]);
      }),
    );
    expect(splitRange({ family: 4, address: 2n }, { family: 4, address: 1n })).toBeUndefined();
    expect(splitRange({ family: 4, address: 1n }, { family: 6, address: 2n })).toBeUndefined();
  });
});
