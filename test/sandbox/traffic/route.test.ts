import { describe, expect, test } from 'vitest';
import type { Action, RegionTables, Rule, Target, TargetGroup } from '../../../sandbox/aws/model.ts';
import { route } from '../../../sandbox/traffic/route.ts';

const target = (id: string, fields: Partial<Target> = {}): Target => ({ id, port: 80, registeredAt: 0, ...fields });

const group = (name: string, targets: Target[]) =>
  ({ arn: name, name, inUseSince: 0, healthCheck: { enabled: true }, targets }) as unknown as TargetGroup;

const rule = (priority: number | 'default', hosts: string[], ...actions: Action[]) =>
  ({
    arn: String(priority),
    listenerArn: 'l443',
    priority,
    conditions: hosts.length > 0 ? [{ field: 'host-header', values: hosts }] : [],
    actions,
  }) as unknown as Rule;

const forward = (weights: Record<string, number>): Action => ({
  type: 'forward',
  targetGroups: Object.entries(weights).map(([arn, weight]) => ({ arn, weight })),
});

function sight(rules: Rule[], groups: TargetGroup[], random = 0) {
  const tables = {
    loadBalancers: new Map([['lb', { arn: 'lb', name: 'public' }]]),
    listeners: new Map([['l443', { arn: 'l443', loadBalancerArn: 'lb', port: 443 }]]),
    rules: new Map(rules.map((each) => [each.arn, each])),
    targetGroups: new Map(groups.map((each) => [each.arn, each])),
  } as unknown as RegionTables;
  return { tables, now: 1_000, healthWaitMs: 100, random: () => random };
}

const wish = { balancer: 'public', host: 'App.example.com', port: 443 };
const healthy = group('blue', [target('10.0.0.1')]);
const green = group('green', [target('10.0.0.2')]);
const notFound = rule('default', [], { type: 'fixed-response', statusCode: '404' });

describe('a request', () => {
  test('goes by the first rule that has its host, whatever its case', () => {
    const rules = [
      notFound,
      rule(2, ['app.example.com'], forward({ green: 1 })),
      rule(1, ['*.example.com'], forward({ blue: 1 })),
    ];
    expect(route(sight(rules, [healthy, green]), wish)).toMatchObject({ kind: 'target', target: { id: '10.0.0.1' } });
  });

  test.each([
    [0, '10.0.0.1'],
    [0.24, '10.0.0.1'],
    [0.26, '10.0.0.2'],
    [0.99, '10.0.0.2'],
  ])('is shared by weight: %d goes to %s', (random, id) => {
    const rules = [rule(1, ['app.example.com'], forward({ blue: 25, green: 75 }))];
    expect(route(sight(rules, [healthy, green], random), wish)).toMatchObject({ target: { id } });
  });

  test('never goes to a group of weight 0', () => {
    const rules = [rule(1, ['app.example.com'], forward({ blue: 0, green: 100 }))];
    expect(route(sight(rules, [healthy, green], 0), wish)).toMatchObject({ target: { id: '10.0.0.2' } });
  });

  test('of a host without a rule gets the default answer', () => {
    expect(route(sight([notFound], []), wish)).toMatchObject({ kind: 'answered', status: 404 });
  });

  test('finds no target where all are new or draining', () => {
    const blue = group('blue', [target('10.0.0.1', { goneAt: 2_000 }), target('10.0.0.2', { registeredAt: 990 })]);
    const rules = [rule(1, ['app.example.com'], forward({ blue: 1 }))];
    expect(route(sight(rules, [blue]), wish)).toMatchObject({ kind: 'answered', status: 503 });
  });

  test('is tried anyway where every target is unhealthy', () => {
    const blue = group('blue', [target('10.0.0.1', { health: { state: 'unhealthy' } })]);
    const rules = [rule(1, ['app.example.com'], forward({ blue: 1 }))];
    expect(route(sight(rules, [blue]), wish)).toMatchObject({ kind: 'target' });
  });

  test('to a port without a listener is not answered', () => {
    expect(route(sight([notFound], []), { ...wish, port: 9000 })).toMatchObject({ kind: 'answered', status: 0 });
  });
});
