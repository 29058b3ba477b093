import { ApplicationFailure, Context } from '@temporalio/activity';
import { afterEach, describe, expect, test } from 'vitest';
import {
  pauseSignal,
  pauseUpdate,
  resumeUpdate,
  rollbackUpdate,
  switchTrafficUpdate,
} from '../../../contract/deployment/messages.ts';
import type { DeploymentPlan, DeploymentResult, DiagnosisResult } from '../../../contract/deployment/status.ts';
import { type Room, taskQueueName, taskQueues, workflowIds, workflowTypes } from '../../../contract/names.ts';
import { retryNowUpdate } from '../../../contract/scope/messages.ts';
import { connectGroundwork } from '../../../starter/client.ts';
import { eventually, failureOf } from '../../support/inspect.ts';
import {
  byPlan,
  createScope,
  deploymentOf,
  drive,
  editWeights,
  holdBy,
  inPhase,
  lent,
  next,
  objectsOf,
  reaches,
  rollOut,
  rolloutWorld,
  runOfRoom,
  served,
  startRollout,
  type TestScope,
  targetOf,
  traceOf,
  weightsOf,
} from '../../support/rollouts.ts';
import { uniqueName } from '../../support/servers.ts';

/** Its worker serves every room. */
const world = rolloutWorld({ environment: { GROUNDWORK_QUEUES: Object.keys(taskQueues).join(',') } });

afterEach(async () => {
  world.around = undefined;
  await world.controllers.loadBalancer.resume();
});

const PORTS = [
  { port: 9000, type: 'HTTP' as const },
  { port: 9001, type: 'GRPC' as const },
];

const placementOf = async ({ input }: TestScope) =>
  (
    await world.database.query<{ state: string; holder: string | null; hosts: string[]; hosts_added: string[] }>(
      'select state, holder, hosts, hosts_added from placement where scope_id = $1',
      [input.scopeId],
    )
  ).rows[0];

const plannedOf = async ({ input }: TestScope, deploymentId: string) => {
  const name = `d-${input.scopeId}-${deploymentId}`;
  const ref = { apiVersion: 'apps/v1', kind: 'Deployment', namespace: world.namespace, name };
  return ((await world.kubernetes.read(ref)) as { spec?: { replicas?: number } } | undefined)?.spec?.replicas;
};

/** Every type of run that takes an input, and the room that serves it. */
const roomOf: Record<Exclude<keyof typeof workflowTypes, 'balancerRetirement' | 'ipSweep'>, Room> = {
  ...{ scopeCreation: 'scopes', scopeDeletion: 'scopes', balancerInventory: 'scopes' },
  ...{ deployment: 'deployments', deploymentDeletion: 'deployments' },
  ...{ instanceRestart: 'deployments', diagnosis: 'deployments' },
  ...{ ipClaim: 'ip', ipRelease: 'ip', ipRenewal: 'ip', ipInventory: 'ip' },
  ...{ ipPoolCreation: 'ip', ipPoolChange: 'ip', ipPoolDeletion: 'ip' },
  ...{ provisionAutoscaler: 'workshops', workshopSweep: 'workshops' },
};

test.each([
  ['nothing', []],
  ['null', [null]],
  ['a list', [[]]],
  ['text', ['x']],
  [
    'fields that can be no text',
    [{ scopeId: { toString: 1 }, deploymentId: { toString: 1 }, waitSeconds: { valueOf: 1 } }],
  ],
])('a run of any type that is given %s ends with InvalidInput at once', async (_, args) => {
  const ends = Object.entries(roomOf).map(async ([type, room]) => {
    const run = world.client.workflow.execute(type, {
      taskQueue: taskQueueName(world.values.taskQueuePrefix, room),
      workflowId: uniqueName('nonsense'),
      workflowExecutionTimeout: '60s',
      args,
    });
    return [type, (await failureOf(run)).type];
  });
  expect(await Promise.all(ends)).toEqual(Object.keys(roomOf).map((type) => [type, 'InvalidInput']));
});

