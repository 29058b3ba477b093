import { WithStartWorkflowOperation, type WorkflowHandleWithFirstExecutionRunId } from '@temporalio/client';
import { describe, expect, test } from 'vitest';
import type { DeploymentInput } from '../../../contract/deployment/input.ts';
import {
  finalizeSignal,
  pauseSignal,
  type Rollback,
  resumeSignal,
  rollbackSignal,
  rollbackUpdate,
  switchTrafficSignal,
  switchTrafficUpdate,
} from '../../../contract/deployment/messages.ts';
import type { DeploymentDeletionResult } from '../../../contract/deployment/status.ts';
import { taskQueueName, workflowIds, workflowTypes } from '../../../contract/names.ts';
import { record } from '../../support/replay/histories.ts';
import {
  byPlan,
  createScope,
  deploymentOf,
  drive,
  GONE,
  inPhase,
  lent,
  next,
  objectsOf,
  reaches,
  rollOut,
  rolloutStatus,
  rolloutWorld,
  runOfRoom,
  served,
  startRollout,
  type TestScope,
  targetOf,
  traceOf,
  weightsOf,
} from '../../support/rollouts.ts';

/**
 * A worker that keeps no run in memory replays the whole history at every step: what would not replay shows here. With
 * `npm run record` the histories become those of test/replay.
 */

const world = rolloutWorld({
  environment: { GROUNDWORK_MAX_CACHED_WORKFLOWS: '0', GROUNDWORK_DEPLOYMENT_HISTORY_LIMIT: '100' },
  workflowTaskTimeout: '2s',
});

const keep = (name: string, { input }: TestScope, runId?: string) =>
  record(world.client, 'deployment', name, workflowIds.deployment(input.scopeId), runId);

