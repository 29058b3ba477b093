import { Connection } from '@temporalio/client';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { taskQueueName, workflowIds, workflowTypes } from '../../contract/names.ts';
import {
  BalancerMissing,
  connectGroundwork,
  type Groundwork,
  InvalidInput,
  NotFound,
  NothingToRetry,
  OutcomeUnknown,
  RunCancelled,
  RunTerminated,
  ScopeMismatch,
  SetupMissing,
  Unavailable,
} from '../../starter/client.ts';
import { deploymentOf } from '../support/rollouts.ts';
import { testServers, uniqueName } from '../support/servers.ts';
import { testWorld } from '../support/world.ts';

const world = testWorld();
let groundwork: Groundwork;
/** The same server, a task queue that nobody serves. */
let unserved: Groundwork;

beforeAll(async () => {
  const { connection } = world.client;
  groundwork = await connectGroundwork({ connection, taskQueuePrefix: world.values.taskQueuePrefix });
  unserved = await connectGroundwork({ connection, taskQueuePrefix: uniqueName('nobody') });
});
afterAll(async () => {
  await groundwork.close();
});

describe('scopes', () => {
  test('are created, looked at, listed and deleted', async () => {
    const input = world.request({ environment: 'prod' });
    const result = await groundwork.scopes.create(input);
    expect(result).toMatchObject({
      scopeId: input.scopeId,
      balancer: { name: 'k8s-groundwork-public', created: false },
    });

    const report = await groundwork.scopes.status(input.scopeId);
    expect(report).toMatchObject({
      run: { workflowId: `scope-creation/${input.scopeId}`, state: 'completed' },
      status: { phase: 'Done', hosts: result.hosts },
      result,
      queue: { pollers: 1 },
    });
    await expect
      .poll(() => groundwork.scopes.list({ scopeId: input.scopeId, environment: 'prod', state: 'completed' }))
      .toMatchObject([{ kind: 'creation', scopeId: input.scopeId, phase: 'Done', balancer: 'k8s-groundwork-public' }]);

    const deletion = await groundwork.scopes.delete({ scopeId: input.scopeId });
    expect(deletion.removed).toContain('placement on balancer k8s-groundwork-public');
    expect((await groundwork.scopes.status(input.scopeId)).run.type).toBe(workflowTypes.scopeDeletion);
    expect((await groundwork.scopes.status(input.scopeId, { kind: 'creation' })).run.state).toBe('completed');
  });

  test('are summarised in one line, and found by their search attributes before any worker has seen them', async () => {
    const input = world.request({ environment: 'stage' });
    const { workflowId, runId, joined } = await unserved.scopes.start(input);
    expect(joined).toBe(false);
    const seen = await world.client.workflow.getHandle(workflowId, runId).describe();
    expect(await seen.staticSummary()).toBe(`Create scope ${input.scopeId} (api, stage)`);
    expect(seen.taskQueue).toMatch(/^nobody-[0-9a-f]+scopes$/);
    await expect
      .poll(() => unserved.scopes.list({ scopeId: input.scopeId, environment: 'stage', phase: 'Validating' }))
      .toHaveLength(1);
    expect(await unserved.scopes.list({ environment: "stage' OR ScopeId IS NOT NULL OR Environment = '" })).toEqual([]);
    await world.client.workflow.getHandle(workflowId).terminate();
  });

  test('are planned without a trace', async () => {
    const input = world.request();
    const plan = await groundwork.scopes.plan(input);
    expect(plan).toMatchObject({ dryRun: true, balancer: { name: 'k8s-groundwork-public', wouldBeCreated: false } });
    await expect(groundwork.scopes.status(input.scopeId)).rejects.toBeInstanceOf(NotFound);
    expect((await groundwork.scopes.status(input.scopeId, { kind: 'plan' })).result).toEqual(plan);
  });
});