test('a sweep of workshops is of the cluster that the worker serves', async () => {
  const run = world.client.workflow.execute(workflowTypes.workshopSweep, {
    taskQueue: taskQueueName(world.values.taskQueuePrefix, 'workshops'),
    workflowId: uniqueName('elsewhere'),
    workflowExecutionTimeout: '60s',
    args: [{ cluster: 'elsewhere' }],
  });
  expect(await failureOf(run)).toMatchObject({
    ...{ type: 'InvalidInput', message: expect.stringMatching(/^cluster: must be .*, which this worker serves$/) },
  });
});

describe('a request that cannot be carried out', () => {
  test('names every wrong field, and the run does not hang', async () => {
    const scope = await createScope(world);
    const input = deploymentOf(scope, '41', { workload: { replicas: 0, mainPort: 99999 } });
    expect(await failureOf(rollOut(world, input))).toMatchObject({
      type: 'InvalidInput',
      message: expect.stringMatching(/workload\.mainPort: .*; workload\.replicas: /),
    });
  });

  test('of a blue that does not serve, or without room for two ports, changes nothing (row 48: N8)', async () => {
    const scope = await lent(world);
    const before = await traceOf(world, scope);
    const failure = await failureOf(rollOut(world, deploymentOf(scope, '43', { currentDeploymentId: '40' })));
    expect(['BlueMissing', 'LeftoverRollout']).toContain(failure.type);
    const input = next(scope, {
      networking: { scope: { albMaxTargetGroups: 3 } },
      workload: { additionalPorts: PORTS },
    });
    expect(await failureOf(rollOut(world, input))).toMatchObject({
      type: 'NoCapacity',
      message: expect.stringContaining('target groups'),
    });
    expect(await traceOf(world, scope)).toEqual(before);
  });

  test('on a scope that is held is ScopeBusy, on one never created it is adopted with a warning (rows 1, 47)', async () => {
    const scope = await createScope(world);
    const { holder, end } = await holdBy(world, scope);
    expect(await failureOf(rollOut(world, deploymentOf(scope, '41')))).toMatchObject({
      type: 'ScopeBusy',
      message: expect.stringContaining(holder),
    });
    // A run that was terminated holds nothing any more.
    await end();
    expect(await rollOut(world, deploymentOf(scope, '41'))).toMatchObject({ outcome: 'finalized' });
    const unknown: TestScope = { ...scope, input: world.request(), domain: 'unknown.apps.example.com' };
    const result = await rollOut(world, deploymentOf(unknown, '41'));
    expect(result.warnings.map(({ code }) => code)).toContain('PlacedAfresh');
    expect(await placementOf(unknown)).toMatchObject({ state: 'bound', holder: null });
  });

  test.each(['released', 'reserved'])(
    'is not locked out by its own attempt that was lost while it placed the scope (row %s)',
    async (state) => {
      const scope: TestScope = {
        ...(await createScope(world)),
        input: world.request(),
        domain: `${state}.apps.example.com`,
      };
      const { scopeId } = scope.input;
      let attempts = 0;
      world.around = async (name, run) => {
        if (name !== 'beginRollout' || ++attempts > 1) return run();
        const { workflowExecution } = Context.current().info;
        const holder = `${workflowExecution?.workflowId}@${workflowExecution?.runId}`;
        if (state === 'released')
          await world.database.query('insert into placement (scope_id, holder) values ($1, $2)', [scopeId, holder]);
        else {
          await run();
          const reserved = "update placement set state = 'reserved', holder = $2 where scope_id = $1";
          await world.database.query(reserved, [scopeId, holder]);
        }
        throw new Error('the worker was killed');
      };
      expect(await rollOut(world, deploymentOf(scope, '41'))).toMatchObject({ outcome: 'finalized' });
      expect(attempts).toBe(2);
      expect(await placementOf(scope)).toMatchObject({ state: 'bound', holder: null });
    },
  );

  test('whose objects would have the names of another scope is refused, and those are left alone', async () => {
    const scope = await createScope(world);
    const { scopeId, slugs } = scope.input;
    const create = async (id: string, slug = slugs.scope): Promise<TestScope> => {
      const input = { ...world.request(), scopeId: id, slugs: { ...slugs, scope: slug } };
      return { ...scope, input, domain: (await world.create(input)).domain };
    };
    const other = await create(`${scopeId}-4`, 'joined');
    await rollOut(world, deploymentOf(other, '2'));
    const before = await traceOf(world, other);
    expect(await failureOf(rollOut(world, deploymentOf(scope, '4-2')))).toMatchObject({
      type: 'InvalidInput',
      message: expect.stringMatching(`deploymentId: Service .*/d-${scopeId}-4-2 is already that of scope ${scopeId}-4`),
    });
    // Slug and id of a scope are joined by a hyphen too.
    const third = await create('4', `joined-${scopeId}`);
    expect(await failureOf(rollOut(world, deploymentOf(third, '9')))).toMatchObject({
      type: 'InvalidInput',
      message: expect.stringMatching(`scope.slugs.scope: Ingress .* is already that of scope ${scopeId}-4`),
    });
    expect(await traceOf(world, other)).toEqual(before);
    expect(await objectsOf(world, third)).toEqual([]);
  });
});

