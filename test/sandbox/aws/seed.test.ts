import {
  DescribeListenersCommand,
  DescribeLoadBalancersCommand,
  DescribeRulesCommand,
  DescribeTargetHealthCommand,
  RegisterTargetsCommand,
} from '@aws-sdk/client-elastic-load-balancing-v2';
import { ListResourceRecordSetsCommand } from '@aws-sdk/client-route-53';
import { describe, expect, test } from 'vitest';
import type { AwsSeed } from '../../../sandbox/aws/seed-schema.ts';
import { change, zoneBench } from './dns-support.ts';
import {
  bench,
  createBalancer,
  createGroup,
  createListener,
  createRule,
  failure,
  forward,
  present,
} from './support.ts';

const SEED: AwsSeed = {
  regions: {
    'us-east-1': {
      limits: { 'rules-per-application-load-balancer': 76 },
      certificates: [{ domains: ['*.example.com'] }],
      loadBalancers: [
        {
          name: 'k8s-groundwork-public',
          tags: { 'ingress.k8s.aws/stack': 'public' },
          listeners: [
            { port: 80, protocol: 'HTTP', redirect: true },
            { port: 443, protocol: 'HTTPS', rules: 75 },
          ],
        },
        {
          name: 'k8s-groundwork-internal',
          scheme: 'internal',
          state: 'provisioning',
          listeners: [
            {
              port: 443,
              protocol: 'HTTPS',
              rules: [
                { host: 'a.example.com', path: '/*', targetGroups: { blue: 90, green: 10 } },
                { host: ['b.example.com', 'c.example.com'], targetGroup: 'blue' },
              ],
            },
          ],
        },
      ],
    },
  },
  hostedZones: [
    { id: 'Z1PUBLIC', name: 'example.com', records: [{ name: 'old.example.com', type: 'A', values: ['192.0.2.1'] }] },
    { id: 'Z2PRIVATE', name: 'example.com', private: true },
  ],
};

