import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { utilizationPercent } from '../../../contract/ip/capacity.ts';
import type { IpClaimSpec } from '../../../contract/ip/claim.ts';
import { allocationName, memberName } from '../../../domain/ip/names.ts';
import { normalisePool, poolHash } from '../../../domain/ip/pool.ts';
import { claimHash, normaliseClaim } from '../../../domain/ip/request.ts';
import { splitRanges } from '../../../domain/ip/reservations.ts';
import { mintUids, uuidV7 } from '../../../domain/ip/uid.ts';

const spec: IpClaimSpec = { ipFamily: 'IPv4', poolRef: { name: 'alloc-parent' }, prefixLength: 24 };

function hashOf(given: IpClaimSpec): string {
  const normal = normaliseClaim(given);
  if (!normal.ok) throw new Error(normal.problems.map(({ message }) => message).join());
  return claimHash(normal.claim);
}

describe('the request hash', () => {
  test('has the vector of the specification', () => {
    expect(hashOf(spec)).toBe('02d089735cbb69d63f2695a36b26f0bfa335aa9724ad61fcf9eb1fd904579642');
  });

  test.each<[string, IpClaimSpec, IpClaimSpec]>([
    ['defaults', spec, { ...spec, count: 1, reclaimPolicy: 'Delete', ttlSeconds: undefined }],
    [
      'a block in another spelling',
      { ...spec, ipFamily: 'IPv6', prefixLength: 64, requestedCIDR: 'fd00:0:0:1::/64' },
      { ...spec, ipFamily: 'IPv6', prefixLength: undefined, requestedCIDR: 'FD00:0::1:0:0:0:0/64' },
    ],
    [
      'labels, expressions and values in another order',
      {
        ipFamily: 'IPv4',
        prefixLength: 24,
        poolSelector: {
          matchLabels: { b: '2', a: '1' },
          matchExpressions: [
            { key: 'x', operator: 'In', values: ['2', '1', '2'] },
            { key: 'a', operator: 'Exists' },
          ],
        },
      },
      {
        ipFamily: 'IPv4',
        prefixLength: 24,
        poolSelector: {
          matchLabels: { a: '1', b: '2' },
          matchExpressions: [
            { key: 'a', operator: 'Exists', values: [] },
            { key: 'x', operator: 'In', values: ['1', '2'] },
          ],
        },
      },
    ],
  ])('is equal for %s', (_, one, other) => {
    expect(hashOf(one)).toBe(hashOf(other));
  });

  test('differs for every changed member', () => {
    const changed: IpClaimSpec[] = [
      { ...spec, count: 2 },
      { ...spec, ipFamily: 'IPv6' },
      { ...spec, poolRef: { name: 'other' } },
      { ...spec, poolRef: { name: 'alloc-parent', projectRef: { name: 'beta' } } },
      { ...spec, prefixLength: 25 },
      { ...spec, reclaimPolicy: 'Retain' },
      { ...spec, requestedCIDR: '10.0.0.0/24' },
      { ...spec, ttlSeconds: 1 },
    ];
    expect(new Set([spec, ...changed].map(hashOf)).size).toBe(changed.length + 1);
  });

  test.each<[string, Partial<IpClaimSpec>, object]>([
    [
      'host bits',
      { requestedCIDR: '10.0.0.1/24' },
      {
        reason: 'Schema',
        problems: [{ path: 'requestedCIDR', message: '10.0.0.1/24 has host bits: the block is 10.0.0.0/24' }],
      },
    ],
    [
      'no block',
      { requestedCIDR: 'ten' },
      { problems: [{ path: 'requestedCIDR', message: 'invalid CIDR "ten": write it as address/length' }] },
    ],
    ['another length', { requestedCIDR: '10.0.0.0/25' }, { problems: [{ path: 'prefixLength' }] }],
    [
      'another family',
      { requestedCIDR: 'fd00::/24' },
      {
        reason: 'FamilyMismatch',
        problems: [{ path: 'requestedCIDR', message: 'fd00::/24 is IPv6 and ipFamily is IPv4' }],
      },
    ],
  ])('is not made of a request with %s', (_, fields, expected) => {
    expect(normaliseClaim({ ...spec, ...fields })).toMatchObject({ ok: false, ...expected });
  });
});

describe('names', () => {
  test('of allocations have the vectors of the specification', () => {
    expect(allocationName('default', 'alloc-claim-1')).toBe('alloc-4e7f3e31ff09869c');
    expect(allocationName('team-a', memberName('db', 0))).toBe('alloc-ad6d392e9b441a91');
  });
});

