import {
  AddTagsCommand,
  CreateListenerCommand,
  CreateLoadBalancerCommand,
  type CreateLoadBalancerCommandInput,
  CreateTargetGroupCommand,
} from '@aws-sdk/client-elastic-load-balancing-v2';
import { describe, expect, test } from 'vitest';
import { bench, createBalancer, createGroup, createListener, failure, forward, NOT_FOUND, SUBNETS } from './support.ts';

describe('creating what exists', () => {
  test('a balancer of the same name and settings is given back, also when tags came later', async () => {
    const { elb, endpoint } = await bench();
    const input = { Name: 'one', Subnets: SUBNETS, Scheme: 'internal' as const, Tags: [{ Key: 'owner', Value: 'a' }] };
    const first = await elb.send(new CreateLoadBalancerCommand(input));
    const arn = first.LoadBalancers?.[0]?.LoadBalancerArn ?? '';
    await elb.send(new AddTagsCommand({ ResourceArns: [arn], Tags: [{ Key: 'more', Value: 'b' }] }));
    const second = await elb.send(new CreateLoadBalancerCommand({ ...input, Subnets: [...SUBNETS].reverse() }));
    expect(second.LoadBalancers?.[0]?.LoadBalancerArn).toBe(arn);
    expect(second.LoadBalancers?.[0]?.DNSName).toMatch(/^internal-one-/);
    expect(endpoint.state.region('us-east-1').loadBalancers.size).toBe(1);
  });

  test.each<[string, Partial<CreateLoadBalancerCommandInput>]>([
    ['scheme', { Scheme: 'internal' }],
    ['subnets', { Subnets: ['subnet-1', 'subnet-3'] }],
    ['security groups', { SecurityGroups: ['sg-2'] }],
    ['tags', { Tags: [{ Key: 'ingress.k8s.aws/stack', Value: 'other' }] }],
  ])('a balancer of the same name with other %s is DuplicateLoadBalancerName', async (_, change) => {
    const { elb } = await bench();
    await createBalancer(elb, 'one');
    const error = await failure(elb.send(new CreateLoadBalancerCommand({ Name: 'one', Subnets: SUBNETS, ...change })));
    expect(error).toMatchObject({ name: 'DuplicateLoadBalancerNameException', Code: 'DuplicateLoadBalancerName' });
  });

  test.each(['', 'a'.repeat(33), '-lead', 'trail-', 'under_score', 'internal-x'])(
    'the balancer name %j is refused',
    async (name) => {
      const { elb } = await bench();
      expect((await failure(createBalancer(elb, name))).name).toBe('ValidationError');
    },
  );

  test('a listener of the same port and settings is given back, another one is DuplicateListener', async () => {
    const { elb } = await bench();
    const balancer = await createBalancer(elb);
    const group = await createGroup(elb, 'blue');
    const first = await createListener(elb, balancer, 80);
    expect(await createListener(elb, balancer, 80)).toBe(first);
    const other = new CreateListenerCommand({
      LoadBalancerArn: balancer,
      Protocol: 'HTTP',
      Port: 80,
      DefaultActions: [forward(group)],
    });
    expect((await failure(elb.send(other))).name).toBe('DuplicateListenerException');
    expect(await createListener(elb, balancer, 81)).not.toBe(first);
  });

  test('a target group of the same name and settings is given back, another one is DuplicateTargetGroupName', async () => {
    const { elb } = await bench();
    const first = await createGroup(elb, 'blue');
    expect(await createGroup(elb, 'blue')).toBe(first);
    const other = new CreateTargetGroupCommand({
      Name: 'blue',
      Protocol: 'HTTP',
      Port: 9090,
      VpcId: 'vpc-1',
      TargetType: 'ip',
    });
    expect((await failure(elb.send(other))).name).toBe('DuplicateTargetGroupNameException');
  });

  test('a listener on an absent balancer is LoadBalancerNotFound', async () => {
    const { elb } = await bench();
    const LoadBalancerArn = 'arn:aws:elasticloadbalancing:us-east-1:123456789012:loadbalancer/app/gone/1';
    const command = new CreateListenerCommand({
      LoadBalancerArn,
      Protocol: 'HTTP',
      Port: 80,
      DefaultActions: [NOT_FOUND],
    });
    expect((await failure(elb.send(command))).name).toBe('LoadBalancerNotFoundException');
  });
});
