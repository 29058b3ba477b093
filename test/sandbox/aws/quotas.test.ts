import {
  CreateRuleCommand,
  DeleteRuleCommand,
  DescribeAccountLimitsCommand,
  RegisterTargetsCommand,
} from '@aws-sdk/client-elastic-load-balancing-v2';
import { describe, expect, test } from 'vitest';
import { bench, createBalancer, createGroup, createListener, createRule, failure, forward } from './support.ts';

describe('quotas', () => {
  test('are shown under their documented names, as texts', async () => {
    const { elb } = await bench({ limits: { 'rules-per-application-load-balancer': 3 } });
    const { Limits } = await elb.send(new DescribeAccountLimitsCommand({}));
    expect(Limits).toContainEqual({ Name: 'rules-per-application-load-balancer', Max: '3' });
    expect(Limits).toContainEqual({ Name: 'application-load-balancers', Max: '50' });
    expect(Limits).toContainEqual({ Name: 'target-groups-per-application-load-balancer', Max: '100' });
  });

  test('rules count over all listeners of a balancer, default rules excluded', async () => {
    const { elb } = await bench({ limits: { 'rules-per-application-load-balancer': 2 } });
    const balancer = await createBalancer(elb);
    const [http, other] = [await createListener(elb, balancer, 80), await createListener(elb, balancer, 81)];
    const first = await createRule(elb, http, 1);
    await createRule(elb, other, 1);
    const error = await failure(createRule(elb, http, 2));
    expect(error).toMatchObject({ name: 'TooManyRulesException', Code: 'TooManyRules' });
    await elb.send(new DeleteRuleCommand({ RuleArn: first }));
    await createRule(elb, http, 2);
    const elsewhere = await createListener(elb, await createBalancer(elb, 'second'));
    await createRule(elb, elsewhere, 1);
  });

  test('balancers count per region', async () => {
    const { elb, elbIn } = await bench({ limits: { 'application-load-balancers': 1 } });
    await createBalancer(elb, 'one');
    expect((await failure(createBalancer(elb, 'two'))).name).toBe('TooManyLoadBalancersException');
    expect(await createBalancer(elb, 'one')).toContain('/one/');
    const elsewhere = elbIn('eu-west-1');
    await createBalancer(elsewhere, 'two');
    elsewhere.destroy();
  });

  test('unique target groups count per balancer, an equal one twice counts once', async () => {
    const { elb } = await bench({ limits: { 'target-groups-per-application-load-balancer': 2 } });
    const listener = await createListener(elb, await createBalancer(elb));
    const [a, b, c] = [await createGroup(elb, 'a'), await createGroup(elb, 'b'), await createGroup(elb, 'c')];
    await createRule(elb, listener, 1, [forward(a, b)]);
    await createRule(elb, listener, 2, [forward(a)]);
    expect((await failure(createRule(elb, listener, 3, [forward(c)]))).name).toBe(
      'TooManyUniqueTargetGroupsPerLoadBalancerException',
    );
  });

  test('listeners, target groups and groups per action are bounded', async () => {
    const { elb } = await bench({
      limits: {
        'listeners-per-application-load-balancer': 1,
        'target-groups': 2,
        'target-groups-per-action-on-application-load-balancer': 1,
      },
    });
    const balancer = await createBalancer(elb);
    const listener = await createListener(elb, balancer, 80);
    expect((await failure(createListener(elb, balancer, 81))).name).toBe('TooManyListenersException');
    const [a, b] = [await createGroup(elb, 'a'), await createGroup(elb, 'b')];
    expect((await failure(createGroup(elb, 'c'))).name).toBe('TooManyTargetGroupsException');
    expect((await failure(createRule(elb, listener, 1, [forward(a, b)]))).name).toBe('TooManyTargetGroupsException');
  });

  test('targets count per balancer, over registrations and over rules', async () => {
    const { elb } = await bench({ limits: { 'targets-per-application-load-balancer': 2 } });
    const listener = await createListener(elb, await createBalancer(elb));
    const [a, b] = [await createGroup(elb, 'a'), await createGroup(elb, 'b')];
    const register = (TargetGroupArn: string, ...ids: string[]) =>
      elb.send(new RegisterTargetsCommand({ TargetGroupArn, Targets: ids.map((Id) => ({ Id })) }));
    await register(a, '10.0.0.1', '10.0.0.2');
    await register(b, '10.0.0.3');
    await createRule(elb, listener, 1, [forward(a)]);
    expect((await failure(register(a, '10.0.0.4'))).name).toBe('TooManyTargetsException');
    expect((await failure(createRule(elb, listener, 2, [forward(b)]))).name).toBe('TooManyTargetsException');
  });

  test('wildcards in conditions are bounded', async () => {
    const { elb } = await bench();
    const ListenerArn = await createListener(elb, await createBalancer(elb));
    const rule = (host: string) =>
      elb.send(
        new CreateRuleCommand({
          ListenerArn,
          Priority: 1,
          Conditions: [{ Field: 'host-header', Values: [host] }],
          Actions: [{ Type: 'fixed-response', FixedResponseConfig: { StatusCode: '404' } }],
        }),
      );
    expect((await failure(rule('*.*.*.*.*.*.*'))).name).toBe('ValidationError');
    await rule('*.*.*.*.*.*');
  });
});