describe('a repeated request', () => {
  test('joins the open run with the same input, and is told when the input differs', async () => {
    const input = world.request();
    const first = await unserved.scopes.start(input);
    const again = await unserved.scopes.start({ ...input, later: 'ignored' } as typeof input);
    expect(again).toMatchObject({ workflowId: first.workflowId, runId: first.runId, joined: true });

    const other = { ...input, domain: 'other.example.com', slugs: { ...input.slugs, scope: 'blue' } };
    const mismatch = await unserved.scopes.start(other).catch((error: unknown) => error);
    expect(mismatch).toBeInstanceOf(ScopeMismatch);
    expect(mismatch).toMatchObject({
      details: {
        workflowId: first.workflowId,
        differences: [
          { path: 'slugs.scope', yours: 'blue', theirs: input.slugs.scope },
          { path: 'domain', yours: 'other.example.com' },
        ],
      },
    });
    await world.client.workflow.getHandle(first.workflowId).terminate();
  });

  test('of a run that another SDK started is compared in the same way', async () => {
    const input = world.request();
    const run = await world.client.workflow.start(workflowTypes.scopeCreation, {
      workflowId: workflowIds.scopeCreation(input.scopeId),
      taskQueue: uniqueName('nobody'),
      args: [{ visibility: input.visibility, slugs: input.slugs, scopeId: input.scopeId, extra: 1 }],
    });
    expect(await groundwork.scopes.start(input)).toMatchObject({ joined: true, runId: run.firstExecutionRunId });
    await run.terminate();
  });

  test('after the end is a new run with the same answer', async () => {
    const input = world.request();
    const first = await groundwork.scopes.start(input);
    const result = await first.result();
    const second = await groundwork.scopes.start(input);
    expect(second).toMatchObject({ joined: false });
    expect(second.runId).not.toBe(first.runId);
    expect(await second.result()).toEqual(result);
  });

  test('at the same moment starts one run', async () => {
    const input = world.request();
    const handles = await Promise.all(Array.from({ length: 5 }, () => unserved.scopes.start(input)));
    expect(new Set(handles.map(({ runId }) => runId)).size).toBe(1);
    expect(handles.filter(({ joined }) => !joined)).toHaveLength(1);
    await world.client.workflow.getHandle(workflowIds.scopeCreation(input.scopeId)).terminate();
  });
});

test('a plan of a deployment is that of its own input: an open one of another is not taken for it', async () => {
  const input = world.request();
  const scope = { input, domain: 'api.apps.example.com', balancer: '' };
  const workflowId = workflowIds.deploymentPlan(input.scopeId);
  const open = await world.client.workflow.start(workflowTypes.deployment, {
    taskQueue: taskQueueName(uniqueName('nobody'), 'deployments'),
    workflowId,
    args: [{ ...deploymentOf(scope, '42'), dryRun: true }],
  });
  await expect(unserved.deployments.plan(deploymentOf(scope, '43'))).rejects.toMatchObject({
    type: 'ScopeMismatch',
    message: expect.stringContaining('deploymentId is "42" there and "43" here'),
    details: { workflowId, runId: open.firstExecutionRunId },
  });
  const joined = unserved.deployments.plan(deploymentOf(scope, '42'), { deadline: 100 });
  await expect(joined).rejects.toMatchObject({ type: 'OutcomeUnknown' });
  await open.terminate();
});

