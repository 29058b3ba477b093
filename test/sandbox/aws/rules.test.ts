import {
  CreateRuleCommand,
  DeleteRuleCommand,
  DeleteTargetGroupCommand,
  DescribeListenersCommand,
  DescribeRulesCommand,
  DescribeTargetGroupsCommand,
  ModifyListenerCommand,
  ModifyRuleCommand,
  SetRulePrioritiesCommand,
} from '@aws-sdk/client-elastic-load-balancing-v2';
import { describe, expect, test } from 'vitest';
import {
  bench,
  createBalancer,
  createGroup,
  createListener,
  createRule,
  failure,
  forward,
  NOT_FOUND,
} from './support.ts';

async function listenerBench() {
  const parts = await bench();
  const balancer = await createBalancer(parts.elb);
  const listener = await createListener(parts.elb, balancer);
  const rules = async () => (await parts.elb.send(new DescribeRulesCommand({ ListenerArn: listener }))).Rules ?? [];
  return { ...parts, balancer, listener, rules };
}

describe('listener rules', () => {
  test('are listed by priority with the default one last', async () => {
    const { elb, listener, rules } = await listenerBench();
    for (const priority of [30, 4, 200]) await createRule(elb, listener, priority);
    const listed = await rules();
    expect(listed.map((rule) => rule.Priority)).toEqual(['4', '30', '200', 'default']);
    expect(listed.map((rule) => rule.IsDefault)).toEqual([false, false, false, true]);
    expect(listed[0]?.Conditions).toEqual([
      { Field: 'host-header', Values: ['h4.example.com'], HostHeaderConfig: { Values: ['h4.example.com'] } },
    ]);
  });

  test('a priority can be used once', async () => {
    const { elb, listener } = await listenerBench();
    await createRule(elb, listener, 7);
    expect((await failure(createRule(elb, listener, 7))).name).toBe('PriorityInUseException');
    for (const priority of [0, 50_001])
      expect((await failure(createRule(elb, listener, priority))).name).toBe('ValidationError');
  });

  test('a weighted forward keeps its weights, zero included, and needs no weight for one group', async () => {
    const { elb, listener, rules } = await listenerBench();
    const [blue, green] = [await createGroup(elb, 'blue'), await createGroup(elb, 'green')];
    const rule = await createRule(elb, listener, 1, [{ Type: 'forward', TargetGroupArn: blue }]);
    expect((await rules())[0]?.Actions?.[0]).toMatchObject({
      TargetGroupArn: blue,
      ForwardConfig: { TargetGroups: [{ TargetGroupArn: blue, Weight: 1 }] },
    });
    const TargetGroups = [
      { TargetGroupArn: blue, Weight: 90 },
      { TargetGroupArn: green, Weight: 0 },
    ];
    await elb.send(
      new ModifyRuleCommand({ RuleArn: rule, Actions: [{ Type: 'forward', ForwardConfig: { TargetGroups } }] }),
    );
    const [action] = (await rules())[0]?.Actions ?? [];
    expect(action?.ForwardConfig?.TargetGroups).toEqual(TargetGroups);
    expect(action?.TargetGroupArn).toBeUndefined();
    expect((await rules())[0]?.Conditions?.[0]?.Values).toEqual(['h1.example.com']);
  });

  test('priorities are moved at once, so two rules can swap', async () => {
    const { elb, listener, rules } = await listenerBench();
    const [one, two, three] = [
      await createRule(elb, listener, 1),
      await createRule(elb, listener, 2),
      await createRule(elb, listener, 3),
    ];
    const move = (...pairs: [arn: string, priority: number][]) =>
      elb.send(
        new SetRulePrioritiesCommand({ RulePriorities: pairs.map(([RuleArn, Priority]) => ({ RuleArn, Priority })) }),
      );
    await move([one, 2], [two, 1]);
    expect((await rules()).slice(0, 3).map((rule) => rule.RuleArn)).toEqual([two, one, three]);
    expect((await failure(move([one, 9], [two, 3]))).name).toBe('PriorityInUseException');
    expect((await rules()).slice(0, 3).map((rule) => rule.Priority)).toEqual(['1', '2', '3']);
  });

  test('the default rule belongs to the listener', async () => {
    const { elb, listener, rules } = await listenerBench();
    const group = await createGroup(elb, 'blue');
    const [fallback] = await rules();
    const RuleArn = fallback?.RuleArn;
    expect((await failure(elb.send(new DeleteRuleCommand({ RuleArn })))).name).toBe('OperationNotPermittedException');
    await elb.send(new ModifyListenerCommand({ ListenerArn: listener, DefaultActions: [forward(group)] }));
    expect((await rules())[0]?.Actions?.[0]?.TargetGroupArn).toBe(group);
    const { Listeners } = await elb.send(new DescribeListenersCommand({ ListenerArns: [listener] }));
    expect(Listeners?.[0]?.DefaultActions?.[0]?.TargetGroupArn).toBe(group);
  });

  test('deleting an absent rule is RuleNotFound', async () => {
    const { elb, listener } = await listenerBench();
    const rule = await createRule(elb, listener, 1);
    await elb.send(new DeleteRuleCommand({ RuleArn: rule }));
    expect((await failure(elb.send(new DeleteRuleCommand({ RuleArn: rule })))).name).toBe('RuleNotFoundException');
  });

  test('a target group cannot go while an action names it', async () => {
    const { elb, listener, balancer } = await listenerBench();
    const group = await createGroup(elb, 'blue');
    const rule = await createRule(elb, listener, 1, [forward(group)]);
    const remove = () => elb.send(new DeleteTargetGroupCommand({ TargetGroupArn: group }));
    expect((await failure(remove())).name).toBe('ResourceInUseException');
    const { TargetGroups } = await elb.send(new DescribeTargetGroupsCommand({ LoadBalancerArn: balancer }));
    expect(TargetGroups?.map((each) => each.LoadBalancerArns)).toEqual([[balancer]]);
    await elb.send(new DeleteRuleCommand({ RuleArn: rule }));
    await remove();
    expect((await failure(elb.send(new DescribeTargetGroupsCommand({ Names: ['blue'] })))).name).toBe(
      'TargetGroupNotFoundException',
    );
  });

  test('a target group serves one balancer only', async () => {
    const { elb, listener } = await listenerBench();
    const group = await createGroup(elb, 'blue');
    await createRule(elb, listener, 1, [forward(group)]);
    const other = await createListener(elb, await createBalancer(elb, 'second'));
    expect((await failure(createRule(elb, other, 1, [forward(group)]))).name).toBe(
      'TargetGroupAssociationLimitException',
    );
  });

  test.each([
    ['no conditions', { Conditions: [], Actions: [NOT_FOUND] }, 'ValidationError'],
    ['no actions', { Conditions: [{ Field: 'host-header', Values: ['a'] }], Actions: [] }, 'ValidationError'],
    [
      'two hosts conditions',
      {
        Conditions: [
          { Field: 'host-header', Values: ['a'] },
          { Field: 'host-header', Values: ['b'] },
        ],
        Actions: [NOT_FOUND],
      },
      'ValidationError',
    ],
    [
      'six values',
      { Conditions: [{ Field: 'host-header', Values: ['a', 'b', 'c', 'd', 'e', 'f'] }], Actions: [NOT_FOUND] },
      'ValidationError',
    ],
    [
      'two actions',
      { Conditions: [{ Field: 'host-header', Values: ['a'] }], Actions: [NOT_FOUND, NOT_FOUND] },
      'TooManyActionsException',
    ],
    [
      'an unknown target group',
      {
        Conditions: [{ Field: 'host-header', Values: ['a'] }],
        Actions: [forward('arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/x/1')],
      },
      'TargetGroupNotFoundException',
    ],
    [
      'a redirect to itself',
      {
        Conditions: [{ Field: 'host-header', Values: ['a'] }],
        Actions: [{ Type: 'redirect' as const, RedirectConfig: { StatusCode: 'HTTP_301' as const } }],
      },
      'InvalidLoadBalancerActionException',
    ],
  ])('a rule with %s is refused and leaves nothing', async (_, content, name) => {
    const { elb, listener, rules } = await listenerBench();
    const error = await failure(elb.send(new CreateRuleCommand({ ListenerArn: listener, Priority: 1, ...content })));
    expect(error.name === name || error.Code === name).toBe(true);
    expect(await rules()).toHaveLength(1);
  });
});