test.each([
  ['256', '1048576', 0.0244],
  ['0', '16', 0],
  ['16', '16', 100],
  ['1', '8', 12.5],
  ['1', '3', 33.3333],
  ['2', '3', 66.6667],
  ['8589934592', '18446744073709551616', 0],
  ['18446744073709551615', '36893488147419103232', 50],
])('%s of %s addresses are %d %%', (allocated, total, percent) => {
  expect(utilizationPercent(allocated, total)).toBe(percent);
});

describe('uids', () => {
  test('are version 7 UUIDs that begin with the time, and sort by it', () => {
    fc.assert(
      fc.property(fc.nat(2 ** 47), fc.nat(2 ** 20), fc.uuid({ version: 4 }), (time, later, random) => {
        const uid = uuidV7(time, random);
        expect(uid).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
        expect(Number.parseInt(uid.replaceAll('-', '').slice(0, 12), 16)).toBe(time);
        expect(uid.slice(-12)).toBe(random.slice(-12));
        expect(uidsInOrder(uid, uuidV7(time + later + 1, random))).toBe(true);
      }),
    );
  });

  test.each([
    [1, 1],
    [256, 256],
    [undefined, 1],
    [0, 1],
    [257, 1],
    ['3', 1],
    [Number.NaN, 1],
  ])('for a count of %s there are %i', (count, expected) => {
    expect(mintUids(count, 0, () => '00000000-0000-4000-8000-000000000000')).toHaveLength(expected);
  });
});

const uidsInOrder = (one: string, other: string) => one < other;

describe('ranges', () => {
  test('are CIDRs, or first and last address, and become the fewest blocks', () => {
    expect(splitRanges(['10.0.0.0/28', '10.0.1.1-10.0.1.4', 'fd00::-fd00::1'])).toEqual({
      ok: true,
      cidrs: ['10.0.0.0/28', '10.0.1.1/32', '10.0.1.2/31', '10.0.1.4/32', 'fd00::/127'],
    });
  });

  test('that cannot be read are all named', () => {
    expect(splitRanges(['10.0.0.1/28', '10.0.0.9-10.0.0.1', '10.0.0.0/30'])).toMatchObject({
      ok: false,
      problems: [{ path: 'ranges.0' }, { path: 'ranges.1' }],
    });
  });

  test('of a range with more than two ends nothing is dropped', () => {
    expect(splitRanges(['10.0.0.0-10.0.0.3-10.0.0.9'])).toEqual({
      ok: false,
      problems: [
        {
          path: 'ranges.0',
          message: '10.0.0.0-10.0.0.3-10.0.0.9 is no range: write it as first-last of one family',
        },
      ],
    });
  });
});

describe('the spec of a pool', () => {
  const root = { cidr: '10.200.3.7/20', ipFamily: 'IPv4' } as const;

  test('I24: a root is the block that its address lies in', () => {
    expect(normalisePool(root)).toMatchObject({ ok: true, pool: { cidr: '10.200.0.0/20', strategy: 'FirstFit' } });
  });

  test.each([
    [{ ...root, cidr: '10.200.0.0' }, 'Schema', 'cidr', /invalid CIDR/],
    [{ ...root, ipFamily: 'IPv6' as const }, 'FamilyMismatch', 'ipFamily', /IPv6.*IPv4/],
    [
      { parentPoolRef: { name: 'p' }, prefixLength: 24, requestedCIDR: '10.0.0.0/25' },
      'Schema',
      'requestedCIDR',
      /length 25, and prefixLength is 24/,
    ],
    [{ ...root, reservations: { ranges: ['x'] } }, 'Schema', 'reservations.ranges.0', /invalid CIDR/],
  ])('%j is refused', (given, reason, path, message) => {
    const normal = normalisePool(given);
    expect(normal).toMatchObject({ ok: false, reason, problems: [{ path }] });
    expect(normal.ok ? '' : normal.problems[0]?.message).toMatch(message);
  });

  test('hashes equal in any spelling, and does not depend on a default of the worker', () => {
    const hash = (spec: Parameters<typeof normalisePool>[0], labels = {}) => {
      const normal = normalisePool(spec);
      return normal.ok ? poolHash(normal.pool, labels) : '';
    };
    expect(hash(root)).toBe(hash({ ...root, cidr: '10.200.0.0/20', visibility: 'consumer', allowOverlap: false }));
    expect(hash(root)).not.toBe(hash({ ...root, cooldownSeconds: 0 }));
    expect(hash(root)).not.toBe(hash(root, { a: 'b' }));
  });
});
