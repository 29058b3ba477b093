import { describe, expect, test } from 'vitest';
import type { IpClaimStatus } from '../../../contract/ip/claim.ts';
import { readWith } from '../../../contract/schemas/fields.ts';
import { ipPoolChangeInputSchema } from '../../../contract/schemas/ip.ts';
import { claimChecklist, runChecklist } from '../../../domain/ip/checklist.ts';
import { checkImport } from '../../../domain/ip/import.ts';
import { mapCells } from '../../../domain/ip/map.ts';

describe('the rows of an import', () => {
  const row = (name: string, cidr: string, more: object = {}) => ({ namespace: 'default', name, cidr, ...more });
  const check = (rows: ReturnType<typeof row>[]) => checkImport(rows, { owner: 'acme', name: 'net' });

  test('go on with the owner of the pool, their line, and the hash of a claim of that block by the pool', () => {
    const { rows, conflicts } = check([row('a', '10.0.0.0/24'), row('b', '10.0.1.0/24', { owner: 'beta', line: 7 })]);
    expect(conflicts).toEqual([]);
    expect(rows).toMatchObject([
      { line: 1, owner: 'acme', cidr: '10.0.0.0/24' },
      { line: 7, owner: 'beta' },
    ]);
    expect(rows[0]?.requestHash).toMatch(/^[0-9a-f]{64}$/);
    expect(rows[0]?.requestHash).not.toBe(rows[1]?.requestHash);
  });

  test('that cannot be read are told by line', () => {
    const { rows, conflicts } = check([
      row('A', '10.0.0.0/24'),
      row('b', '10.0.0.1/24'),
      row('c', 'x'),
      row('d', '10.0.0.0/24', { owner: 'a/b' }),
      row('e', '10.0.0.0/24'),
    ]);
    expect(rows.map(({ name }) => name)).toEqual(['e']);
    expect(conflicts.map(({ line, reason }) => [line, reason])).toEqual([
      [1, 'Malformed'],
      [2, 'Malformed'],
      [3, 'Malformed'],
      [4, 'Malformed'],
    ]);
  });

  test.each([
    [{ reclaimPolicy: 'retain' }, 'reclaimPolicy "retain" must be Delete or Retain'],
    [{ ttlSeconds: 'abc' }, 'ttlSeconds "abc" must be a whole number of 1 to 31536000 seconds'],
    [{ ttlSeconds: 0 }, 'ttlSeconds 0 must be a whole number of 1 to 31536000 seconds'],
    [{ owner: 5 }, 'owner 5 is no DNS label'],
    [{ namespace: null }, 'namespace null is no DNS label'],
    [{ cidr: '1'.repeat(5000) }, `cidr "${'1'.repeat(100)}" is no CIDR`],
  ])('stop no other when one cell is %j', (more, message) => {
    const given = [row('a', '10.0.0.0/24'), row('b', '10.0.1.0/24', { ...more, line: 5003 })];
    const input = { owner: 'acme', name: 'net', change: { kind: 'import', rows: given } };
    expect(readWith(ipPoolChangeInputSchema, input)).toEqual({ ok: true, value: input });
    const { rows, conflicts } = check(given);
    expect(rows.map(({ name }) => name)).toEqual(['a']);
    expect(conflicts).toEqual([{ line: 5003, reason: 'Malformed', message }]);
  });

  test('that collide with an earlier row are told with its line: by name, equal, inside or around', () => {
    const { rows, conflicts } = check([
      row('a', '10.0.1.0/24'),
      row('a', '10.0.9.0/24'),
      row('b', '10.0.1.0/24'),
      row('c', '10.0.1.128/25'),
      row('d', '10.0.0.0/16'),
      row('e', '10.0.2.0/24'),
      row('f', 'fd00::/64'),
      row('g', '10.0.0.0/24'),
    ]);
    expect(rows.map(({ name }) => name)).toEqual(['a', 'e', 'f', 'g']);
    expect(conflicts.map(({ line, reason, message }) => [line, reason, message.match(/line \d+/)?.[0]])).toEqual([
      [2, 'DuplicateInFile', 'line 1'],
      [3, 'DuplicateInFile', 'line 1'],
      [4, 'DuplicateInFile', 'line 1'],
      [5, 'DuplicateInFile', 'line 1'],
    ]);
  });
});

