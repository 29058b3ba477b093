import {
  DeleteLoadBalancerCommand,
  DescribeListenersCommand,
  DescribeLoadBalancerAttributesCommand,
  DescribeLoadBalancersCommand,
  DescribeTargetGroupsCommand,
  ModifyLoadBalancerAttributesCommand,
  SetSecurityGroupsCommand,
  SetSubnetsCommand,
} from '@aws-sdk/client-elastic-load-balancing-v2';
import { describe, expect, test } from 'vitest';
import { bench, createBalancer, createGroup, createListener, createRule, failure, forward } from './support.ts';

const byName = (name: string) => new DescribeLoadBalancersCommand({ Names: [name] });

describe('the life cycle of a load balancer', () => {
  test('a new balancer is provisioning with its DNS name known, and active after its time', async () => {
    const { elb, clock } = await bench({ lifecycle: { provisioningSeconds: 120 } });
    await createBalancer(elb, 'k8s-public');
    const young = (await elb.send(byName('k8s-public'))).LoadBalancers?.[0];
    expect(young).toMatchObject({
      State: { Code: 'provisioning' },
      Scheme: 'internet-facing',
      CanonicalHostedZoneId: 'Z35SXDOTRQ7X7K',
    });
    expect(young?.DNSName).toMatch(/^k8s-public-\d+\.us-east-1\.elb\.amazonaws\.com$/);
    expect(young?.CreatedTime).toEqual(clock.now());
    clock.advance(119);
    expect((await elb.send(byName('k8s-public'))).LoadBalancers?.[0]?.State?.Code).toBe('provisioning');
    clock.advance(1);
    expect((await elb.send(byName('k8s-public'))).LoadBalancers?.[0]?.State?.Code).toBe('active');
  });

  test('a balancer planned to fail ends its provisioning as failed', async () => {
    const { elb, clock, endpoint } = await bench();
    expect(endpoint.state.setBalancerState('doomed', 'failed')).toBe('on creation');
    await createBalancer(elb, 'doomed');
    expect((await elb.send(byName('doomed'))).LoadBalancers?.[0]?.State?.Code).toBe('provisioning');
    clock.advance(120);
    expect((await elb.send(byName('doomed'))).LoadBalancers?.[0]?.State?.Code).toBe('failed');
  });

  test('a balancer is not seen by reads until its visibility delay has passed, but can be written to', async () => {
    const { elb, clock } = await bench({ lifecycle: { visibilityDelaySeconds: 3 } });
    const arn = await createBalancer(elb);
    expect((await failure(elb.send(byName('k8s-public')))).name).toBe('LoadBalancerNotFoundException');
    expect((await elb.send(new DescribeLoadBalancersCommand({}))).LoadBalancers).toEqual([]);
    clock.advance(2);
    await createListener(elb, arn);
    clock.advance(1);
    expect((await elb.send(byName('k8s-public'))).LoadBalancers).toHaveLength(1);
    expect((await elb.send(new DescribeListenersCommand({ LoadBalancerArn: arn }))).Listeners).toEqual([]);
    clock.advance(2);
    expect((await elb.send(new DescribeListenersCommand({ LoadBalancerArn: arn }))).Listeners).toHaveLength(1);
  });

  test('one missing name fails the whole call', async () => {
    const { elb } = await bench();
    await createBalancer(elb, 'here');
    const error = await failure(elb.send(new DescribeLoadBalancersCommand({ Names: ['here', 'gone'] })));
    expect(error).toMatchObject({ name: 'LoadBalancerNotFoundException', Code: 'LoadBalancerNotFound' });
    expect(error.message).toContain('gone');
  });

  test('deleting takes listeners and rules along, leaves target groups, and may be repeated', async () => {
    const { elb, endpoint } = await bench();
    const arn = await createBalancer(elb);
    const listener = await createListener(elb, arn);
    const group = await createGroup(elb, 'blue');
    await createRule(elb, listener, 1, [forward(group)]);
    await elb.send(new DeleteLoadBalancerCommand({ LoadBalancerArn: arn }));
    await elb.send(new DeleteLoadBalancerCommand({ LoadBalancerArn: arn }));
    expect((await failure(elb.send(new DescribeListenersCommand({ LoadBalancerArn: arn })))).name).toBe(
      'LoadBalancerNotFoundException',
    );
    expect((await failure(elb.send(new DescribeListenersCommand({ ListenerArns: [listener] })))).name).toBe(
      'ListenerNotFoundException',
    );
    expect(endpoint.state.region('us-east-1').rules.size).toBe(0);
    expect(
      (await elb.send(new DescribeTargetGroupsCommand({ TargetGroupArns: [group] }))).TargetGroups?.[0]
        ?.LoadBalancerArns,
    ).toEqual([]);
  });

  test('deletion protection refuses the deletion until it is switched off', async () => {
    const { elb } = await bench();
    const arn = await createBalancer(elb);
    const protect = (Value: string) =>
      elb.send(
        new ModifyLoadBalancerAttributesCommand({
          LoadBalancerArn: arn,
          Attributes: [{ Key: 'deletion_protection.enabled', Value }],
        }),
      );
    await protect('true');
    expect((await failure(elb.send(new DeleteLoadBalancerCommand({ LoadBalancerArn: arn })))).name).toBe(
      'OperationNotPermittedException',
    );
    await protect('false');
    await elb.send(new DeleteLoadBalancerCommand({ LoadBalancerArn: arn }));
    expect((await elb.send(new DescribeLoadBalancersCommand({}))).LoadBalancers).toEqual([]);
  });

  test('attributes keep their defaults until they are changed, and unknown ones are refused', async () => {
    const { elb } = await bench();
    const arn = await createBalancer(elb);
    const modify = (Key: string, Value: string) =>
      elb.send(new ModifyLoadBalancerAttributesCommand({ LoadBalancerArn: arn, Attributes: [{ Key, Value }] }));
    await modify('idle_timeout.timeout_seconds', '30');
    const { Attributes } = await elb.send(new DescribeLoadBalancerAttributesCommand({ LoadBalancerArn: arn }));
    expect(Attributes).toContainEqual({ Key: 'idle_timeout.timeout_seconds', Value: '30' });
    expect(Attributes).toContainEqual({ Key: 'routing.http2.enabled', Value: 'true' });
    expect((await failure(modify('no.such', 'x'))).name).toBe('ValidationError');
    expect((await failure(modify('deletion_protection.enabled', 'yes'))).name).toBe('ValidationError');
  });

  test('subnets and security groups can be replaced', async () => {
    const { elb } = await bench();
    const arn = await createBalancer(elb);
    await elb.send(new SetSubnetsCommand({ LoadBalancerArn: arn, Subnets: ['subnet-8', 'subnet-9'] }));
    await elb.send(new SetSecurityGroupsCommand({ LoadBalancerArn: arn, SecurityGroups: ['sg-7'] }));
    const [balancer] =
      (await elb.send(new DescribeLoadBalancersCommand({ LoadBalancerArns: [arn] }))).LoadBalancers ?? [];
    expect(balancer?.AvailabilityZones?.map((zone) => zone.SubnetId)).toEqual(['subnet-8', 'subnet-9']);
    expect(balancer?.SecurityGroups).toEqual(['sg-7']);
  });

  test('regions do not see each other', async () => {
    const { elb, elbIn } = await bench();
    await createBalancer(elb, 'k8s-public');
    const frankfurt = elbIn('eu-central-1');
    expect((await failure(frankfurt.send(byName('k8s-public')))).name).toBe('LoadBalancerNotFoundException');
    await createBalancer(frankfurt, 'k8s-public');
    const [there] = (await frankfurt.send(byName('k8s-public'))).LoadBalancers ?? [];
    expect(there).toMatchObject({ CanonicalHostedZoneId: 'Z215JYRZR1TBD5' });
    expect(there?.DNSName).toContain('.eu-central-1.elb.amazonaws.com');
    frankfurt.destroy();
  });
});