describe('a rollout', () => {
  test('in which somebody else edits the weights during a hold: put back with a warning (row 52: N13)', async () => {
    const scope = await lent(world);
    const handle = await startRollout(world, next(scope));
    await reaches(world, scope, inPhase('Running'));
    await handle.executeUpdate(switchTrafficUpdate, { args: [{ percent: 30 }] });
    await editWeights(world, scope, 90);
    await reaches(world, scope, ({ warnings }) => {
      expect(warnings.map(({ code }) => code)).toContain('RulesChanged');
      expect(weightsOf(world, scope)).toEqual({ '41': 70, '42': 30 });
    });
    await handle.cancel();
    await failureOf(handle.result());
  });

  test('whose new Service somebody removes at 50 goes back, although no weight can be set any more (section 20)', async () => {
    const scope = await lent(world);
    const before = await traceOf(world, scope);
    const handle = await startRollout(world, next(scope));
    await reaches(world, scope, inPhase('Running'));
    await handle.executeUpdate(switchTrafficUpdate, { args: [{ percent: 50 }] });
    const name = `d-${scope.input.scopeId}-42`;
    await world.kubernetes.remove({ apiVersion: 'v1', kind: 'Service', namespace: world.namespace, name });
    expect(await failureOf(handle.result())).toMatchObject({ type: 'TargetsUnhealthy', details: { rolledBack: true } });
    expect(await traceOf(world, scope)).toEqual(before);
  });

  test('that goes back while its first switch is being confirmed answers when the old weights are confirmed', async () => {
    const scope = await lent(world);
    const handle = await startRollout(world, next(scope));
    await reaches(world, scope, inPhase('Running'));
    await world.controllers.loadBalancer.pause();
    const waitForStage = 'ACCEPTED';
    const moved = await handle.startUpdate(switchTrafficUpdate, { args: [{ percent: 25 }], waitForStage });
    const ingresses = { apiVersion: 'networking.k8s.io/v1', kind: 'Ingress' };
    const labelSelector = `scope_id=${scope.input.scopeId}`;
    await eventually(async () => {
      const found = await world.kubernetes.list(ingresses, { namespace: world.namespace, labelSelector });
      expect(JSON.stringify(found)).toContain('\\"weight\\":25');
    });
    const back = await handle.startUpdate(rollbackUpdate, { args: [{ reason: 'it is slow' }], waitForStage });
    await world.controllers.loadBalancer.resume();
    await failureOf(moved.result());
    expect(await back.result()).toEqual({ percent: 0 });
    expect(await handle.result()).toMatchObject({ outcome: 'rolled_back' });
    // By then first routing, switch and the weights 100/0 have ended: the history has it in order.
    const events = (await handle.fetchHistory()).events ?? [];
    const answered = events.findIndex(
      ({ workflowExecutionUpdateCompletedEventAttributes: update }) => update?.meta?.updateId === back.updateId,
    );
    const isRouting = new Set(
      events
        .filter(({ activityTaskScheduledEventAttributes: call }) => call?.activityType?.name === 'routeTraffic')
        .map(({ eventId }) => `${eventId}`),
    );
    const before = events
      .slice(0, answered)
      .filter(({ activityTaskCompletedEventAttributes: end }) => end && isRouting.has(`${end.scheduledEventId}`));
    expect(before).toHaveLength(3);
  });

  test('whose first routing failed and waits for a person keeps a switch open until it is done, and the last one counts', async () => {
    const scope = await lent(world);
    const failure = { type: 'NotConverged', message: 'a test' };
    let routed = 0;
    world.around = (name, run) =>
      name === 'routeTraffic' && ++routed === 1
        ? Promise.resolve({ kind: 'failed', failure, seen: {}, warnings: [] })
        : run();
    const handle = await startRollout(world, next(scope, { trafficPlan: { mode: 'manual', onFailure: 'pause' } }));
    await reaches(world, scope, (status) =>
      expect(status).toMatchObject({ phase: 'Verifying', paused: true, failure }),
    );
    const switchTo = (percent: number) =>
      handle.startUpdate(switchTrafficUpdate, { args: [{ percent }], waitForStage: 'ACCEPTED' });
    const [first, last] = [await switchTo(25), await switchTo(50)];
    expect(await failureOf(first.result())).toMatchObject({
      type: 'MessageRefused',
      message: expect.stringContaining('a later switch to 50 % counts'),
    });
    await handle.executeUpdate(resumeUpdate, { args: [{}] });
    expect(await last.result()).toEqual({ percent: 50 });
    expect(weightsOf(world, scope)).toEqual({ '41': 50, '42': 50 });
    await handle.cancel();
    await failureOf(handle.result());
  });

  test('with an autoscaler raises the count before the weights and lowers it after (row 32: D79, D80)', async () => {
    const workload = { replicas: null, autoscaling: { minReplicas: 4, maxReplicas: 6 } };
    const scope = await served(world, { workload });
    const driver = drive(world, scope);
    const input = next(scope, { strategy: 'rolling', workload, trafficPlan: byPlan([50, 100], 0.1) });
    expect(await rollOut(world, input)).toMatchObject({ outcome: 'finalized' });
    expect(driver.stop().failed).toEqual({});
  });

  test('whose image cannot be pulled shows the events while it waits, each once, and keeps them (section 8)', async () => {
    const { connection } = world.client;
    const { deployments } = await connectGroundwork({ connection, taskQueuePrefix: world.values.taskQueuePrefix });
    const scope = await lent(world);
    const { scopeId } = scope.input;
    const image = 'registry.example.com/api:image-pull';
    const handle = await startRollout(world, next(scope, { workload: { image } }));
    const said = expect.stringMatching(/^Pod\/\.\.\.[a-z0-9-]+ Failed: .*image-pull/);
    await eventually(async () => {
      const { status } = await deployments.status(scopeId);
      expect(status).toMatchObject({ phase: 'WaitingForInstances', instances: { green: { ready: 0, desired: 2 } } });
      expect(status?.warnings).toContainEqual({ code: 'InstanceEvent', message: said });
      expect(status?.waitingFor?.lastSeen).toMatch(/^0\/2 ready, .*; Pod\//);
    }, 20);
    await handle.executeUpdate(rollbackUpdate, { args: [{ reason: 'a typing error' }] });
    const { warnings } = (await handle.result()) as DeploymentResult;
    expect(warnings).toContainEqual({ code: 'InstanceEvent', message: said });
    expect(new Set(warnings.map(({ message }) => message)).size).toBe(warnings.length);
  });

  test('that rolls to a smaller version, is terminated and repeated, gives the old one back what it had', async () => {
    const scope = await served(world, { workload: { replicas: 4 } });
    const input = next(scope, { strategy: 'rolling', workload: { replicas: 2 } });
    const first = await startRollout(world, input);
    await reaches(world, scope, inPhase('Running'));
    await first.executeUpdate(switchTrafficUpdate, { args: [{ percent: 50 }] });
    await eventually(async () => expect(await plannedOf(scope, '41')).toBe(2), 20);
    await first.terminate('a test');
    const again = await startRollout(world, input);
    await reaches(world, scope, inPhase('Running'));
    await again.executeUpdate(rollbackUpdate, { args: [{ reason: 'it is slow' }] });
    expect(await again.result()).toMatchObject({ outcome: 'rolled_back' });
    expect(await plannedOf(scope, '41')).toBe(4);
  });

  test('that is terminated and repeated takes no instances from an old version that a person gave more meanwhile', async () => {
    const scope = await served(world, { workload: { replicas: 3 } });
    const input = next(scope, { strategy: 'rolling', workload: { replicas: 3 } });
    const first = await startRollout(world, input);
    await reaches(world, scope, inPhase('Running'));
    await first.terminate('a test');
    const name = `d-${scope.input.scopeId}-41`;
    const old = { apiVersion: 'apps/v1', kind: 'Deployment', namespace: world.namespace, name };
    await world.kubernetes.merge(old, { spec: { replicas: 10 } });
    const again = await startRollout(world, input);
    await reaches(world, scope, inPhase('Running'));
    await again.executeUpdate(switchTrafficUpdate, { args: [{ percent: 10 }] });
    await eventually(async () => expect(await plannedOf(scope, '41')).toBe(9), 5);
    await again.executeUpdate(rollbackUpdate, { args: [{ reason: 'it is slow' }] });
    expect(await again.result()).toMatchObject({ outcome: 'rolled_back' });
    expect(await plannedOf(scope, '41')).toBe(10);
  });

  test('to a version without a port that the old one had, and with one more host (row 42: D105)', async () => {
    const scope = await served(world, { workload: { additionalPorts: PORTS.slice(0, 1) } });
    expect(weightsOf(world, scope, 9000)).toEqual({ '41': 100 });
    const custom = `shop-${scope.input.scopeId}.apps.example.com`;
    const hosts = { domain: scope.domain, custom: [custom] };
    const result = await rollOut(world, next(scope, { hosts, trafficPlan: byPlan([100]) }));
    expect(result.hosts.map(({ host }) => host)).toEqual([scope.domain, custom]);
    expect(weightsOf(world, scope, 9000)).toEqual({});
    for (const domain of [scope.domain, custom]) expect(weightsOf(world, { ...scope, domain })).toEqual({ '42': 100 });
    // The balancer's room is counted with the new host, and no later run of the scope takes it back.
    const hosts_added: string[] = [];
    expect(await placementOf(scope)).toEqual({
      state: 'bound',
      holder: null,
      hosts: [scope.domain, custom],
      hosts_added,
    });
  });
});

describe('what is said while the start is looked at', () => {
  /** Says it as soon as the start is looked at; answers what there is to wait for. */
  const meanwhile = <T>(say: () => Promise<T>): Promise<T> =>
    new Promise((resolve, reject) => {
      let said = false;
      world.around = async (name, run) => {
        if (name !== 'beginRollout' || said) return run();
        said = true;
        await say().then(resolve, reject);
        return run();
      };
    });

  test('of a repeat at 50: a rollback answers when the old version has all traffic again', async () => {
    const scope = await lent(world);
    const first = await startRollout(world, next(scope));
    await reaches(world, scope, inPhase('Running'));
    await first.executeUpdate(switchTrafficUpdate, { args: [{ percent: 50 }] });
    await first.terminate('a test');
    const handle = world.client.workflow.getHandle(first.workflowId);
    const args: [{ reason: string }] = [{ reason: 'it is slow' }];
    const asked = meanwhile(() => handle.startUpdate(rollbackUpdate, { args, waitForStage: 'ACCEPTED' }));
    const result = rollOut(world, next(scope));
    expect(await (await asked).result()).toEqual({ percent: 0 });
    expect(weightsOf(world, scope)['41']).toBe(100);
    expect(await result).toMatchObject({ outcome: 'rolled_back', warnings: [] });
  });

  test('of a repeat that finds the old version half removed: what leads back is refused after all', async () => {
    const scope = await served(world);
    const { scopeId } = scope.input;
    world.around = (name, run) =>
      name === 'removeObjects' ? Promise.reject(ApplicationFailure.nonRetryable('a test', 'RemovalTimeout')) : run();
    const input = next(scope, { trafficPlan: byPlan([100]) });
    expect(await failureOf(rollOut(world, input))).toMatchObject({ type: 'RemovalTimeout' });
    const old = { apiVersion: 'apps/v1', kind: 'Deployment', namespace: world.namespace, name: `d-${scopeId}-41` };
    await world.kubernetes.remove(old);

    const handle = world.client.workflow.getHandle(workflowIds.deployment(scopeId));
    const waitForStage = 'ACCEPTED';
    const asked = meanwhile(async () => {
      await handle.signal(pauseSignal, {});
      const pause = await handle.startUpdate(pauseUpdate, { args: [{}], waitForStage });
      return [pause, await handle.startUpdate(rollbackUpdate, { args: [{ reason: 'it is slow' }], waitForStage })];
    });
    const result = rollOut(world, input);
    for (const update of await asked)
      expect(await failureOf(update.result())).toMatchObject({
        type: 'MessageRefused',
        message: expect.stringMatching(/^(pause|rollback): the old version is already being removed/),
      });
    const { outcome, warnings } = await result;
    expect({ outcome, codes: warnings.map(({ code }) => code) }).toEqual({
      outcome: 'finalized',
      codes: ['MessageRefused', 'MessageRefused'],
    });
    expect(weightsOf(world, scope)).toEqual({ '42': 100 });
  });
});

test('a rollback goes back to what was there when its run began, not to what an older one of the same id found', async () => {
  const scope = await served(world);
  const { scopeId } = scope.input;
  const stopped = await startRollout(world, next(scope));
  await reaches(world, scope, inPhase('Running'));
  await stopped.terminate();
  const later = deploymentOf(scope, '43', { currentDeploymentId: '41', trafficPlan: byPlan([100]) });
  expect(await rollOut(world, later)).toMatchObject({ outcome: 'finalized' });
  const open = async () =>
    (await world.database.query('select 1 from rollout where scope_id = $1 and ended_at is null', [scopeId])).rowCount;
  expect(await open()).toBe(0);
  // An older worker left the row open; its Ingresses name a Service that is gone.
  await world.database.query("update rollout set ended_at = null where scope_id = $1 and deployment_id = '42'", [
    scopeId,
  ]);
  const before = await traceOf(world, scope);
  const again = await startRollout(world, deploymentOf(scope, '42', { currentDeploymentId: '43' }));
  await reaches(world, scope, inPhase('Running'));
  await again.executeUpdate(rollbackUpdate, { args: [{ reason: 'enough' }] });
  expect(await again.result()).toMatchObject({ outcome: 'rolled_back' });
  expect(await traceOf(world, scope)).toEqual(before);

  await (await startRollout(world, deploymentOf(scope, '44', { currentDeploymentId: '43' }))).terminate();
  await world.database.query('update rollout set ended_at = null where scope_id = $1', [scopeId]);
  await runOfRoom(world, workflowTypes.deploymentDeletion, workflowIds.deployment(scopeId), targetOf(scope));
  expect(await open()).toBe(0);
});

describe('the other runs of the room', () => {
  test('a dry run for a scope that nothing knows tells the balancer that a rollout would take', async () => {
    const scope: TestScope = { ...(await createScope(world)), input: world.request(), domain: 'plan.apps.example.com' };
    const names = { balancerPublicName: 'k8s-groundwork-absent', additionalPublicBalancers: [scope.balancer] };
    const input = deploymentOf(scope, '41', { networking: { scope: names } });
    const plan = (await (await startRollout(world, { ...input, dryRun: true })).result()) as DeploymentPlan;
    expect(plan.balancer).toBe(scope.balancer);
    expect(await placementOf(scope)).toBeUndefined();
  });

  test('a dry run tells objects, load and expected rules, and makes nothing', async () => {
    const scope = await createScope(world);
    const handle = await startRollout(world, deploymentOf(scope, '41', { dryRun: true }));
    const plan = (await handle.result()) as DeploymentPlan;
    expect(plan).toMatchObject({ dryRun: true, strategy: 'initial', balancer: scope.balancer });
    expect(plan.objects.map(({ kind }) => kind)).toEqual(['Service', 'Deployment', 'Ingress']);
    expect(await objectsOf(world, scope)).toEqual([]);
  });

  test('a diagnosis runs every check; an instance is restarted, another pod is left alone (row 40: D99, D100)', async () => {
    const scope = await lent(world);
    const { scopeId } = scope.input;
    const diagnosis = workflowIds.diagnosis(scopeId, 'r1');
    const result = (await runOfRoom(world, workflowTypes.diagnosis, diagnosis, targetOf(scope))) as DiagnosisResult;
    expect(result.checks.filter(({ status }) => status === 'failed')).toEqual([]);
    expect(result.checks.length).toBe(22);
    const skipped = result.checks.filter(({ status }) => status === 'skipped').map(({ name }) => name);
    expect(skipped).toEqual(['application_log_evidence']);

    const [pod] = await world.kubernetes.list(
      { apiVersion: 'v1', kind: 'Pod' },
      { namespace: world.namespace, labelSelector: `scope_id=${scopeId}` },
    );
    const instanceId = pod?.metadata?.name ?? '';
    const id = workflowIds.instanceRestart(scopeId, instanceId);
    const restart = (deploymentId: string) =>
      runOfRoom(world, workflowTypes.instanceRestart, id, { ...targetOf(scope), instanceId, deploymentId });
    expect(await failureOf(restart('40'))).toMatchObject({ type: 'NotThisScopesInstance' });
    expect(await restart('41')).toMatchObject({ deployment: { desired: 2 }, warnings: [] });
    expect(await failureOf(restart('41'))).toMatchObject({ type: 'InstanceMissing' });
  });
});

test('a refusal of the controller for want of a certificate is undone within a poll (row 18: D46)', async () => {
  const scope = await lent(world);
  const before = await traceOf(world, scope);
  const hosts = { domain: scope.domain, custom: ['shop.example.net'] };
  expect(await failureOf(rollOut(world, next(scope, { hosts })))).toMatchObject({
    type: 'CertificateMissing',
    message: expect.stringContaining('shop.example.net'),
  });
  expect(await traceOf(world, scope)).toEqual(before);
});

test('a call that fails after somebody asked to look again is no failure of the rollout', async () => {
  const scope = await served(world);
  const handle = world.client.workflow.getHandle(workflowIds.deployment(scope.input.scopeId));
  let asked = 0;
  world.around = async (activity, run) => {
    if (activity !== 'routeTraffic' || asked > 0) return run();
    asked += 1;
    await handle.executeUpdate(retryNowUpdate, { args: [{}] });
    throw ApplicationFailure.retryable('the API server answers 500');
  };
  expect(await rollOut(world, next(scope, { trafficPlan: byPlan([100]) }))).toMatchObject({
    outcome: 'finalized',
    percent: 100,
  });
  expect(asked).toBe(1);
});
