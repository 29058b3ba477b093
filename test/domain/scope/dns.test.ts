import { expect, test } from 'vitest';
import { type FoundRecord, findAlias } from '../../../domain/scope/dns.ts';
import { balancerDnsName, fromRoute53Name } from '../../../domain/scope/hosts.ts';

const balancers = [
  { name: 'base', dnsName: 'base-1.us-east-1.elb.amazonaws.com', scheme: 'internet-facing' },
  { name: 'other', dnsName: 'other-2.us-east-1.elb.amazonaws.com', scheme: 'internet-facing' },
  { name: 'inside', dnsName: 'internal-inside-3.us-east-1.elb.amazonaws.com', scheme: 'internal' },
];
const record = (target: string, fields: Partial<FoundRecord> = {}): FoundRecord => ({
  zoneId: 'Z1',
  name: 'a.example.com',
  type: 'A',
  target,
  alias: true,
  ...fields,
});
const find = (records: FoundRecord[], ours = false) =>
  findAlias('a.example.com', records, balancers, 'internet-facing', () => ours);

test('S8: no record: nothing is bound, the pool decides', () => {
  expect(find([])).toEqual({ kind: 'none' });
});

test.each([
  'base-1.us-east-1.elb.amazonaws.com.',
  'dualstack.base-1.us-east-1.elb.amazonaws.com',
  'DUALSTACK.Base-1.US-EAST-1.elb.amazonaws.com.',
])('S6, N9: %s leads to the base balancer, and the reason names balancer, zone and domain', (target) => {
  expect(find([record(target)])).toEqual({
    kind: 'bound',
    balancer: 'base',
    reason: 'the record of a.example.com in zone Z1 already leads to balancer base',
  });
});

test('a record of another type or name is not looked at', () => {
  expect(find([record('x', { type: 'TXT' }), record('x', { name: 'b.example.com' })])).toEqual({ kind: 'none' });
});

test('zones that lead to different balancers conflict', () => {
  expect(
    find([
      record('base-1.us-east-1.elb.amazonaws.com'),
      record('other-2.us-east-1.elb.amazonaws.com', { zoneId: 'Z2' }),
    ]),
  ).toMatchObject({ kind: 'conflict' });
});

test('the wrong scheme conflicts', () => {
  expect(find([record('internal-inside-3.us-east-1.elb.amazonaws.com')])).toMatchObject({
    kind: 'conflict',
    message: expect.stringContaining('internal'),
  });
});

test('N8: a record that leads nowhere conflicts, unless the ledger knows it as ours', () => {
  expect(find([record('192.0.2.1', { alias: false })])).toMatchObject({ kind: 'conflict' });
  expect(find([record('gone-9.us-east-1.elb.amazonaws.com')], true)).toEqual({ kind: 'none' });
});

test('names of Route 53 are compared unescaped, in lower case, without the dot', () => {
  expect(fromRoute53Name('\\052.Example.com.')).toBe('*.example.com');
  expect(balancerDnsName('dualstack.X.elb.amazonaws.com.')).toBe('x.elb.amazonaws.com');
});