describe('the map of a pool', () => {
  test('has at most so many cells, a power of two, and none below one address', () => {
    expect(mapCells('10.0.0.0/8', [], 1024)).toMatchObject({ cellPrefixLength: 18, cells: { length: 1024 } });
    expect(mapCells('10.0.0.0/8', [], 1000).cells).toHaveLength(512);
    expect(mapCells('10.0.0.0/30', [], 1024)).toMatchObject({ cellPrefixLength: 32, cells: { length: 4 } });
    expect(mapCells('fd00::/20', [], 2).cells.map(({ cidr }) => cidr)).toEqual(['fd00::/21', 'fd00:800::/21']);
  });

  test('tells the share of each state in a cell, and who holds it', () => {
    const { cells } = mapCells(
      '10.0.0.0/24',
      [
        { cidr: '10.0.0.0/25', kind: 'children', holder: 'pool acme/child' },
        { cidr: '10.0.0.128/27', kind: 'claims', holder: 'acme/default/a' },
        { cidr: '10.0.0.160/28', kind: 'cooling', holder: 'cooling' },
        { cidr: '10.0.0.128/26', kind: 'retained', holder: 'acme/default/b', several: { blocks: 3, share: 3 / 64 } },
        { cidr: '10.0.0.192/26', kind: 'reserved' },
      ],
      4,
    );
    expect(cells.map(({ shares, holder, others }) => [shares.free, holder, others])).toEqual([
      [0, 'pool acme/child', undefined],
      [0, 'pool acme/child', undefined],
      [0.25 - 3 / 64, 'acme/default/a', 4],
      [0, undefined, undefined],
    ]);
    expect(cells[2]?.shares).toEqual({
      free: 0.25 - 3 / 64,
      claims: 0.5,
      cooling: 0.25,
      children: 0,
      reserved: 0,
      retained: 3 / 64,
    });
  });
});

describe('what a person reads of a run', () => {
  const status: IpClaimStatus = { owner: 'acme', namespace: 'default', name: 'db', phase: 'Claiming' };

  test('tells pool, size, tries and deadline of a wait', () => {
    const wait = {
      pools: ['acme/net'],
      prefixLength: 24,
      blocks: 2,
      tries: 3,
      since: '2026-01-01T00:00:00.000Z',
      until: '2026-01-01T01:00:00.000Z',
    };
    expect(claimChecklist({ ...status, phase: 'WaitingForCapacity', wait })).toBe(
      [
        '- [ ] Find a pool with room and take a block',
        '- [ ] **Wait for capacity**',
        '',
        'Waiting for 2 blocks of length /24 in acme/net since 2026-01-01T00:00:00.000Z, until 2026-01-01T01:00:00.000Z. Tries so far: 3',
      ].join('\n'),
    );
  });

  test('tells why nothing was claimed', () => {
    expect(claimChecklist({ ...status, phase: 'Abandoned' })).toContain('nothing was claimed');
    const failure = { type: 'PoolExhausted', message: 'no room' };
    expect(claimChecklist({ ...status, phase: 'Refused', failure })).toContain('PoolExhausted: no room');
  });

  test('tells what a sweep did, and that it had nothing to do', () => {
    const report = {
      pools: 0,
      candidates: 0,
      expired: 0,
      coolingEnded: 0,
      marked: 0,
      released: 0,
      withoutRetention: 0,
      skippedLocked: 0,
      failedPools: 0,
      waitersDropped: 0,
      eventsDropped: 0,
      signalled: 0,
    };
    const sweep = { kind: 'sweep', subject: 'Sweep', phase: 'Done' } as const;
    expect(runChecklist({ ...sweep, report })).toContain('Nothing was due.');
    expect(runChecklist({ ...sweep, report: { ...report, pools: 1, expired: 2 } })).toContain('pools: 1, expired: 2');
  });
});