describe('a worker without a cache', () => {
  test('brings a first version live, verified on the balancer, and removes it; again it is absent (row 4: D6)', async () => {
    const scope = await createScope(world);
    const { scopeId } = scope.input;
    const result = await rollOut(world, deploymentOf(scope, '41'));
    expect(result).toMatchObject({ outcome: 'finalized', percent: 100, hosts: [{ host: scope.domain, active: '41' }] });
    expect(await rolloutStatus(world, scopeId)).toMatchObject({
      phase: 'Finalized',
      balancer: scope.balancer,
      actual: [{ host: scope.domain, port: 443, weights: { [`d-${scopeId}-41`]: 100 } }],
      healthyTargets: { green: 2 },
    });
    const driver = drive(world, scope);
    for (let sent = 0; sent < 50; sent++) driver.send({ balancer: scope.balancer, host: scope.domain, port: 443 });
    expect(driver.stop()).toMatchObject({ failed: {}, served: { '41': expect.any(Number) } });
    await keep('initial', scope);

    const remove = () =>
      runOfRoom(world, workflowTypes.deploymentDeletion, workflowIds.deployment(scopeId), targetOf(scope));
    const first = (await remove()) as DeploymentDeletionResult;
    expect(first.removed).toHaveLength(3);
    expect(await traceOf(world, scope)).toEqual(GONE);
    await keep('deleted', scope);
    expect(await remove()).toMatchObject({ removed: [], absent: [expect.anything(), expect.anything()] });
  });

  test('takes every message as a signal; a refused one becomes a warning', async () => {
    const scope = await served(world);
    const driver = drive(world, scope);
    const handle = await startRollout(world, next(scope));
    await reaches(world, scope, inPhase('Running'));
    await handle.signal(finalizeSignal, {});
    await handle.signal(pauseSignal, { reason: 'lunch' });
    await reaches(world, scope, ({ paused, pauseReason, warnings }) => {
      expect({ paused, pauseReason }).toEqual({ paused: true, pauseReason: 'lunch' });
      expect(warnings).toEqual([{ code: 'MessageRefused', message: expect.stringMatching(/^finalize: .*0 %/) }]);
    });
    await handle.signal(resumeSignal, {});
    await handle.signal(switchTrafficSignal, { percent: 100 });
    await reaches(world, scope, ({ percent }) => expect(percent.confirmed).toBe(100));
    await handle.signal(finalizeSignal, {});
    expect(await handle.result()).toMatchObject({ outcome: 'finalized', hosts: [{ active: '42' }] });
    expect(driver.stop().failed).toEqual({});
    expect(weightsOf(world, scope)).toEqual({ '42': 100 });
    await keep('finalized', scope);
  });

  test('goes back by hand: rules and objects are as before (row 29: D73-D75)', async () => {
    const scope = await lent(world);
    const before = await traceOf(world, scope);
    const driver = drive(world, scope);
    const handle = await startRollout(world, next(scope));
    await reaches(world, scope, inPhase('Running'));
    await handle.executeUpdate(switchTrafficUpdate, { args: [{ percent: 50 }] });
    expect(await handle.executeUpdate(rollbackUpdate, { args: [{ reason: 'it is slow' }] })).toEqual({ percent: 0 });
    await handle.signal(rollbackSignal, { reason: 'again' });
    expect(await handle.result()).toMatchObject({ outcome: 'rolled_back', reason: 'it is slow', percent: 0 });
    expect(await traceOf(world, scope)).toEqual(before);
    expect(driver.stop().failed).toEqual({});
    await keep('rolled-back', scope);
  });

  test('goes back when it is cancelled while instances start, and the run is cancelled', async () => {
    const scope = await lent(world);
    const before = await traceOf(world, scope);
    const image = 'registry.example.com/api:not-ready';
    const handle = await startRollout(world, next(scope, { workload: { image } }));
    await reaches(world, scope, inPhase('WaitingForInstances'));
    await handle.cancel();
    await expect(handle.result()).rejects.toMatchObject({ cause: { name: 'CancelledFailure' } });
    expect(await traceOf(world, scope)).toEqual(before);
    expect((await rolloutStatus(world, scope.input.scopeId)).phase).toBe('Cancelled');
    await keep('cancelled-while-starting', scope);
  });

  test('goes on in a new history when the old one is long, at a quiet point', async () => {
    const scope = await served(world);
    const driver = drive(world, scope);
    const handle = await startRollout(world, next(scope, { trafficPlan: byPlan([10, 25, 50, 75, 100], 0.1) }));
    expect(await handle.result()).toMatchObject({ outcome: 'finalized', percent: 100, removed: { length: 2 } });
    expect(driver.stop().failed).toEqual({});
    expect(await objectsOf(world, scope)).toHaveLength(3);
    const { runId } = await world.client.workflow.getHandle(handle.workflowId).describe();
    expect(runId).not.toBe(handle.firstExecutionRunId);
    await keep('long', scope, handle.firstExecutionRunId);
    await keep('continued', scope);
  });

  test('goes back when the rollback comes with the start, before the request is checked (row 3: D4)', async () => {
    const scope = await lent(world);
    const before = await traceOf(world, scope);
    const handle = await world.client.workflow.signalWithStart(workflowTypes.deployment, {
      ...startOf(scope),
      args: [next(scope)],
      signal: rollbackSignal,
      signalArgs: [{ reason: 'a typing error' }],
    });
    expect(await handle.result()).toMatchObject({ outcome: 'rolled_back', reason: 'a typing error', warnings: [] });
    expect(await traceOf(world, scope)).toEqual(before);
  });

  test('loses no message while a held rollout goes on in a new history, whatever its settings say by then', async () => {
    const scope = await lent(world);
    const before = await traceOf(world, scope);
    const handle = await startRollout(world, next(scope));
    await reaches(world, scope, inPhase('Running'));
    await handle.signal(switchTrafficSignal, { percent: 50 });
    await reaches(world, scope, ({ percent }) => expect(percent.confirmed).toBe(50));
    const newest = world.client.workflow.getHandle(handle.workflowId);
    while ((await newest.describe()).runId === handle.firstExecutionRunId) {
      await newest.signal(pauseSignal, { reason: 'lunch' });
      await newest.signal(resumeSignal, {});
    }
    await reaches(world, scope, ({ phase, percent, paused, warnings }) =>
      expect({ phase, at: percent.confirmed, paused, warnings }).toEqual({
        ...{ phase: 'Running', at: 50, paused: false, warnings: [] },
      }),
    );
    await newest.terminate('a test');

    // The same successor, with what comes first to it in its first activation, and an input that is not valid any more.
    const [input, handed] = (await inputOfSuccessor(handle)) as [DeploymentInput, { state: object }];
    // It may have gone on while it was paused.
    const continued = { ...handed, state: { ...handed.state, paused: false } };
    const args = [{ ...input, workload: { image: '' } }, continued];
    const paused = await world.client.workflow.signalWithStart(workflowTypes.deployment, {
      ...startOf(scope),
      args,
      signal: pauseSignal,
      signalArgs: [{ reason: 'tea' }],
    });
    await reaches(world, scope, ({ pauseReason, warnings }) =>
      expect({ pauseReason, warnings }).toEqual({ pauseReason: 'tea', warnings: [] }),
    );
    await paused.terminate('a test');
    const startWorkflowOperation = new WithStartWorkflowOperation(workflowTypes.deployment, {
      ...startOf(scope),
      workflowIdConflictPolicy: 'FAIL',
      args,
    });
    const rollback = { args: [{ reason: 'it is slow' }] as [Rollback], startWorkflowOperation };
    expect(await world.client.workflow.executeUpdateWithStart(rollbackUpdate, rollback)).toEqual({ percent: 0 });
    const last = await startWorkflowOperation.workflowHandle();
    expect(await last.result()).toMatchObject({ outcome: 'rolled_back', reason: 'it is slow', warnings: [] });
    expect(await traceOf(world, scope)).toEqual(before);
  });
});

const startOf = ({ input }: TestScope) => ({
  taskQueue: taskQueueName(world.values.taskQueuePrefix, 'deployments'),
  workflowId: workflowIds.deployment(input.scopeId),
});

/** What a run handed to the one that goes on for it. */
async function inputOfSuccessor(handle: WorkflowHandleWithFirstExecutionRunId): Promise<unknown[]> {
  const run = world.client.workflow.getHandle(handle.workflowId, handle.firstExecutionRunId);
  const { events } = await run.fetchHistory();
  const { input } = events?.at(-1)?.workflowExecutionContinuedAsNewEventAttributes ?? {};
  const { payloadConverter } = world.client.options.loadedDataConverter;
  return (input?.payloads ?? []).map((payload) => payloadConverter.fromPayload(payload));
}
