import type { Rule } from '@aws-sdk/client-elastic-load-balancing-v2';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { planRules } from '../../../../sandbox/controllers/load-balancer/deploy/rules.ts';
import type { RuleSpec } from '../../../../sandbox/controllers/load-balancer/model/stack.ts';

const spec = (host: string, status = '200'): RuleSpec => ({
  conditions: [{ field: 'host-header', values: [host] }],
  action: { type: 'fixed-response', statusCode: status, contentType: 'text/plain' },
  tags: {},
});
const rule = (host: string, priority: number, status = '200'): Rule => ({
  RuleArn: `rule/${host}`,
  Priority: String(priority),
  Conditions: [{ Field: 'host-header', Values: [host], HostHeaderConfig: { Values: [host] } }],
  Actions: [{ Type: 'fixed-response', FixedResponseConfig: { StatusCode: status, ContentType: 'text/plain' } }],
  IsDefault: false,
});
const fallback: Rule = { RuleArn: 'rule/default', Priority: 'default', IsDefault: true };

describe('the plan of a listener', () => {
  test('is empty when nothing differs', () => {
    const plan = planRules([spec('a'), spec('b')], [rule('a', 1), rule('b', 2), fallback], new Map());
    expect(plan).toMatchObject({ priorities: [], modified: [], created: [], deleted: [] });
  });

  test('changes one rule in place when only its action changed', () => {
    const plan = planRules([spec('a', '503'), spec('b')], [rule('a', 1), rule('b', 2), fallback], new Map());
    expect(plan).toMatchObject({ priorities: [], created: [], deleted: [], modified: [{ arn: 'rule/a' }] });
  });

  test('shifts all later rules in one call for a member in front', () => {
    const plan = planRules([spec('new'), spec('a'), spec('b')], [rule('a', 1), rule('b', 2), fallback], new Map());
    expect(plan.priorities).toEqual([
      { arn: 'rule/a', priority: 2 },
      { arn: 'rule/b', priority: 3 },
    ]);
    expect(plan.created).toMatchObject([{ priority: 1 }]);
    expect(plan.deleted).toEqual([]);
  });

  test('moves a surplus rule out of the way before it is deleted', () => {
    const plan = planRules([spec('b'), spec('c')], [rule('a', 1), rule('b', 2), rule('c', 3)], new Map());
    expect(plan.deleted).toEqual(['rule/a']);
    expect(plan.priorities).toEqual([
      { arn: 'rule/b', priority: 1 },
      { arn: 'rule/c', priority: 2 },
      { arn: 'rule/a', priority: 50_000 },
    ]);
  });

  test('always ends with exactly the wanted rules at 1 to n, never with two at one priority', () => {
    const hosts = fc.uniqueArray(fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f'), { maxLength: 6 });
    const status = fc.constantFrom('200', '503');
    fc.assert(
      fc.property(
        hosts,
        hosts,
        fc.array(status, { minLength: 6, maxLength: 6 }),
        fc.nat(3),
        (before, after, codes, gap) => {
          const actual = before.map((host, index) => rule(host, (index + 1) * (gap + 1)));
          const wanted = after.map((host, index) => spec(host, codes[index]));
          const plan = planRules(wanted, actual, new Map());
          const state = new Map(actual.map(({ RuleArn, Priority }) => [RuleArn ?? '', Number(Priority)]));
          for (const { arn, priority } of plan.priorities) state.set(arn, priority);
          expect(new Set(state.values()).size).toBe(state.size);
          for (const { priority } of plan.created) {
            expect([...state.values()]).not.toContain(priority);
            state.set(`created/${priority}`, priority);
          }
          for (const arn of plan.deleted) state.delete(arn);
          expect([...state.values()].sort((a, b) => a - b)).toEqual(wanted.map((_, index) => index + 1));
        },
      ),
    );
  });
});