describe('seeding', () => {
  test('a number of rules makes that many hosts, each with a group of one healthy target', async () => {
    const { elb } = await bench({ seed: SEED });
    const [balancer] =
      (await elb.send(new DescribeLoadBalancersCommand({ Names: ['k8s-groundwork-public'] }))).LoadBalancers ?? [];
    expect(balancer).toMatchObject({ State: { Code: 'active' }, Scheme: 'internet-facing' });
    const { Listeners } = await elb.send(new DescribeListenersCommand({ LoadBalancerArn: balancer?.LoadBalancerArn }));
    const byPort = new Map(Listeners?.map((listener) => [listener.Port, listener]));
    expect(byPort.get(80)?.DefaultActions?.[0]?.RedirectConfig).toMatchObject({ Port: '443', StatusCode: 'HTTP_301' });
    expect(byPort.get(443)?.Certificates).toHaveLength(1);
    const ListenerArn = present(byPort.get(443)?.ListenerArn);
    const { Rules } = await elb.send(new DescribeRulesCommand({ ListenerArn }));
    expect(Rules).toHaveLength(76);
    const TargetGroupArn = present(Rules?.[74]?.Actions?.[0]?.TargetGroupArn);
    const health = await elb.send(new DescribeTargetHealthCommand({ TargetGroupArn }));
    expect(health.TargetHealthDescriptions?.map((each) => each.TargetHealth?.State)).toEqual(['healthy']);
    await createRule(elb, ListenerArn, 80);
    expect((await failure(createRule(elb, ListenerArn, 81))).name).toBe('TooManyRulesException');
  });

  test('explicit rules name target groups, which are made once', async () => {
    const { elb, clock } = await bench({ seed: SEED });
    const describe = async () =>
      (await elb.send(new DescribeLoadBalancersCommand({ Names: ['k8s-groundwork-internal'] }))).LoadBalancers?.[0];
    expect((await describe())?.State?.Code).toBe('provisioning');
    const { Listeners } = await elb.send(
      new DescribeListenersCommand({ LoadBalancerArn: (await describe())?.LoadBalancerArn }),
    );
    const { Rules } = await elb.send(new DescribeRulesCommand({ ListenerArn: Listeners?.[0]?.ListenerArn }));
    expect(Rules?.[0]?.Conditions?.map((condition) => condition.Values)).toEqual([['a.example.com'], ['/*']]);
    expect(Rules?.[0]?.Actions?.[0]?.ForwardConfig?.TargetGroups?.map((group) => group.Weight)).toEqual([90, 10]);
    expect(Rules?.[1]?.Actions?.[0]?.TargetGroupArn).toBe(
      Rules?.[0]?.Actions?.[0]?.ForwardConfig?.TargetGroups?.[0]?.TargetGroupArn,
    );
    clock.advance(120);
    expect((await describe())?.State?.Code).toBe('active');
  });

  test('zones have their records', async () => {
    const { dns } = await bench({ seed: SEED });
    const { ResourceRecordSets } = await dns.send(new ListResourceRecordSetsCommand({ HostedZoneId: 'Z1PUBLIC' }));
    expect(ResourceRecordSets?.map((record) => `${record.Name} ${record.TTL}`)).toContain('old.example.com. 300');
  });

  test('a dump restores everything, in the middle of every life cycle', async () => {
    const {
      elb,
      change: send,
      endpoint,
      clock,
    } = await zoneBench({ lifecycle: { visibilityDelaySeconds: 1, zoneBusySeconds: 5 } });
    endpoint.state.setBalancerState('planned', 'failed');
    endpoint.state.addCertificate('us-east-1', ['a.example.com']);
    const arn = await createBalancer(elb);
    const listener = await createListener(elb, arn);
    const group = await createGroup(elb, 'blue');
    await createRule(elb, listener, 3, [forward(group)]);
    await elb.send(new RegisterTargetsCommand({ TargetGroupArn: group, Targets: [{ Id: '10.0.0.1' }] }));
    await send(change('CREATE', '*.example.com', { SetIdentifier: 'x', Weight: 3 }));
    const dump = JSON.parse(JSON.stringify(endpoint.dump()));
    const second = await bench({ seed: dump, lifecycle: { visibilityDelaySeconds: 1 } });
    expect(second.endpoint.dump()).toEqual(dump);
    for (const each of [clock, second.clock]) each.advance(119);
    const state = async (client: typeof elb) =>
      (await client.send(new DescribeLoadBalancersCommand({ LoadBalancerArns: [arn] }))).LoadBalancers?.[0];
    expect(await state(second.elb)).toEqual({ ...(await state(elb)) });
    expect((await state(second.elb))?.State?.Code).toBe('provisioning');
    second.clock.advance(1);
    expect((await state(second.elb))?.State?.Code).toBe('active');
    second.endpoint.seed(second.endpoint.dump());
    expect((await state(second.elb))?.State?.Code).toBe('active');
  });

  test('a wrong seed names every wrong field and changes nothing', async () => {
    const { endpoint } = await bench({ seed: SEED });
    const before = endpoint.dump();
    const wrong = {
      regions: { nowhere: {}, 'us-east-1': { loadBalancers: [{ name: 'x', state: 'ready', colour: 'red' }] } },
    };
    expect(() => endpoint.seed(wrong as unknown as AwsSeed)).toThrow(
      /regions\.nowhere: .*\nregions\.us-east-1\.loadBalancers\.0\.state: .*\nregions\.us-east-1\.loadBalancers\.0: .*"colour"/,
    );
    const contradictory: AwsSeed = {
      regions: {
        'us-east-1': {
          limits: { nonsense: 1 },
          loadBalancers: [
            {
              name: 'x',
              listeners: [
                { port: 80, protocol: 'HTTP', rules: [{ priority: 1, host: 'a', targetGroup: 'g' }, { priority: 1 }] },
              ],
            },
            { name: 'x', listeners: [{ port: 443, protocol: 'HTTPS', certificate: 'arn:none' }] },
          ],
        },
      },
      hostedZones: [{ name: 'example.com', records: [{ name: 'a.example.org', type: 'A', values: ['192.0.2.1'] }] }],
    };
    expect(() => endpoint.seed(contradictory)).toThrow(
      /nonsense[\s\S]*priority 1 is taken[\s\S]*needs a host[\s\S]*needs a target group[\s\S]*two named x[\s\S]*arn:none[\s\S]*not permitted in zone/,
    );
    expect(endpoint.dump()).toEqual(before);
  });
});
