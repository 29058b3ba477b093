import { describe, expect, test } from 'vitest';
import {
  finalizeUpdate,
  pauseUpdate,
  resumeUpdate,
  switchTrafficUpdate,
} from '../../../contract/deployment/messages.ts';
import { failureOf } from '../../support/inspect.ts';
import {
  byPlan,
  deploymentOf,
  drive,
  fallIll,
  inPhase,
  lent,
  next,
  objectsOf,
  reaches,
  rollOut,
  rolloutStatus,
  rolloutWorld,
  served,
  startRollout,
  traceOf,
  weightsOf,
} from '../../support/rollouts.ts';

const world = rolloutWorld();

describe('a second version', () => {
  test('gets traffic by hand and takes over without a failed request (rows 2, 3: D3, D5)', async () => {
    const scope = await served(world);
    const driver = drive(world, scope);
    const handle = await startRollout(world, next(scope));
    await reaches(world, scope, inPhase('Running'));
    expect(weightsOf(world, scope)).toEqual({ '41': 100, '42': 0 });
    expect(await handle.executeUpdate(switchTrafficUpdate, { args: [{ percent: 25 }] })).toEqual({ percent: 25 });
    expect(weightsOf(world, scope)).toEqual({ '41': 75, '42': 25 });
    expect((await rolloutStatus(world, scope.input.scopeId)).percent).toEqual({ confirmed: 25, wanted: 25 });
    await expect(handle.executeUpdate(finalizeUpdate, { args: [{}] })).rejects.toMatchObject({
      cause: { type: 'MessageRefused', message: expect.stringContaining('25 %') },
    });
    await handle.executeUpdate(switchTrafficUpdate, { args: [{ percent: 100 }] });
    expect(await handle.executeUpdate(finalizeUpdate, { args: [{}] })).toEqual({ percent: 100 });
    const result = await handle.result();
    expect(result).toMatchObject({ outcome: 'finalized', percent: 100, hosts: [{ host: scope.domain, active: '42' }] });
    expect(driver.stop().failed).toEqual({});
    expect(Object.keys(driver.counts.served).sort()).toEqual(['41', '42']);
    expect(weightsOf(world, scope)).toEqual({ '42': 100 });
    expect(await objectsOf(world, scope)).toEqual([
      `Deployment d-${scope.input.scopeId}-42`,
      `Ingress k-8-s-${scope.input.slugs.scope}-${scope.input.scopeId}-internet-facing`,
      `Service d-${scope.input.scopeId}-42`,
    ]);
    expect(result.removed).toHaveLength(2);
  });

  test('moves by plan and finalizes itself (row 43: N1), within 150 events', async () => {
    const scope = await served(world);
    const driver = drive(world, scope);
    const handle = await startRollout(world, next(scope, { trafficPlan: byPlan([10, 25, 50, 75, 100], 0.2) }));
    expect(await handle.result()).toMatchObject({ outcome: 'finalized', percent: 100 });
    expect(driver.stop().failed).toEqual({});
    expect(weightsOf(world, scope)).toEqual({ '42': 100 });
    const { events } = await handle.fetchHistory();
    expect(events?.length).toBeLessThanOrEqual(150);
  });

  test('crashes at the start: the run fails with the reason and blue serves as before (rows 11, 44: D30, N2)', async () => {
    const scope = await lent(world);
    const before = await traceOf(world, scope);
    const driver = drive(world, scope);
    const input = next(scope, {
      workload: { image: 'registry.example.com/api:crash-loop-137' },
      networking: { scope: { deploymentMaxWaitSeconds: 5 } },
    });
    const failure = await failureOf(rollOut(world, input));
    expect(failure).toMatchObject({
      type: 'InstancesNotReady',
      message: expect.stringContaining('crashes again and again'),
    });
    // The deadline finds the containers in their waits, or between two of them.
    const reason = expect.stringMatching(/^(CrashLoopBackOff|Error)$/);
    expect(failure.details).toMatchObject({ reason, rolledBack: true });
    expect(await traceOf(world, scope)).toEqual(before);
    expect(driver.stop().failed).toEqual({});
    expect((await rolloutStatus(world, scope.input.scopeId)).phase).toBe('Failed');
  });

  test('gets ill during a hold at 50: rolled back by itself, in words (row 44: N2)', async () => {
    const scope = await lent(world);
    const handle = await startRollout(
      world,
      next(scope, {
        workload: { image: 'registry.example.com/api:good' },
        trafficPlan: { mode: 'steps', steps: [{ percent: 50, holdSeconds: 60 }] },
      }),
    );
    await reaches(world, scope, ({ plan, percent }) =>
      expect({ holds: plan?.holdUntil !== undefined, at: percent.confirmed }).toEqual({ holds: true, at: 50 }),
    );
    await fallIll(world, scope, '42');
    const failure = await failureOf(handle.result());
    world.controllers.workloads.knobs.failure = undefined;
    expect(failure).toMatchObject({ type: 'TargetsUnhealthy', message: expect.stringContaining('42 has traffic') });
    expect(weightsOf(world, scope)).toEqual({ '41': 100 });
  });

  test('pauses in a hold, is moved by hand, and goes on with the next step above (row 45: N4)', async () => {
    const scope = await served(world);
    const steps = [20, 50, 80, 100].map((percent) => ({ percent, holdSeconds: percent === 20 ? 60 : 0.2 }));
    const handle = await startRollout(
      world,
      next(scope, { trafficPlan: { mode: 'steps', steps, autoFinalize: true } }),
    );
    await reaches(world, scope, ({ plan }) => expect(plan?.holdUntil).toBeDefined());
    await expect(handle.executeUpdate(switchTrafficUpdate, { args: [{ percent: 60 }] })).rejects.toMatchObject({
      cause: { message: expect.stringContaining('pause it first') },
    });
    await expect(handle.executeUpdate(resumeUpdate, { args: [{}] })).rejects.toMatchObject({
      cause: { message: expect.stringContaining('not paused') },
    });
    expect(await handle.executeUpdate(pauseUpdate, { args: [{ reason: 'lunch' }] })).toEqual({ paused: true });
    expect(await rolloutStatus(world, scope.input.scopeId)).toMatchObject({ paused: true, pauseReason: 'lunch' });
    await handle.executeUpdate(switchTrafficUpdate, { args: [{ percent: 60 }] });
    expect(weightsOf(world, scope)).toEqual({ '41': 40, '42': 60 });
    await handle.executeUpdate(resumeUpdate, { args: [{}] });
    expect(await handle.result()).toMatchObject({ outcome: 'finalized' });
  });

  test('is refused while a rollout is open, and adopts what a terminated run left at 50 (rows 1, 46: D1, N5)', async () => {
    const scope = await served(world);
    const driver = drive(world, scope);
    const handle = await startRollout(world, next(scope));
    const other = deploymentOf(scope, '43', { currentDeploymentId: '41' });
    await expect(startRollout(world, other)).rejects.toMatchObject({ name: 'WorkflowExecutionAlreadyStartedError' });
    await reaches(world, scope, inPhase('Running'));
    await handle.executeUpdate(switchTrafficUpdate, { args: [{ percent: 50 }] });
    await handle.terminate('a test');
    const uids = await objectsOf(world, scope, 'uid');
    expect(await failureOf(rollOut(world, other))).toMatchObject({
      type: 'LeftoverRollout',
      message: expect.stringContaining('42'),
    });

    const again = await startRollout(world, next(scope));
    await reaches(world, scope, inPhase('Running'));
    expect((await rolloutStatus(world, scope.input.scopeId)).percent.confirmed).toBe(50);
    expect(await objectsOf(world, scope, 'uid')).toEqual(uids);
    await again.executeUpdate(switchTrafficUpdate, { args: [{ percent: 100 }] });
    await again.executeUpdate(finalizeUpdate, { args: [{}] });
    expect(await again.result()).toMatchObject({ outcome: 'finalized', hosts: [{ active: '42' }] });
    expect(driver.stop().failed).toEqual({});
  });
});
