import { ApplicationFailure } from '@temporalio/activity';
import { afterEach, describe, expect, test } from 'vitest';
import { rollbackUpdate } from '../../../contract/deployment/messages.ts';
import { workflowIds, workflowTypes } from '../../../contract/names.ts';
import { failureOf } from '../../support/inspect.ts';
import {
  byPlan,
  createScope,
  deploymentOf,
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

/** What a repeat takes for the state before its rollout, and what a run says that could not look. */

const world = rolloutWorld({ environment: { GROUNDWORK_DEPLOYMENT_READ_PATIENCE: '1' } });

afterEach(() => {
  world.around = undefined;
  world.faults.clear();
});

/** A rollout whose removal of the old version fails before anything of it is touched; `removals` before that one succeed. */
async function stopsAtRemoval(input: Parameters<typeof rollOut>[1], removals = 0): Promise<void> {
  let left = removals;
  world.around = (name, run) =>
    name === 'removeObjects' && left-- <= 0
      ? Promise.reject(ApplicationFailure.nonRetryable('a test', 'RemovalTimeout'))
      : run();
  expect(await failureOf(rollOut(world, input))).toMatchObject({ type: 'RemovalTimeout' });
  world.around = undefined;
}

/** Asks for the way back while a repeat looks at its start; answers what it hears. */
function rollBackAtTheStart({ input: { scopeId } }: TestScope): Promise<unknown> {
  const handle = world.client.workflow.getHandle(workflowIds.deployment(scopeId));
  return new Promise((resolve) => {
    let said = false;
    world.around = async (name, run) => {
      if (name === 'beginRollout' && !said) {
        said = true;
        const args: [{ reason: string }] = [{ reason: 'it is slow' }];
        const update = await handle.startUpdate(rollbackUpdate, { args, waitForStage: 'ACCEPTED' });
        resolve(update.result().catch((error: unknown) => failureOf(Promise.reject(error))));
      }
      return run();
    };
  });
}

const plannedOf = async ({ input }: TestScope, deploymentId: string) => {
  const name = `d-${input.scopeId}-${deploymentId}`;
  const ref = { apiVersion: 'apps/v1', kind: 'Deployment', namespace: world.namespace, name };
  return ((await world.kubernetes.read(ref)) as { spec?: { replicas?: number } } | undefined)?.spec?.replicas;
};

describe('a repeat of a rollout that stopped before it removed anything', () => {
  test.each(['blue_green', 'rolling'] as const)(
    '%s: goes back to what was there before the first run',
    async (strategy) => {
      const scope = await served(world, { workload: { replicas: 3 } });
      const before = await traceOf(world, scope);
      const input = next(scope, { strategy, workload: { replicas: 3 }, trafficPlan: byPlan([100]) });
      await stopsAtRemoval(input);
      expect(weightsOf(world, scope)).toEqual({ '42': 100 });

      const heard = rollBackAtTheStart(scope);
      expect(await rollOut(world, input)).toMatchObject({ outcome: 'rolled_back' });
      expect(await heard).toEqual({ percent: 0 });
      expect(await traceOf(world, scope)).toEqual(before);
      expect(await plannedOf(scope, '41')).toBe(3);
    },
  );

  test('has no way back when a Service that the old routing names is gone since', async () => {
    const port = { port: 9000, type: 'HTTP' as const };
    const scope = await served(world, { workload: { additionalPorts: [port] } });
    const input = next(scope, { trafficPlan: byPlan([100]) });
    await stopsAtRemoval(input, 1); // the Ingress of the port that the new version lacks
    const [name] = (
      await world.kubernetes.list<{ metadata?: { name?: string } }>(
        { apiVersion: 'v1', kind: 'Service' },
        { namespace: world.namespace, labelSelector: `scope_id=${scope.input.scopeId}` },
      )
    ).flatMap(({ metadata }) => (metadata?.name?.includes('9000') ? [metadata.name] : []));
    await world.kubernetes.remove({ apiVersion: 'v1', kind: 'Service', namespace: world.namespace, name: name ?? '' });

    const heard = rollBackAtTheStart(scope);
    expect(await rollOut(world, input)).toMatchObject({ outcome: 'finalized' });
    expect(await heard).toMatchObject({ type: 'MessageRefused' });
    expect(weightsOf(world, scope)).toEqual({ '42': 100 });
  });
});

describe('a repeat that asks for less than its first attempt', () => {
  const ports = [{ port: 9090, type: 'HTTP' as const }];

  /** Version 42 in hold at 0, and its run terminated. */
  async function terminated(scope: TestScope, fields: Parameters<typeof next>[1]): Promise<void> {
    const run = await startRollout(world, next(scope, fields));
    await reaches(world, scope, inPhase('Running'));
    await run.terminate('a test');
  }

  test('goes back to what was there before, also what it does not ask for itself', async () => {
    const scope = await lent(world);
    const before = await traceOf(world, scope);
    await terminated(scope, { workload: { additionalPorts: ports } });
    expect(weightsOf(world, scope, 9090)).toEqual({ '42': 100 });
    const run = await startRollout(world, next(scope));
    await reaches(world, scope, inPhase('Running'));
    await run.executeUpdate(rollbackUpdate, { args: [{ reason: 'it is slow' }] });
    expect(await run.result()).toMatchObject({ outcome: 'rolled_back' });
    expect(weightsOf(world, scope, 9090)).toEqual({});
    expect(await traceOf(world, scope)).toEqual(before);
  });

  test.each<[string, Parameters<typeof served>[1]]>([
    ['green alone', {}],
    ['both versions', { workload: { additionalPorts: ports } }],
  ])('takes over without the port that %s had', async (_, old) => {
    const scope = await served(world, old);
    const { scopeId, slugs } = scope.input;
    await terminated(scope, { workload: { additionalPorts: ports } });
    const result = await rollOut(world, next(scope, { trafficPlan: byPlan([100]) }));
    expect(await objectsOf(world, scope)).toEqual([
      `Deployment d-${scopeId}-42`,
      `Ingress k-8-s-${slugs.scope}-${scopeId}-internet-facing`,
      `Service d-${scopeId}-42`,
    ]);
    expect(weightsOf(world, scope, 9090)).toEqual({});
    expect(result.warnings).toEqual([]);
    expect(result.removed).toEqual(
      expect.arrayContaining([
        `Ingress ${world.namespace}/k-8-s-${slugs.scope}-${scopeId}-http-9090-internet-facing`,
        `Service ${world.namespace}/d-${scopeId}-42-http-9090`,
      ]),
    );
  });

  test('of a first version takes its Ingress and Service away too', async () => {
    const scope = await createScope(world);
    let held = true;
    const stop = new Promise<void>((resolve) => {
      world.around = async (name, run) => {
        const answer = await run();
        if (name === 'routeTraffic' && held) {
          held = false;
          resolve();
          await new Promise((never) => setTimeout(never, 500));
        }
        return answer;
      };
    });
    const run = await startRollout(world, deploymentOf(scope, '41', { workload: { additionalPorts: ports } }));
    await stop;
    await run.terminate('a test');
    world.around = undefined;
    expect(weightsOf(world, scope, 9090)).toEqual({ '41': 100 });
    expect(await rollOut(world, deploymentOf(scope, '41'))).toMatchObject({ outcome: 'finalized' });
    expect(weightsOf(world, scope, 9090)).toEqual({});
    expect((await objectsOf(world, scope)).filter((name) => name.includes('9090'))).toEqual([]);
  });

  test('is not held back by the autoscaler and the budget of that one', async () => {
    const scope = await served(world);
    const autoscaling = { minReplicas: 1, maxReplicas: 2 };
    await terminated(scope, { workload: { replicas: null, autoscaling, disruptionBudget: { enabled: true } } });
    const side = `d-${scope.input.scopeId}-42`;
    const optional = async () =>
      (await objectsOf(world, scope)).filter((name) => /^(Horiz|PodDis)/.test(name)).map((name) => name.split(' ')[1]);
    expect(await optional()).toEqual([`hpa-${side}`, `pdb-${side}`]);
    const input = next(scope, { workload: { replicas: 4 }, trafficPlan: byPlan([100]) });
    expect(await rollOut(world, input)).toMatchObject({ outcome: 'finalized' });
    expect(await optional()).toEqual([]);
    expect(await plannedOf(scope, '42')).toBe(4);
  });
});

describe('what cannot be read ends as a type of the list', () => {
  test('of a dry run BalancerUnreadable, of a restart KubernetesRefused, with what was seen last', async () => {
    const scope = await createScope(world);
    world.faults.add({ match: { service: 'kubernetes' }, effect: { kind: 'error', code: 'Down', status: 503 } });
    const dry = rollOut(world, { ...deploymentOf(scope, '41'), dryRun: true });
    expect(await failureOf(dry)).toMatchObject({
      type: 'BalancerUnreadable',
      message: expect.stringMatching(/^what scope \S+ has could not be read\. Last error: /),
    });
    const restart = { ...targetOf(scope), deploymentId: '41', instanceId: 'd-41-x' };
    const workflowId = `instance-restart/${scope.input.scopeId}/d-41-x`;
    expect(await failureOf(runOfRoom(world, workflowTypes.instanceRestart, workflowId, restart))).toMatchObject({
      type: 'KubernetesRefused',
      message: expect.stringMatching(/^instance d-41-x could not be read\. Last error: /),
    });
  });

  test('a hosted zone that does not exist is named at once', async () => {
    const scope = await createScope(world);
    const { scope: known, ...input } = deploymentOf(scope, '41');
    const hostedZones = { public: 'ZNOWHERE', private: 'ZNOWHERE' };
    expect(await failureOf(rollOut(world, { ...input, scope: { ...known, hostedZones } }))).toMatchObject({
      type: 'InvalidInput',
      message: 'scope.hostedZones: hosted zone ZNOWHERE does not exist',
    });
  });
});
