import { describe, expect, test } from 'vitest';
import { type RegionFacts, recordDrift, regionDrift } from '../../../domain/scope/drift.ts';
import { foreignRules } from '../../../domain/scope/retirement.ts';

const facts = (fields: Partial<RegionFacts> = {}): RegionFacts => ({
  balancers: [
    { name: 'base', arn: 'arn:base', ours: false },
    { name: 'auto', arn: 'arn:auto', ours: false },
  ],
  rows: [
    { name: 'base', origin: 'declared', state: 'active', placed: 1 },
    { name: 'auto', origin: 'autocreated', state: 'active', placed: 1, keeper: true },
  ],
  hosts: [
    { host: 'a.example.com', scopeId: 'a', balancer: 'base' },
    { host: 'b.example.com', scopeId: 'b', balancer: 'auto' },
  ],
  seen: { base: ['a.example.com'], auto: ['b.example.com', 'keeper.example.com'] },
  ...fields,
});

const told = (found: { kind: string; subject: string }[]) => found.map(({ kind, subject }) => `${kind} ${subject}`);

describe('drift of a region', () => {
  test('is none when everything is where the ledger says, also while hosts have no rule yet', () => {
    expect(regionDrift(facts())).toEqual([]);
    expect(regionDrift(facts({ seen: {} }))).toEqual([]);
  });

  test('a balancer with our tags and without a row is untracked; others are somebody else’s', () => {
    const balancers = [
      ...facts().balancers,
      { name: 'lost', arn: 'arn:lost', ours: true },
      { name: 'x', arn: 'arn:x', ours: false },
    ];
    expect(told(regionDrift(facts({ balancers })))).toEqual(['untracked-balancer lost']);
  });

  test.each([
    ['an autocreated one', { origin: 'autocreated', state: 'active', placed: 0 }, ['missing-balancer gone']],
    ['a declared one with scopes', { origin: 'declared', state: 'active', placed: 2 }, ['missing-balancer gone']],
    ['a declared one that nobody uses', { origin: 'declared', state: 'active', placed: 0 }, []],
    ['one that is still being made', { origin: 'autocreated', state: 'provisioning', placed: 1 }, []],
    ['one that is being removed', { origin: 'autocreated', state: 'retiring', placed: 0 }, []],
  ] as const)('a row without a balancer: %s', (_, row, expected) => {
    expect(told(regionDrift(facts({ rows: [...facts().rows, { name: 'gone', ...row }] })))).toEqual(expected);
  });

  test('an active balancer of ours without its keeper', () => {
    const rows = facts().rows.map((row) => (row.name === 'auto' ? { ...row, keeper: false } : row));
    expect(told(regionDrift(facts({ rows })))).toEqual(['missing-keeper auto']);
  });

  test('a host with a rule on another balancer than its own, also when it is on both', () => {
    const seen = { base: ['b.example.com'], auto: ['b.example.com'] };
    expect(regionDrift(facts({ seen }))).toMatchObject([
      {
        kind: 'host-elsewhere',
        subject: 'b.example.com',
        message: expect.stringContaining('placed on auto, but base'),
      },
    ]);
  });
});

describe('drift of records', () => {
  const record = {
    zoneId: 'Z',
    name: 'a.example.com',
    scopeId: 'a',
    balancer: { name: 'base', dnsName: 'base.elb.aws' },
  };

  test('case, trailing dot and dualstack do not matter', () => {
    expect(recordDrift([{ ...record, found: 'dualstack.BASE.elb.aws.' }])).toEqual([]);
  });

  test('a record that points elsewhere is told with both targets, a missing one with the remedy', () => {
    expect(recordDrift([{ ...record, found: 'other.elb.aws' }])).toMatchObject([
      { kind: 'record-elsewhere', message: expect.stringMatching(/other\.elb\.aws.*base\.elb\.aws/) },
    ]);
    expect(recordDrift([{ ...record, found: undefined }])).toMatchObject([
      { kind: 'record-missing', subject: 'a.example.com in Z' },
    ]);
  });
});

test('only a rule for the keeper’s host alone is the keeper’s', () => {
  expect(foreignRules([['keeper']], 'keeper')).toBe(0);
  expect(foreignRules([['keeper'], ['keeper', 'other'], ['other'], []], 'keeper')).toBe(3);
});
