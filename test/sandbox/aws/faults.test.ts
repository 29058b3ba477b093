import {
  CreateLoadBalancerCommand,
  CreateRuleCommand,
  CreateTargetGroupCommand,
  DescribeLoadBalancersCommand,
  DescribeRulesCommand,
  ModifyRuleCommand,
} from '@aws-sdk/client-elastic-load-balancing-v2';
import { ListHostedZonesCommand } from '@aws-sdk/client-route-53';
import { describe, expect, test } from 'vitest';
import type { FaultRule } from '../../../sandbox/faults/plan.ts';
import { change, zoneBench } from './dns-support.ts';
import {
  bench,
  createBalancer,
  createGroup,
  createListener,
  createRule,
  failure,
  NOT_FOUND,
  SUBNETS,
} from './support.ts';

const onCreate = (effect: FaultRule['effect'], more: Partial<FaultRule> = {}): FaultRule => ({
  match: { service: 'elbv2', action: 'CreateLoadBalancer' },
  effect,
  ...more,
});

const ENDS: [FaultRule['effect'], string][] = [
  [{ kind: 'throttle' }, 'Throttling'],
  [{ kind: 'error', code: 'InternalFailure', status: 500, message: 'planned' }, 'InternalFailure'],
  [{ kind: 'error', code: 'TooManyLoadBalancers', status: 400 }, 'TooManyLoadBalancersException'],
  [{ kind: 'reset' }, 'TimeoutError'],
  [{ kind: 'truncate' }, 'Error'],
  [{ kind: 'garbage' }, 'Unknown'],
];

