import {
  DeleteLoadBalancerCommand,
  DescribeListenersCommand,
  DescribeLoadBalancersCommand,
  DescribeRulesCommand,
  DescribeTargetGroupsCommand,
  paginateDescribeLoadBalancers,
  paginateDescribeRules,
} from '@aws-sdk/client-elastic-load-balancing-v2';
import { describe, expect, test } from 'vitest';
import { bench, createBalancer, createGroup, createListener, createRule, failure, present } from './support.ts';

describe('paging', () => {
  test('every balancer comes exactly once, whatever the page size', async () => {
    const { elb } = await bench();
    for (const name of ['a', 'b', 'c', 'd', 'e']) await createBalancer(elb, name);
    const pages: number[] = [];
    const names: (string | undefined)[] = [];
    for await (const page of paginateDescribeLoadBalancers({ client: elb }, { PageSize: 2 })) {
      pages.push(page.LoadBalancers?.length ?? 0);
      names.push(...(page.LoadBalancers ?? []).map((balancer) => balancer.LoadBalancerName));
    }
    expect(pages).toEqual([2, 2, 1]);
    expect(names.sort()).toEqual(['a', 'b', 'c', 'd', 'e']);
  });

  test('a marker goes on although the item it stands for is deleted', async () => {
    const { elb } = await bench();
    for (const name of ['a', 'b', 'c']) await createBalancer(elb, name);
    const first = await elb.send(new DescribeLoadBalancersCommand({ PageSize: 1 }));
    await elb.send(
      new DeleteLoadBalancerCommand({ LoadBalancerArn: present(first.LoadBalancers?.[0]?.LoadBalancerArn) }),
    );
    const rest = await elb.send(new DescribeLoadBalancersCommand({ Marker: first.NextMarker }));
    expect(rest.LoadBalancers?.map((balancer) => balancer.LoadBalancerName)).toEqual(['b', 'c']);
    expect(rest.NextMarker).toBeUndefined();
  });

  test('rules are paged in the order of priorities', async () => {
    const { elb } = await bench();
    const listener = await createListener(elb, await createBalancer(elb));
    for (const priority of [5, 100, 20]) await createRule(elb, listener, priority);
    const priorities: (string | undefined)[] = [];
    for await (const page of paginateDescribeRules({ client: elb }, { ListenerArn: listener, PageSize: 3 })) {
      priorities.push(...(page.Rules ?? []).map((rule) => rule.Priority));
    }
    expect(priorities).toEqual(['5', '20', '100', 'default']);
  });

  test('listeners and target groups are paged', async () => {
    const { elb } = await bench();
    const balancer = await createBalancer(elb);
    for (const port of [80, 81, 82]) await createListener(elb, balancer, port);
    for (const name of ['a', 'b', 'c']) await createGroup(elb, name);
    const listeners = await elb.send(new DescribeListenersCommand({ LoadBalancerArn: balancer, PageSize: 2 }));
    expect(listeners.Listeners).toHaveLength(2);
    const more = await elb.send(
      new DescribeListenersCommand({ LoadBalancerArn: balancer, Marker: listeners.NextMarker }),
    );
    expect(more.Listeners).toHaveLength(1);
    const groups = await elb.send(new DescribeTargetGroupsCommand({ PageSize: 2 }));
    expect(groups.TargetGroups?.map((group) => group.TargetGroupName)).toEqual(['a', 'b']);
    expect((await elb.send(new DescribeTargetGroupsCommand({ Marker: groups.NextMarker }))).TargetGroups).toHaveLength(
      1,
    );
  });

  test.each([{ PageSize: 0 }, { PageSize: 401 }, { Marker: 'bWFya2Vy' }])('%j is a ValidationError', async (input) => {
    const { elb } = await bench();
    expect((await failure(elb.send(new DescribeLoadBalancersCommand(input)))).name).toBe('ValidationError');
  });

  test('a marker of another listing is a ValidationError', async () => {
    const { elb } = await bench();
    const listener = await createListener(elb, await createBalancer(elb));
    for (const name of ['b', 'c']) await createBalancer(elb, name);
    const { NextMarker } = await elb.send(new DescribeLoadBalancersCommand({ PageSize: 1 }));
    const error = await failure(elb.send(new DescribeRulesCommand({ ListenerArn: listener, Marker: NextMarker })));
    expect(error.name).toBe('ValidationError');
  });

  test('more than 20 names in one call are refused', async () => {
    const { elb } = await bench();
    const Names = Array.from({ length: 21 }, (_, index) => `n${index}`);
    expect((await failure(elb.send(new DescribeLoadBalancersCommand({ Names })))).name).toBe('ValidationError');
  });
});
