import { createColors } from 'picocolors';
import { describe, expect, test } from 'vitest';
import type { BalancerEntry } from '../../contract/scope/retirement.ts';
import { balancerLines, driftLines, importBlocks } from '../../starter/cli/balancers/print.ts';

const colors = createColors(false);
const NOW = Date.parse('2026-11-21T12:00:00Z');

function entry(fields: Partial<BalancerEntry>, load: Partial<BalancerEntry['load']> = {}): BalancerEntry {
  const name = fields.name ?? 'k8s-groundwork-public';
  return {
    account: '123456789012',
    region: 'us-east-1',
    name,
    scheme: 'internet-facing',
    origin: 'declared',
    state: 'active',
    observedAt: '2026-11-21T11:59:48Z',
    placements: [],
    records: [],
    load: {
      name,
      origin: 'declared',
      state: 'active',
      rules: 60,
      maxRules: 75,
      targetGroups: 10,
      maxTargetGroups: 98,
      listeners: 2,
      maxListeners: 48,
      hasRoom: true,
      ...load,
    },
    ...fields,
  };
}

describe('groundwork balancers list', () => {
  test('draws the load against the quota that binds', () => {
    const lines = balancerLines(
      [entry({}), entry({ name: 'other' }, { rules: 1, targetGroups: 98, hasRoom: false })],
      colors,
      NOW,
    );
    expect(lines[0]).toBe('123456789012 us-east-1 internet-facing');
    expect(lines[2]).toMatch(
      /^k8s-groundwork-public +declared +active +█{19}░{5} +60\/75 rules +0 scopes +seen 12 s ago$/,
    );
    expect(lines[3]).toMatch(/█{24} +98\/98 target groups/);
  });

  test('tells a state that AWS sees otherwise, one that is idle, and one that was never read', () => {
    const { observedAt: _, ...unread } = entry({ name: 'c' }, { state: 'unreadable' });
    const text = balancerLines(
      [entry({ name: 'a' }, { state: 'absent' }), entry({ name: 'b', idleSince: '2026-11-21T00:00:00Z' }), unread],
      colors,
      NOW,
    ).join('\n');
    expect(text).toContain('active (AWS: absent)');
    expect(text).toContain('active, idle');
    expect(text).toContain('never seen');
  });

  test('an empty ledger is said, not drawn', () => {
    expect(balancerLines([], colors, NOW)).toEqual([expect.stringContaining('no balancer yet')]);
  });
});

test('the Terraform export has one block for each autocreated balancer that exists, and nothing else', () => {
  const auto = { origin: 'autocreated', arn: 'arn:aws:elasticloadbalancing:x' } as const;
  const lines = importBlocks([
    entry({ arn: 'arn:declared' }),
    entry({ ...auto, name: 'groundwork-auto-public-0a1b2c' }),
    entry({ ...auto, name: '7-auto' }),
    entry({ ...auto, name: 'gone' }, { state: 'absent' }),
    entry({ ...auto, name: 'old', state: 'retired' }),
    entry({ name: 'new', origin: 'autocreated', state: 'provisioning' }),
  ]);
  expect(lines.join('\n')).toBe(
    [
      'import {',
      '  to = aws_lb.groundwork_auto_public_0a1b2c',
      '  id = "arn:aws:elasticloadbalancing:x"',
      '}',
      'import {',
      '  to = aws_lb._7_auto',
      '  id = "arn:aws:elasticloadbalancing:x"',
      '}',
    ].join('\n'),
  );
});

test('drift is told with subject and remedy; nothing compared yet is not "no drift"', () => {
  const checked = [{ source: 'zone:Z', at: '2026-11-21T11:00:00Z' }];
  expect(driftLines({ checked: [], drift: [] }, colors).join()).toContain('Nothing was compared yet');
  expect(driftLines({ checked, drift: [] }, colors).join()).toContain('as the ledger says');
  const drift = [{ kind: 'missing-keeper', subject: 'auto', message: 'has no keeper.', since: 'S' }] as const;
  expect(driftLines({ checked, drift: [...drift] }, colors)[0]).toBe('missing-keeper auto has no keeper. (since S)');
});
