import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  bitsOf,
  buddy,
  type Cidr,
  canonical,
  contains,
  type Family,
  formatAddress,
  halves,
  lastAddress,
  network,
  overlaps,
  splitRange,
} from '../../../domain/ip/cidr.ts';
import { testDatabase } from '../../support/servers.ts';
import { Allocator } from './allocator.ts';

/** CIDR arithmetic in TypeScript and in SQL agree (specs: IP claims, invariant 8); a whole sample goes in one query. */

const server = testDatabase();
let ip: Allocator;
beforeAll(() => {
  ip = new Allocator(server.url, 1);
});
afterAll(() => ip.close());

const cidrs = (family: Family): fc.Arbitrary<Cidr> =>
  fc
    .record({
      address: fc.oneof(
        fc.bigInt({ min: 0n, max: (1n << BigInt(bitsOf(family))) - 1n }),
        fc.integer({ min: 0, max: 8 }).map((n) => (1n << BigInt(bitsOf(family))) - 1n - BigInt(n)),
        fc.integer({ min: 0, max: 8 }).map((n) => BigInt(n)),
      ),
      length: fc.integer({ min: 0, max: bitsOf(family) }),
    })
    .map((fields) => ({ family, ...fields }));
const anyCidr = fc.oneof(cidrs(4), cidrs(6));
const sample = fc.array(anyCidr, { minLength: 100, maxLength: 100 });
const text = (cidr: Cidr) => `${formatAddress(cidr)}/${cidr.length}`;

/** One answer of `expression` for each pair of texts `a` and `b`. */
async function inSql(expression: string, a: readonly string[], b: readonly string[] = a): Promise<unknown[]> {
  const rows = await ip.query(
    `select (${expression}) as answer from unnest($1::text[], $2::text[]) with ordinality as input (a, b, n) order by n`,
    [a, b],
  );
  return rows.map(({ answer }) => answer);
}

test('canonical form, first and last address', async () => {
  await fc.assert(
    fc.asyncProperty(sample, async (some) => {
      const texts = some.map(text);
      expect(await inSql('network(a::inet)::text', texts)).toEqual(some.map(canonical));
      const first = (cidr: Cidr) => `${formatAddress(network(cidr))}/${bitsOf(cidr.family)}`;
      expect(await inSql('ipam_first(network(a::inet))::cidr::text', texts)).toEqual(some.map(first));
      const last = (cidr: Cidr) => `${formatAddress({ ...cidr, address: lastAddress(cidr) })}/${bitsOf(cidr.family)}`;
      expect(await inSql('ipam_last(network(a::inet))::cidr::text', texts)).toEqual(some.map(last));
    }),
    { numRuns: 10 },
  );
});

test('buddies and halves', async () => {
  await fc.assert(
    fc.asyncProperty(sample, async (some) => {
      const inner = some.filter(({ length }) => length > 0);
      expect(await inSql('ipam_buddy(network(a::inet))::text', inner.map(text))).toEqual(
        inner.map((cidr) => canonical(buddy(cidr) as Cidr)),
      );
      const outer = some.filter(({ family, length }) => length < bitsOf(family));
      const lower = 'set_masklen(network(a::inet)::cidr, masklen(a::inet) + 1)';
      expect(await inSql(`${lower} || ' ' || ipam_buddy(${lower})`, outer.map(text))).toEqual(
        outer.map((cidr) => (halves(cidr) ?? []).map(canonical).join(' ')),
      );
    }),
    { numRuns: 10 },
  );
});

test('containment and overlap', async () => {
  const near = anyCidr.chain((one) =>
    fc.tuple(
      fc.constant(one),
      fc.oneof(
        anyCidr,
        fc.nat(bitsOf(one.family)).map((length) => ({ ...one, length })),
      ),
    ),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(near, { minLength: 100, maxLength: 100 }), async (pairs) => {
      const [a, b] = [pairs.map(([one]) => text(one)), pairs.map(([, other]) => text(other))];
      expect(await inSql('network(a::inet) >>= network(b::inet)', a, b)).toEqual(
        pairs.map(([one, other]) => contains(one, other)),
      );
      expect(await inSql('network(a::inet) && network(b::inet)', a, b)).toEqual(
        pairs.map(([one, other]) => overlaps(one, other)),
      );
    }),
    { numRuns: 10 },
  );
});

test('a range is split into the same blocks', async () => {
  const range = (family: Family) =>
    fc
      .tuple(cidrs(family), cidrs(family))
      .map(([one, other]) => (one.address <= other.address ? [one, other] : [other, one]) as [Cidr, Cidr]);
  await fc.assert(
    fc.asyncProperty(fc.array(fc.oneof(range(4), range(6)), { minLength: 20, maxLength: 20 }), async (ranges) => {
      const [a, b] = [ranges.map(([first]) => formatAddress(first)), ranges.map(([, last]) => formatAddress(last))];
      const split =
        "array_to_string(array(select s from ipam_split(a::inet, b::inet) with ordinality as r (s, n) order by n), ' ')";
      expect(await inSql(split, a, b)).toEqual(
        ranges.map(([first, last]) => (splitRange(first, last) ?? []).map(canonical).join(' ')),
      );
    }),
    { numRuns: 5 },
  );
});

test('units at an edge are the split of their range', async () => {
  const edge = fc
    .tuple(fc.constantFrom<Family>(4, 6), fc.integer({ min: 0, max: 24 }), fc.integer({ min: 0, max: 7 }), fc.nat())
    .map(([family, length, deeper, n]) => ({ family, length, unit: length + deeper, units: 1 + (n % 2 ** deeper) }));
  await fc.assert(
    fc.asyncProperty(edge, async ({ family, length, unit, units }) => {
      const pool: Cidr = { family, address: family === 4 ? 10n << 24n : 0xfdn << 120n, length };
      const reserved = BigInt(units) << BigInt(bitsOf(family) - unit);
      const { address } = network(pool);
      const ends = {
        low: [address, address + reserved - 1n],
        high: [lastAddress(pool) - reserved + 1n, lastAddress(pool)],
      } as const;
      for (const [side, [first, last]] of Object.entries(ends)) {
        const rows = await ip.query('select e::text as block from ipam_edge($1, $2, $3, $4) e order by e', [
          canonical(pool),
          unit,
          units,
          side === 'high',
        ]);
        expect(rows.map(({ block }) => block)).toEqual(
          (splitRange({ family, address: first }, { family, address: last }) ?? []).map(canonical),
        );
      }
    }),
    { numRuns: 100 },
  );
});
