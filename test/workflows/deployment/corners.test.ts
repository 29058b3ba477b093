import { describe, expect, test } from 'vitest';
import { switchTrafficUpdate } from '../../../contract/deployment/messages.ts';
import type { DeploymentDeletionResult, DeploymentPlan, DiagnosisResult } from '../../../contract/deployment/status.ts';
import { taskQueueName, workflowIds, workflowTypes } from '../../../contract/names.ts';
import { eventually, failureOf } from '../../support/inspect.ts';
import {
  createScope,
  deploymentOf,
  drive,
  editWeights,
  objectsOf,
  rollOut,
  rolloutStatus,
  rolloutWorld,
  startRollout,
  type TestScope,
  weightsOf,
} from '../../support/rollouts.ts';

const world = rolloutWorld();

const run = (type: string, workflowId: string, input: object) =>
  world.client.workflow.execute(type, {
    taskQueue: taskQueueName(world.values.taskQueuePrefix, 'deployments'),
    workflowId,
    args: [input],
  });

async function served(fields: Parameters<typeof deploymentOf>[2] = {}): Promise<TestScope> {
  const scope = await createScope(world);
  await rollOut(world, deploymentOf(scope, '41', fields));
  return scope;
}

const target = ({ input }: TestScope) => ({
  scopeId: input.scopeId,
  scope: { slugs: input.slugs, visibility: 'public' as const },
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

  test('of a blue that does not serve changes nothing', async () => {
    const scope = await served();
    const before = await objectsOf(world, scope, 'uid');
    const failure = await failureOf(rollOut(world, deploymentOf(scope, '43', { currentDeploymentId: '40' })));
    expect(['BlueMissing', 'LeftoverRollout']).toContain(failure.type);
    expect(await objectsOf(world, scope, 'uid')).toEqual(before);
  });

  test('on a scope that is held is ScopeBusy, on one never created it is adopted with a warning (rows 1, 47)', async () => {
    const scope = await createScope(world);
    await world.database.query('update placement set holder = $2 where scope_id = $1', [
      scope.input.scopeId,
      'scope-deletion/x@y',
    ]);
    expect(await failureOf(rollOut(world, deploymentOf(scope, '41')))).toMatchObject({
      type: 'ScopeBusy',
      message: expect.stringContaining('scope-deletion/x@y'),
    });
    const unknown: TestScope = { ...scope, input: world.request(), domain: 'unknown.apps.example.com' };
    const result = await rollOut(world, deploymentOf(unknown, '41'));
    expect(result.warnings.map(({ code }) => code)).toContain('PlacedAfresh');
    const { rows } = await world.database.query<{ state: string; holder: string | null }>(
      'select state, holder from placement where scope_id = $1',
      [unknown.input.scopeId],
    );
    expect(rows).toEqual([{ state: 'bound', holder: null }]);
  });

  test('with two ports where the thresholds leave no room is NoCapacity with the figures (row 48: N8)', async () => {
    const scope = await served();
    const input = deploymentOf(scope, '42', {
      currentDeploymentId: '41',
      networking: { scope: { albMaxTargetGroups: 3 } },
      workload: {
        additionalPorts: [
          { port: 9000, type: 'HTTP' as const },
          { port: 9001, type: 'GRPC' as const },
        ],
      },
    });
    expect(await failureOf(rollOut(world, input))).toMatchObject({
      type: 'NoCapacity',
      message: expect.stringContaining('target groups'),
    });
    expect(weightsOf(world, scope)).toEqual({ '41': 100 });
  });
});

describe('a refusal of the controller', () => {
  test('for want of a certificate is undone within a poll (row 18: D46)', async () => {
    const scope = await served();
    const before = await objectsOf(world, scope, 'uid');
    const input = deploymentOf(scope, '42', {
      currentDeploymentId: '41',
      hosts: { domain: scope.domain, custom: ['shop.example.net'] },
    });
    const failure = await failureOf(rollOut(world, input));
    expect(failure).toMatchObject({ type: 'CertificateMissing', message: expect.stringContaining('shop.example.net') });
    expect(await objectsOf(world, scope, 'uid')).toEqual(before);
    expect(weightsOf(world, scope)).toEqual({ '41': 100 });
  });
});

describe('somebody else', () => {
  test('edits the weights during a hold: put back with a warning (row 52: N13)', async () => {
    const scope = await served();
    const handle = await startRollout(world, deploymentOf(scope, '42', { currentDeploymentId: '41' }));
    await eventually(async () => expect((await rolloutStatus(world, scope.input.scopeId)).phase).toBe('Running'), 20);
    await handle.executeUpdate(switchTrafficUpdate, { args: [{ percent: 30 }] });
    await editWeights(world, scope, 90);
    await eventually(async () => {
      const { warnings } = await rolloutStatus(world, scope.input.scopeId);
      expect(warnings.map(({ code }) => code)).toContain('RulesChanged');
    }, 20);
    await eventually(async () => expect(weightsOf(world, scope)).toEqual({ '41': 70, '42': 30 }), 20);
    await handle.cancel();
    await failureOf(handle.result());
  });
});