describe('what goes wrong', () => {
  test('is found before anything is started', async () => {
    const input = { ...world.request(), visibility: 'all' } as never;
    const error = await groundwork.scopes.create(input).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(InvalidInput);
    expect((error as InvalidInput).fields).toEqual([
      { path: 'visibility', message: 'must be one of "public", "private", "internal"' },
    ]);
    await expect(groundwork.scopes.status('NO')).rejects.toThrow('scopeId: must be 1 to 24');
    await expect(groundwork.scopes.start({ ...world.request(), dryRun: true } as never)).rejects.toThrow(
      'ask for a plan',
    );
  });

  test('in a run is an error of its type', async () => {
    const networking = {
      scope: { balancerPublicName: 'not-there' },
      platform: { autocreateEnabled: false },
    };
    const input = world.request({ networking });
    const error = await groundwork.scopes.create(input).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(BalancerMissing);
    expect(await groundwork.scopes.status(input.scopeId)).toMatchObject({
      run: { state: 'failed' },
      failure: { type: 'BalancerMissing', message: (error as Error).message },
      status: { phase: 'Failed' },
    });
  });

  test('at the deadline is an unknown outcome that names the run', async () => {
    const input = world.request();
    const error = await unserved.scopes.create(input, { deadline: 300 }).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(OutcomeUnknown);
    expect(error).toMatchObject({ details: { workflowId: `scope-creation/${input.scopeId}` }, retryable: true });
    expect((error as Error).message).toContain('goes on');
    const run = world.client.workflow.getHandle(workflowIds.scopeCreation(input.scopeId));
    await run.terminate();
    expect(await unserved.scopes.status(input.scopeId)).toMatchObject({
      run: { state: 'terminated' },
      failure: { type: 'RunTerminated' },
    });
    await expect(
      unserved.scopes.attach((await unserved.scopes.status(input.scopeId)).run).result(),
    ).rejects.toBeInstanceOf(RunTerminated);
  });

  test('for want of a worker is said', async () => {
    const input = world.request();
    const run = await unserved.scopes.start(input);
    const report = await unserved.scopes.status(input.scopeId);
    expect(report).toMatchObject({ run: { state: 'running' }, queue: { pollers: 0 } });
    expect(report.note).toContain(`no worker polls task queue ${run.taskQueue}`);
    expect(report.status).toBeUndefined();
    await expect(unserved.scopes.retryNow(input.scopeId)).rejects.toBeInstanceOf(Unavailable);
    expect(await unserved.scopes.cancel(input.scopeId)).toMatchObject([{ workflowId: run.workflowId }]);
    await world.client.workflow.getHandle(run.workflowId).terminate();
    await expect(unserved.scopes.cancel(input.scopeId)).rejects.toBeInstanceOf(NotFound);
    await expect(unserved.scopes.retryNow(input.scopeId)).rejects.toBeInstanceOf(NotFound);
  });

  test('without a server is said within seconds', async () => {
    const before = process.env.TEMPORAL_ADDRESS;
    process.env.TEMPORAL_ADDRESS = '127.0.0.1:1';
    try {
      await expect(connectGroundwork()).rejects.toThrow('no Temporal server answers at 127.0.0.1:1');
    } finally {
      if (before === undefined) delete process.env.TEMPORAL_ADDRESS;
      else process.env.TEMPORAL_ADDRESS = before;
    }
  });

  test('without setup names the command, without the namespace its name', async () => {
    const connection = await Connection.connect({ address: testServers().temporal.address });
    const namespace = uniqueName('bare');
    const lost = await connectGroundwork({ connection, namespace });
    await expect(lost.scopes.start(world.request())).rejects.toThrow(/Check TEMPORAL_NAMESPACE/);
    await expect(lost.scopes.status('1')).rejects.toBeInstanceOf(NotFound);
    const day = { seconds: 86_400 as never };
    await connection.workflowService.registerNamespace({ namespace, workflowExecutionRetentionPeriod: day });
    await expect
      .poll(() => lost.scopes.status('1').catch((error: Error) => error.message))
      .toContain('no run of it is known');
    await expect(lost.scopes.start(world.request())).rejects.toBeInstanceOf(SetupMissing);
    await connection.close();
  });
});

describe('a run that waits', () => {
  test('looks again when asked, and leaves nothing when cancelled', async () => {
    const input = world.request({ networking: { scope: { albMaxCapacity: 1 } } });
    world.aws.state.lifecycle.provisioningSeconds = 3_600;
    try {
      const run = await groundwork.scopes.start(input);
      await expect
        .poll(async () => (await groundwork.scopes.status(input.scopeId)).status?.waitingFor?.what, { timeout: 20_000 })
        .toMatch(/balancer .* to become active/);
      expect(await groundwork.scopes.retryNow(input.scopeId, { by: 'ana' })).toMatchObject({
        workflowId: run.workflowId,
        waitingFor: expect.stringContaining('to become active'),
      });
      await groundwork.scopes.cancel(input.scopeId);
      await expect(run.result()).rejects.toBeInstanceOf(RunCancelled);
      expect(await groundwork.scopes.status(input.scopeId)).toMatchObject({ status: { phase: 'Cancelled' } });
    } finally {
      world.aws.state.lifecycle.provisioningSeconds = 120;
    }
  });

  test('for nothing refuses to look again', async () => {
    const input = world.request();
    const slow = {
      match: { service: 'kubernetes', path: '/namespaces/' },
      effect: { kind: 'latency', ms: 2_000 },
    } as const;
    world.faults.add({ ...slow, times: 1 });
    const run = await groundwork.scopes.start(input);
    await expect.poll(async () => (await groundwork.scopes.status(input.scopeId)).status?.phase).toBe('Placing');
    const error = await groundwork.scopes.retryNow(input.scopeId).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(NothingToRetry);
    expect((error as Error).message).toContain('nothing is being waited for: the run is in phase Placing');
    await run.result();
  });
});