describe('faults', () => {
  test.each(ENDS)('%j before the effect leaves no balancer', async (effect, name) => {
    const { elb, endpoint } = await bench();
    endpoint.faults.add(onCreate(effect, { times: 1 }));
    expect((await failure(createBalancer(elb))).name).toBe(name);
    expect(endpoint.state.region('us-east-1').loadBalancers.size).toBe(0);
    await createBalancer(elb);
  });

  test.each(ENDS)('%j after the effect leaves the balancer and loses the answer', async (effect, name) => {
    const { elb, endpoint } = await bench();
    endpoint.faults.add(onCreate(effect, { times: 1, when: 'after' }));
    expect((await failure(createBalancer(elb))).name).toBe(name);
    expect(endpoint.state.region('us-east-1').loadBalancers.size).toBe(1);
    expect(endpoint.faults.applied()).toMatchObject([
      { ruleId: 'fault-1', action: 'CreateLoadBalancer', when: 'after', effect: effect.kind },
    ]);
  });

  test('a lost answer makes the second attempt of the SDK meet its own record', async () => {
    const { change: send, endpoint, records } = await zoneBench({ attempts: 2 });
    endpoint.faults.add({
      match: { service: 'route53', action: 'ChangeResourceRecordSets' },
      when: 'after',
      times: 1,
      effect: { kind: 'reset' },
    });
    expect((await failure(send(change('CREATE', 'a.example.com')))).message).toContain('but it already exists');
    expect(await records()).toHaveLength(1);
    const attempts = endpoint.requests().filter((entry) => entry.action === 'ChangeResourceRecordSets');
    expect(attempts.map(({ attempt, status, errorCode }) => [attempt, status, errorCode])).toEqual([
      [1, 0, undefined],
      [2, 400, 'InvalidChangeBatch'],
    ]);
    expect(new Set(attempts.map((entry) => entry.invocationId)).size).toBe(1);
  });

  test('a lost answer to CreateRule makes the repeat PriorityInUse, to an idempotent create it simply succeeds', async () => {
    const { elb, endpoint } = await bench({ attempts: 2 });
    const ListenerArn = await createListener(elb, await createBalancer(elb));
    for (const action of ['CreateRule', 'CreateTargetGroup']) {
      endpoint.faults.add({ match: { service: 'elbv2', action }, when: 'after', times: 1, effect: { kind: 'reset' } });
    }
    const rule = new CreateRuleCommand({
      ListenerArn,
      Priority: 1,
      Conditions: [{ Field: 'host-header', Values: ['a.example.com'] }],
      Actions: [NOT_FOUND],
    });
    expect((await failure(elb.send(rule))).name).toBe('PriorityInUseException');
    await elb.send(new CreateTargetGroupCommand({ Name: 'blue', Protocol: 'HTTP', Port: 80, VpcId: 'vpc-1' }));
    expect(endpoint.state.region('us-east-1').targetGroups.size).toBe(1);
  });

  test('a throttled call is retried by the SDK', async () => {
    const { elb, endpoint } = await bench({ attempts: 2 });
    endpoint.faults.add(onCreate({ kind: 'throttle' }, { times: 1 }));
    await createBalancer(elb);
    expect(endpoint.requests().map((entry) => [entry.status, entry.errorCode, entry.faults])).toEqual([
      [400, 'Throttling', ['fault-1']],
      [200, undefined, undefined],
    ]);
  });

  test('a hanging call ends when its client gives up, after the effect or without', async () => {
    const { elb, endpoint } = await bench();
    for (const [when, balancers] of [
      ['before', 0],
      ['after', 1],
    ] as const) {
      endpoint.faults.add(onCreate({ kind: 'hang' }, { id: 'hang', when }));
      const abort = new AbortController();
      const call = failure(
        elb.send(new CreateLoadBalancerCommand({ Name: 'k8s-public', Subnets: SUBNETS }), {
          abortSignal: abort.signal,
        }),
      );
      while (!endpoint.faults.applied().some((fault) => fault.when === when))
        await new Promise((resolve) => setImmediate(resolve));
      abort.abort();
      expect((await call).name).toBe('AbortError');
      expect((await elb.send(new DescribeLoadBalancersCommand({}))).LoadBalancers).toHaveLength(balancers);
    }
  });

  test('latency only holds the answer back', async () => {
    const { elb, endpoint } = await bench();
    endpoint.faults.add(onCreate({ kind: 'latency', ms: 5 }));
    endpoint.faults.add(onCreate({ kind: 'latency', ms: 5 }, { when: 'after' }));
    await createBalancer(elb);
    expect(endpoint.faults.applied().map((fault) => fault.when)).toEqual(['before', 'after']);
  });

  test('a stale read shows the state before the latest mutation that changed something', async () => {
    const { elb, endpoint } = await bench();
    const listener = await createListener(elb, await createBalancer(elb));
    const group = await createGroup(elb, 'blue');
    const rule = await createRule(elb, listener, 1);
    const target = { Type: 'forward' as const, TargetGroupArn: group };
    await elb.send(new ModifyRuleCommand({ RuleArn: rule, Actions: [target] }));
    await createGroup(elb, 'blue');
    const action = async () =>
      (await elb.send(new DescribeRulesCommand({ RuleArns: [rule] }))).Rules?.[0]?.Actions?.[0]?.Type;
    endpoint.faults.add({
      match: { service: 'elbv2', action: 'DescribeRules' },
      times: 1,
      effect: { kind: 'stale-read' },
    });
    expect(await action()).toBe('fixed-response');
    expect(await action()).toBe('forward');
  });

  test('a stale read of records shows none of the latest batch', async () => {
    const { change: send, records, endpoint } = await zoneBench();
    await send(change('CREATE', 'a.example.com'));
    endpoint.faults.add({
      match: { service: 'route53', action: 'ListResourceRecordSets' },
      times: 1,
      effect: { kind: 'stale-read' },
    });
    expect(await records()).toEqual([]);
    expect(await records()).toHaveLength(1);
  });

  test('a rule can be bound to a resource named in the request', async () => {
    const { elb, dns, endpoint } = await bench();
    endpoint.faults.add(
      onCreate(
        { kind: 'error', code: 'AccessDenied', status: 403 },
        { match: { service: 'elbv2', resource: 'Name=k8s-private&' } },
      ),
    );
    await createBalancer(elb, 'k8s-public');
    expect((await failure(createBalancer(elb, 'k8s-private'))).name).toBe('AccessDenied');
    await dns.send(new ListHostedZonesCommand({}));
  });
});
