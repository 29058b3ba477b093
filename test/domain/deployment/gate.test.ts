import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { HostRouting } from '../../../contract/deployment/status.ts';
import type { DnsType } from '../../../contract/scope/input.ts';
import {
  compareRules,
  type ForwardedGroup,
  groupsOf,
  type ObservedRule,
  serviceOfTag,
} from '../../../domain/deployment/gate.ts';
import { type DeploymentTimings, defaultDeploymentTimings } from '../../../domain/deployment/settings.ts';
import {
  type Health,
  illness,
  judgeTargets,
  routingSeconds,
  targetSeconds,
} from '../../../domain/deployment/targets.ts';

const host = 'app.example.com';
const want = (weights: Record<string, number>, port = 443): HostRouting => ({ host, port, weights });
const group = (service: string, weight?: number): ForwardedGroup => ({
  arn: `arn:${service}`,
  service,
  ...(weight === undefined ? {} : { weight }),
});
const rule = (groups: ForwardedGroup[], fields: Partial<ObservedRule> = {}): ObservedRule => ({
  port: 443,
  hosts: [host],
  groups,
  ...fields,
});
const compare = (expected: HostRouting[], rules: ObservedRule[]) => compareRules(expected, rules).differences;

type RoutingNeeds = Parameters<typeof routingSeconds>[1];

describe('the rules of the balancer', () => {
  test.each([
    [
      '50/50',
      { a: 50, b: 50 },
      [group('a', 20), group('b', 80)],
      '443 app.example.com: expected a 50 %, b 50 %, actual a 20 %, b 80 %',
    ],
    [
      '20/80 swapped',
      { a: 20, b: 80 },
      [group('a', 80), group('b', 20)],
      '443 app.example.com: expected a 20 %, b 80 %, actual a 80 %, b 20 %',
    ],
  ])('that differ from %s are told with both (D50)', (_, expected, groups, line) => {
    expect(compare([want(expected)], [rule(groups)])).toEqual([line]);
  });

  test.each([
    ['equal', { a: 75, b: 25 }, [group('b', 25), group('a', 75)]],
    ['of another sum', { a: 75, b: 25 }, [group('a', 3), group('b', 1)]],
    ['missing and so 1 each', { a: 50, b: 50 }, [group('a'), group('b')]],
    ['0 for one side', { a: 100, b: 0 }, [group('a', 100), group('b', 0)]],
    ['of a single backend, whatever they are', { a: 100 }, [group('a')]],
  ])('agree when weights are %s', (_, expected, groups) => {
    expect(compare([want(expected)], [rule(groups)])).toEqual([]);
  });

  test('of a port that blue lacks must show green alone (D51)', () => {
    const expected = [want({ a: 50, b: 50 }), want({ 'b-http-8081': 100 }, 8081)];
    const rules = [rule([group('a', 50), group('b', 50)]), rule([group('b-http-8081')], { port: 8081 })];
    expect(compare(expected, rules)).toEqual([]);
    expect(compare(expected, rules.slice(0, 1))).toEqual([
      '8081 app.example.com: expected b-http-8081 100 %, actual no rule',
    ]);
  });

  test.each([
    ['only a fixed response (D59)', [rule([])]],
    ['one that agrees and one that does not', [rule([group('a')]), rule([group('b')])]],
    ['two target groups for a single form (D54)', [rule([group('a', 100), group('b', 0)])]],
    ['a target group without a known tag', [rule([{ arn: 'arn:x' }])]],
    ['the right thing on another listener', [rule([group('a')], { port: 8443 })]],
    ['the right thing for another host', [rule([group('a')], { hosts: ['other.example.com'] })]],
    ['nothing', []],
  ])('do not agree with %s', (_, rules) => {
    expect(compareRules([want({ a: 100 })], rules).converged).toBe(false);
  });

  test('a host that is in no rule is named (D61)', () => {
    const expected = [want({ a: 100 }), { host: 'www.shop.example', port: 443, weights: { a: 100 } }];
    expect(compare(expected, [rule([group('a')])])).toEqual(['443 www.shop.example: expected a 100 %, actual no rule']);
  });

  test('no rule at all is what a removed Ingress leaves', () => {
    expect(compare([want({})], [])).toEqual([]);
    expect(compare([want({})], [rule([group('a')])])).toEqual([
      '443 app.example.com: expected no rule, actual a 100 %',
    ]);
  });

  test('letter case of a host does not matter', () => {
    expect(compare([want({ a: 100 })], [rule([group('a')], { hosts: ['APP.example.com', 'b.c'] })])).toEqual([]);
  });

  test('their order and that of their groups never matter; swapped unequal weights always do', () => {
    const weights = fc.integer({ min: 0, max: 100 });
    fc.assert(
      fc.property(weights, fc.array(weights, { maxLength: 3 }), fc.boolean(), (percent, others, wrong) => {
        const expected = [want({ a: 100 - percent, b: percent })];
        const good = rule([group('a', 100 - percent), group('b', percent)]);
        const rules = [
          good,
          ...others.map((share) => (wrong ? rule([group('a', share), group('b', 100 - share)]) : good)),
        ];
        const verdict = compareRules(expected, rules).converged;
        const turned = rules.map((one) => ({ ...one, groups: [...one.groups].reverse() })).reverse();
        expect(compareRules(expected, turned).converged).toBe(verdict);
        const swapped = [rule([group('a', percent), group('b', 100 - percent)])];
        expect(compareRules(expected, swapped).converged).toBe(percent === 50);
      }),
    );
  });
});

