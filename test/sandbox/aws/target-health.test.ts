import {
  DeleteRuleCommand,
  DeregisterTargetsCommand,
  DescribeTargetHealthCommand,
  ModifyTargetGroupAttributesCommand,
  ModifyTargetGroupCommand,
  RegisterTargetsCommand,
} from '@aws-sdk/client-elastic-load-balancing-v2';
import { describe, expect, test } from 'vitest';
import { bench, createBalancer, createGroup, createListener, createRule, failure, forward } from './support.ts';

const TARGET = { Id: '10.0.0.1' };

async function groupBench() {
  const parts = await bench({ lifecycle: { targetHealthSeconds: 10, deregistrationDelaySeconds: 300 } });
  const group = await createGroup(parts.elb, 'blue');
  const listener = await createListener(parts.elb, await createBalancer(parts.elb));
  const register = () => parts.elb.send(new RegisterTargetsCommand({ TargetGroupArn: group, Targets: [TARGET] }));
  const deregister = () => parts.elb.send(new DeregisterTargetsCommand({ TargetGroupArn: group, Targets: [TARGET] }));
  const use = () => createRule(parts.elb, listener, 1, [forward(group)]);
  const health = async () => {
    const answer = await parts.elb.send(new DescribeTargetHealthCommand({ TargetGroupArn: group }));
    return answer.TargetHealthDescriptions?.map(({ TargetHealth }) =>
      [TargetHealth?.State, TargetHealth?.Reason].filter(Boolean).join(' '),
    );
  };
  return { ...parts, group, register, deregister, use, health };
}

describe('target health', () => {
  test('a target in a used group is initial, then healthy', async () => {
    const { register, use, health, clock } = await groupBench();
    await use();
    await register();
    expect(await health()).toEqual(['initial Elb.RegistrationInProgress']);
    clock.advance(6);
    expect(await health()).toEqual(['initial Elb.InitialHealthChecking']);
    clock.advance(4);
    expect(await health()).toEqual(['healthy']);
  });

  test('a target is unused while no listener uses its group, and is checked from then on', async () => {
    const { elb, register, use, health, clock } = await groupBench();
    await register();
    clock.advance(60);
    expect(await health()).toEqual(['unused Target.NotInUse']);
    const rule = await use();
    expect(await health()).toEqual(['initial Elb.RegistrationInProgress']);
    clock.advance(10);
    expect(await health()).toEqual(['healthy']);
    await elb.send(new DeleteRuleCommand({ RuleArn: rule }));
    expect(await health()).toEqual(['unused Target.NotInUse']);
  });

  test('a deregistered target drains, then is gone', async () => {
    const { register, deregister, use, health, clock } = await groupBench();
    await use();
    await register();
    clock.advance(10);
    await deregister();
    expect(await health()).toEqual(['draining Target.DeregistrationInProgress']);
    clock.advance(299);
    expect(await health()).toEqual(['draining Target.DeregistrationInProgress']);
    clock.advance(1);
    expect(await health()).toEqual([]);
    await deregister();
  });

  test('the deregistration delay is an attribute of the group', async () => {
    const { elb, group, register, deregister, use, health, clock } = await groupBench();
    const Attributes = [{ Key: 'deregistration_delay.timeout_seconds', Value: '15' }];
    await elb.send(new ModifyTargetGroupAttributesCommand({ TargetGroupArn: group, Attributes }));
    await use();
    await register();
    await deregister();
    clock.advance(15);
    expect(await health()).toEqual([]);
  });

  test('a draining target that is registered again starts anew', async () => {
    const { register, deregister, use, health, clock } = await groupBench();
    await use();
    await register();
    clock.advance(10);
    await deregister();
    clock.advance(20);
    await register();
    expect(await health()).toEqual(['initial Elb.RegistrationInProgress']);
    clock.advance(600);
    expect(await health()).toEqual(['healthy']);
  });

  test('an unknown target is unused, one set by hand keeps its health, a group without checks is unavailable', async () => {
    const { elb, endpoint, group, register, use, health, clock } = await groupBench();
    await use();
    await register();
    clock.advance(10);
    const asked = new DescribeTargetHealthCommand({ TargetGroupArn: group, Targets: [{ Id: '10.9.9.9', Port: 1 }] });
    expect((await elb.send(asked)).TargetHealthDescriptions?.[0]?.TargetHealth).toMatchObject({
      State: 'unused',
      Reason: 'Target.NotRegistered',
    });
    endpoint.state.setTargetHealth(
      'us-east-1',
      'blue',
      { id: '10.0.0.1' },
      { state: 'unhealthy', reason: 'Target.Timeout' },
    );
    expect(await health()).toEqual(['unhealthy Target.Timeout']);
    endpoint.state.setTargetHealth('us-east-1', 'blue', {});
    expect(await health()).toEqual(['healthy']);
    await elb.send(new ModifyTargetGroupCommand({ TargetGroupArn: group, HealthCheckEnabled: false }));
    expect(await health()).toEqual(['unavailable Target.HealthCheckDisabled']);
  });

  test('what is no address cannot be registered', async () => {
    const { elb, group } = await groupBench();
    const command = new RegisterTargetsCommand({ TargetGroupArn: group, Targets: [{ Id: 'i-0123456789abcdef0' }] });
    expect((await failure(elb.send(command))).name).toBe('ValidationError');
  });
});
