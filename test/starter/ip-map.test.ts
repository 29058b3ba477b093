import { describe, expect, test } from 'vitest';
import type { CellShares, IpPoolMap } from '../../contract/ip/inventory.ts';
import { mapLines, mapSvg } from '../../starter/ip/map.ts';

const none: CellShares = { free: 0, claims: 0, children: 0, reserved: 0, retained: 0, cooling: 0 };
const shares: CellShares[] = [
  { ...none, claims: 1 },
  { ...none, children: 1 },
  { ...none, reserved: 1 },
  { ...none, retained: 1 },
  { ...none, cooling: 1 },
  { ...none, free: 1 },
  { ...none, free: 0.99, claims: 0.01 },
  { ...none, free: 0.5, claims: 0.25, cooling: 0.25 },
  { ...none, claims: 0.5, reserved: 0.5 },
];

/** A /24 in 128 cells of two addresses: nine that differ, the rest free. */
const map: IpPoolMap = {
  pool: {
    owner: 'acme',
    name: 'net',
    labels: {},
    depth: 0,
    ipFamily: 'IPv4',
    allocation: { minPrefixLength: 24, maxPrefixLength: 32, strategy: 'FirstFit' },
    visibility: 'consumer',
    cooldownSeconds: 0,
    allowOverlap: false,
    createdAt: '2026-01-01T00:00:00.000Z',
    status: {
      phase: 'Ready',
      allocatedCIDR: '10.0.0.0/24',
      capacity: { total: '256', allocated: '13', available: '243' },
      utilizationPercent: 5.0781,
      breakdown: { claims: '6', children: '2', reserved: '2', retained: '2', cooling: '1' },
      largestFreePrefix: 25,
      freeBlocks: 5,
    },
  },
  cellPrefixLength: 31,
  cells: Array.from({ length: 128 }, (_, index) => ({
    cidr: `10.0.0.${index * 2}/31`,
    shares: shares[index] ?? { ...none, free: 1 },
    ...(index === 0 ? { holder: 'acme/default/<a & b>' } : index === 7 ? { holder: 'acme/default/c', others: 1 } : {}),
  })),
};

describe('the map of a pool', () => {
  test('in text: one glyph a state, mixed cells by their share, each line with its first address', () => {
    expect(mapLines(map)).toEqual([
      `10.0.0.0    █▣╳◆░·▁▄▇${'·'.repeat(55)}`,
      `10.0.0.128  ${'·'.repeat(64)}`,
      '',
      'one cell is a /31:   · free   █ claimed   ▣ child pool   ╳ reserved   ◆ retained   ░ cooling down',
      '   ▁▂▃▄▅▆▇ mixed, by share in use',
    ]);
  });

  test('with letters only', () => {
    const [first, ...rest] = mapLines(map, { ascii: true });
    expect(first).toBe(`10.0.0.0    #PxR~.159${'.'.repeat(55)}`);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: what is asserted is that there is nothing but ASCII
    expect(rest.join('')).toMatch(/^[\x00-\x7f]*$/);
  });

  test('as SVG: a title for each cell with its block, its use and who holds it', async () => {
    const svg = mapSvg(map);
    expect(svg).toContain('<title>10.0.0.0/31: 100 % claimed, acme/default/&lt;a &amp; b&gt;</title>');
    expect(svg).toContain(
      '<title>10.0.0.14/31: 50 % free, 25 % claimed, 25 % cooling down, acme/default/c and 1 more</title>',
    );
    expect(svg.match(/<g /g)).toHaveLength(128);
    await expect(svg).toMatchFileSnapshot('golden/pool-map.svg');
  });
});