test('a target group is known by its tag', () => {
  const ingresses = ['k-8-s-prod-7-internet-facing', 'k-8-s-prod-7-http-8081-internet-facing'];
  const service = (tag: string) => serviceOfTag(tag, 'shop', ingresses);
  expect(service('shop/k-8-s-prod-7-internet-facing-d-7-42:8080')).toBe('d-7-42');
  expect(service('shop/k-8-s-prod-7-http-8081-internet-facing-d-7-42-http-8081:8081')).toBe('d-7-42-http-8081');
  expect(service('other/k-8-s-prod-7-internet-facing-d-7-42:8080')).toBeUndefined();
  expect(serviceOfTag(undefined, 'shop', ingresses)).toBeUndefined();
});

test('the groups of rules are counted once, with their highest weight', () => {
  const rules = [rule([group('a', 0), group('b', 100)]), rule([group('a', 50), { arn: 'arn:x' }])];
  expect(groupsOf(rules)).toEqual([
    { arn: 'arn:a', service: 'a', weight: 50 },
    { arn: 'arn:b', service: 'b', weight: 100 },
  ]);
});

describe('targets', () => {
  const health = (states: Record<string, number>, readyPods = 10): Health => ({
    green: { readyPods, groups: [{ arn: 'arn:b', service: 'd-7-42', states }] },
  });
  const judge = (healthy: 'planned' | 'one', of: Health, percent = 100) =>
    judgeTargets([{ side: 'green', healthy }], of, percent, { green: '42' });

  test.each([
    ['planned' as const, { healthy: 10 }, 100, []],
    ['planned' as const, { healthy: 9, initial: 1 }, 100, ['42: 9 of 10 targets of d-7-42 healthy (1 initial)']],
    ['planned' as const, { healthy: 9, initial: 1 }, 90, []],
    ['one' as const, { healthy: 1, unhealthy: 9 }, 100, []],
    ['one' as const, { unhealthy: 10 }, 100, ['42: 0 of 1 targets of d-7-42 healthy (10 unhealthy)']],
  ])('%s with %j at %i %%', (wanted, states, percent, missing) => {
    expect(judge(wanted, health(states), percent).missing).toEqual(missing);
  });

  test('ready pods count where the balancer calls all targets unused', () => {
    expect(judge('planned', health({ unused: 10 })).ok).toBe(true);
    expect(judge('planned', health({ unused: 10 }, 4))).toMatchObject({ ok: true, healthy: { green: 4 } });
    expect(judge('one', health({ unused: 9, unhealthy: 1 })).ok).toBe(false);
  });

  test('of a side that has no target group are not healthy', () => {
    expect(judge('one', {}).missing).toEqual(['42 has no target group on the balancer yet']);
  });

  test('every port of a side counts, the least healthy decides', () => {
    const of: Health = {
      green: {
        readyPods: 2,
        groups: [
          { arn: '1', service: 'd-7-42', states: { healthy: 2 } },
          { arn: '2', service: 'd-7-42-http-8081', states: { healthy: 1, unhealthy: 1 } },
        ],
      },
    };
    expect(judge('planned', of)).toMatchObject({ ok: false, healthy: { green: 1 } });
  });

  const waited = (fields: Partial<DeploymentTimings>, periodSeconds = 10, dnsType: DnsType = 'route53') => ({
    scope: { dnsType },
    timings: { ...defaultDeploymentTimings, ...fields },
    workload: { healthCheck: { periodSeconds } },
  });

  test.each([
    ['time for the rules', waited({}), 120],
    ['time for two checks', waited({}, 300), 660],
    ['what is configured', waited({ targetHealthTimeout: 2000 }, 300), 2000],
    ['what is configured, when that is short', waited({ targetHealthTimeout: 130 }, 300), 130],
    ['no less than for the rules', waited({ targetHealthTimeout: 5 }), 120],
    ['with a gateway only for its route', waited({ targetHealthTimeout: 2000 }, 300, 'external_dns'), 120],
  ])('the deadline leaves %s', (_, request, seconds) => {
    expect(targetSeconds(request)).toBe(seconds);
  });

  test.each<[string, RoutingNeeds, number]>([
    ['the gate', { before: [], after: [{ side: 'green', healthy: 'planned' }] }, 660],
    ['that, and how ill blue was', { before: [], after: [{ side: 'blue', healthy: 'as-before' }] }, 690],
    ['that, and the targets before', { before: [{ side: 'green', healthy: 'planned' }], after: [] }, 1320],
  ])('a change of the routing has time for %s', (_, needs, seconds) => {
    expect(routingSeconds(waited({}, 300), needs)).toBe(seconds);
  });

  test.each([
    [{ healthyTargets: 0, available: 10, planned: 10 }, '42 has traffic and no healthy target'],
    [{ healthyTargets: 4, available: 4, planned: 10 }, '42 has traffic and only 4 of 10 planned instances available'],
    [{ healthyTargets: 5, available: 5, planned: 10 }, undefined],
  ])('a side with %j', (side, words) => {
    expect(illness(side, '42')).toBe(words);
  });
});
