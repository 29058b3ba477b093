import {
  DescribeLoadBalancersCommand,
  DescribeTargetHealthCommand,
  RegisterTargetsCommand,
} from '@aws-sdk/client-elastic-load-balancing-v2';
import { describe, expect, test } from 'vitest';
import { bench, createBalancer, createGroup, createListener, createRule, failure, forward } from './support.ts';

describe('the knobs over HTTP', () => {
  test('a balancer is put into a state now, or on creation when there is none yet', async () => {
    const { elb, clock, control } = await bench();
    const state = async (name: string) =>
      (await elb.send(new DescribeLoadBalancersCommand({ Names: [name] }))).LoadBalancers?.[0]?.State;
    await createBalancer(elb, 'one');
    expect(
      (await control('POST', 'balancers/one/state', { state: 'active_impaired', reason: 'no addresses' })).json,
    ).toEqual({ applied: 'now' });
    expect(await state('one')).toEqual({ Code: 'active_impaired', Reason: 'no addresses' });
    await control('POST', 'balancers/one/state', { state: 'active' });
    expect(await state('one')).toEqual({ Code: 'active' });
    expect((await control('POST', 'balancers/two/state', { state: 'failed' })).json).toEqual({
      applied: 'on creation',
    });
    await createBalancer(elb, 'two');
    expect(await state('two')).toEqual({ Code: 'provisioning' });
    clock.advance(120);
    expect(await state('two')).toEqual({ Code: 'failed' });
    const wrong = await control('POST', 'balancers/one/state', { state: 'broken' });
    expect(wrong).toMatchObject({ status: 400, json: { error: expect.stringMatching(/^state: /) } });
  });

  test('faults are added, listed with those that struck, and removed', async () => {
    const { elb, control } = await bench();
    const rule = { match: { service: 'elbv2' }, effect: { kind: 'throttle' } };
    expect(await control('POST', 'faults', [rule, { ...rule, id: 'mine', times: 1 }])).toEqual({
      status: 200,
      json: { ids: ['fault-1', 'mine'] },
    });
    expect((await control('DELETE', 'faults/fault-1')).status).toBe(200);
    expect((await failure(createBalancer(elb))).name).toBe('Throttling');
    expect((await control('GET', 'faults')).json).toMatchObject({
      rules: [{ id: 'mine' }],
      applied: [{ ruleId: 'mine', action: 'CreateLoadBalancer' }],
    });
    expect((await control('DELETE', 'faults/fault-1')).status).toBe(404);
    await control('DELETE', 'faults');
    expect((await control('GET', 'faults')).json).toEqual({ rules: [], applied: [] });
  });

  test('a list of faults with a wrong one adds none and says what is wrong', async () => {
    const { control } = await bench();
    const rules = [
      { match: { service: 'elbv2' }, effect: { kind: 'reset' } },
      { match: { service: 'elb' }, effect: { kind: 'latency', ms: -1 } },
    ];
    const answer = await control('POST', 'faults', rules);
    expect(answer).toMatchObject({
      status: 400,
      json: { error: expect.stringMatching(/match\.service: .*\neffect\.ms: /) },
    });
    expect((await control('GET', 'faults')).json).toMatchObject({ rules: [] });
  });

  test('the state is read and replaced', async () => {
    const { elb, control } = await bench();
    await createBalancer(elb, 'one');
    const { json } = await control('GET', 'state');
    expect(json).toMatchObject({
      regions: { 'us-east-1': { loadBalancers: [{ name: 'one', state: 'provisioning' }] } },
    });
    await control('PUT', 'state', {});
    expect((await elb.send(new DescribeLoadBalancersCommand({}))).LoadBalancers).toEqual([]);
    expect((await control('PUT', 'state', json)).status).toBe(200);
    expect((await elb.send(new DescribeLoadBalancersCommand({}))).LoadBalancers).toHaveLength(1);
    expect((await control('PUT', 'state', { zones: [] })).status).toBe(400);
  });

  test('requests are counted by action and forgotten on demand', async () => {
    const { elb, endpoint, control } = await bench();
    await createBalancer(elb, 'one');
    await elb.send(new DescribeLoadBalancersCommand({}));
    await elb.send(new DescribeLoadBalancersCommand({}));
    expect((await control('GET', 'requests')).json).toMatchObject({
      counts: { 'elbv2:CreateLoadBalancer': 1, 'elbv2:DescribeLoadBalancers': 2 },
      requests: [
        { service: 'elbv2', action: 'CreateLoadBalancer', region: 'us-east-1', status: 200, attempt: 1 },
        {},
        {},
      ],
    });
    await control('DELETE', 'requests');
    expect(endpoint.requestCounts()).toEqual({});
  });

  test('certificates, target health and durations have knobs too', async () => {
    const { elb, endpoint, control } = await bench();
    const made = await control('POST', 'certificates', { domains: ['*.example.com'] });
    const { arn } = made.json as { arn: string };
    expect(endpoint.state.certificatesFor('us-east-1', 'a.example.com')).toEqual([made.json]);
    expect((await control('GET', 'certificates')).json).toEqual([made.json]);
    expect((await control('DELETE', `certificates?arn=${encodeURIComponent(arn)}`)).status).toBe(200);
    expect((await control('GET', 'certificates')).json).toEqual([]);

    expect((await control('PATCH', 'lifecycle', { targetHealthSeconds: 0 })).json).toMatchObject({
      targetHealthSeconds: 0,
      provisioningSeconds: 120,
    });
    const TargetGroupArn = await createGroup(elb, 'blue');
    await createRule(elb, await createListener(elb, await createBalancer(elb)), 1, [forward(TargetGroupArn)]);
    await elb.send(new RegisterTargetsCommand({ TargetGroupArn, Targets: [{ Id: '10.0.0.1' }] }));
    const health = async () =>
      (await elb.send(new DescribeTargetHealthCommand({ TargetGroupArn }))).TargetHealthDescriptions?.[0]?.TargetHealth;
    expect((await health())?.State).toBe('healthy');
    await control('POST', 'targets', { targetGroup: 'blue', state: 'unhealthy', reason: 'Target.Timeout' });
    expect(await health()).toEqual({ State: 'unhealthy', Reason: 'Target.Timeout' });
    expect((await control('POST', 'targets', { targetGroup: 'none', state: 'healthy' })).status).toBe(404);
  });

  test('an unknown knob is 404, a body that is no JSON 400', async () => {
    const { endpoint, control } = await bench();
    expect((await control('GET', 'nothing')).status).toBe(404);
    expect((await fetch(`${endpoint.url}/_sandbox/faults`, { method: 'POST', body: '{' })).status).toBe(400);
  });
});