describe('rolling with an autoscaler', () => {
  test('raises the count before the weights and lowers it after (row 32: D79, D80)', async () => {
    const workload = { replicas: null, autoscaling: { minReplicas: 4, maxReplicas: 6 } };
    const scope = await served({ workload });
    const driver = drive(world, scope);
    const steps = [50, 100].map((percent) => ({ percent, holdSeconds: 0.2 }));
    const result = await rollOut(
      world,
      deploymentOf(scope, '42', {
        currentDeploymentId: '41',
        strategy: 'rolling',
        workload,
        trafficPlan: { mode: 'steps', steps, autoFinalize: true },
      }),
    );
    expect(result).toMatchObject({ outcome: 'finalized' });
    expect(driver.stop().failed).toEqual({});
  });
});

describe('additional ports', () => {
  test('have their own listeners, and go with the version that had them (row 42: D105)', async () => {
    const ports = [{ port: 9000, type: 'HTTP' as const }];
    const scope = await served({ workload: { additionalPorts: ports } });
    expect(weightsOf(world, scope, 9000)).toEqual({ '41': 100 });
    const steps = [{ percent: 100, holdSeconds: 0 }];
    await rollOut(
      world,
      deploymentOf(scope, '42', {
        currentDeploymentId: '41',
        trafficPlan: { mode: 'steps', steps, autoFinalize: true },
      }),
    );
    expect(weightsOf(world, scope, 9000)).toEqual({});
    expect(weightsOf(world, scope)).toEqual({ '42': 100 });
  });
});

describe('the other runs of the room', () => {
  test('a dry run tells objects, load and expected rules, and makes nothing', async () => {
    const scope = await createScope(world);
    const plan = (await (
      await startRollout(world, deploymentOf(scope, '41', { dryRun: true }))
    ).result()) as DeploymentPlan;
    expect(plan).toMatchObject({ dryRun: true, strategy: 'initial', balancer: scope.balancer });
    expect(plan.objects.map(({ kind }) => kind)).toEqual(['Service', 'Deployment', 'Ingress']);
    expect(await objectsOf(world, scope)).toEqual([]);
  });

  test('an instance is restarted; another pod is left alone (row 40: D99, D100)', async () => {
    const scope = await served();
    const { scopeId } = scope.input;
    const [pod] = await world.kubernetes.list(
      { apiVersion: 'v1', kind: 'Pod' },
      { namespace: world.namespace, labelSelector: `scope_id=${scopeId}` },
    );
    const instanceId = pod?.metadata?.name ?? '';
    const ask = { ...target(scope), instanceId, deploymentId: '41' };
    const id = workflowIds.instanceRestart(scopeId, instanceId);
    expect(await failureOf(run(workflowTypes.instanceRestart, id, { ...ask, deploymentId: '40' }))).toMatchObject({
      type: 'NotThisScopesInstance',
    });
    expect(await run(workflowTypes.instanceRestart, id, ask)).toMatchObject({
      deployment: { desired: 2 },
      warnings: [],
    });
    expect(await failureOf(run(workflowTypes.instanceRestart, id, ask))).toMatchObject({ type: 'InstanceMissing' });
  });

  test('a diagnosis runs every check and finds nothing critical on a scope that serves', async () => {
    const scope = await served();
    const id = workflowIds.diagnosis(scope.input.scopeId, 'r1');
    const result = (await run(workflowTypes.diagnosis, id, target(scope))) as DiagnosisResult;
    expect(result.checks.filter(({ status }) => status === 'failed')).toEqual([]);
    expect(result.checks.length).toBe(22);
    const skipped = result.checks.filter(({ status }) => status === 'skipped').map(({ name }) => name);
    expect(skipped).toEqual(['application_log_evidence']);
  });

  test('a deletion removes routing first, then everything, and again finds it absent (row 4: D6)', async () => {
    const scope = await served();
    const id = workflowIds.deployment(scope.input.scopeId);
    const first = (await run(workflowTypes.deploymentDeletion, id, target(scope))) as DeploymentDeletionResult;
    expect(first.removed).toHaveLength(3);
    expect(await objectsOf(world, scope)).toEqual([]);
    expect(weightsOf(world, scope)).toEqual({});
    const second = (await run(workflowTypes.deploymentDeletion, id, target(scope))) as DeploymentDeletionResult;
    expect(second).toMatchObject({ removed: [], absent: [expect.anything(), expect.anything()] });
  });
});
