import { afterEach, describe, expect, test } from 'vitest';
import {
  resumeUpdate,
  rollbackSignal,
  rollbackUpdate,
  switchTrafficUpdate,
} from '../../../contract/deployment/messages.ts';
import { eventually, failureOf } from '../../support/inspect.ts';
import {
  createScope,
  deploymentOf,
  objectsOf,
  rollOut,
  rolloutStatus,
  rolloutWorld,
  startRollout,
  type TestScope,
  weightsOf,
} from '../../support/rollouts.ts';
import { REGION } from '../../support/world.ts';

/** What gates refuse, and who is told. Deadlines are short: most of these end by one. */

const world = rolloutWorld({
  environment: {
    GROUNDWORK_DEPLOYMENT_RECONCILE_TIMEOUT: '2',
    GROUNDWORK_DEPLOYMENT_TARGET_HEALTH_TIMEOUT: '2',
    GROUNDWORK_DEPLOYMENT_COMPENSATION_TIMEOUT: '3',
  },
});

const INGRESS = { apiVersion: 'networking.k8s.io/v1', kind: 'Ingress' };
const healthSeconds = 10;

afterEach(() => {
  world.aws.state.lifecycle.targetHealthSeconds = healthSeconds;
});

async function served(): Promise<TestScope> {
  const scope = await createScope(world);
  await rollOut(world, deploymentOf(scope, '41'));
  return scope;
}

const next = (scope: TestScope, fields: Parameters<typeof deploymentOf>[2] = {}) =>
  deploymentOf(scope, '42', { currentDeploymentId: '41', ...fields });

const reaches = (scope: TestScope, check: (status: Awaited<ReturnType<typeof rolloutStatus>>) => void) =>
  eventually(async () => check(await rolloutStatus(world, scope.input.scopeId)), 20);

describe('the balancer', () => {
  test('that ledger and Ingress do not agree on is BalancerDrift with the values; adopt decides (row 47: N6)', async () => {
    const scope = await served();
    const { scopeId } = scope.input;
    const other = 'k8s-groundwork-other';
    await world.database.query(
      `insert into balancer (account, region, name, scheme, origin, state)
         select account, region, $1, scheme, 'declared', 'active' from balancer where name = $2`,
      [other, scope.balancer],
    );
    await world.database.query(
      'update placement set balancer_id = (select id from balancer where name = $2) where scope_id = $1',
      [scopeId, other],
    );
    const before = await objectsOf(world, scope, 'uid');
    expect(await failureOf(rollOut(world, next(scope)))).toMatchObject({
      type: 'BalancerDrift',
      message: expect.stringContaining(`ledger ${other}, Ingress ${scope.balancer}`),
    });
    expect(await objectsOf(world, scope, 'uid')).toEqual(before);
    const steps = [{ percent: 100, holdSeconds: 0 }];
    const trafficPlan = { mode: 'steps' as const, steps, autoFinalize: true };
    const result = await rollOut(world, next(scope, { adopt: 'ingress', trafficPlan }));
    expect(result).toMatchObject({ outcome: 'finalized' });
    const { rows } = await world.database.query<{ name: string }>(
      'select b.name from placement p join balancer b on b.id = p.balancer_id where p.scope_id = $1',
      [scopeId],
    );
    expect(rows).toEqual([{ name: scope.balancer }]);
  });

  test('group that another member breaks is GroupBroken, naming it; no other Ingress is written (row 49: N9)', async () => {
    const scope = await served();
    const culprit = { name: 'culprit', namespace: world.namespace };
    await world.kubernetes.apply({
      ...INGRESS,
      metadata: {
        ...culprit,
        annotations: {
          'alb.ingress.kubernetes.io/group.name': scope.balancer,
          'alb.ingress.kubernetes.io/scheme': 'internet-facing',
          'alb.ingress.kubernetes.io/listen-ports': '[{"HTTPS":443}]',
          'alb.ingress.kubernetes.io/actions.gone': JSON.stringify({
            type: 'forward',
            forwardConfig: { targetGroups: [{ serviceName: 'gone-service', servicePort: 80, weight: 1 }] },
          }),
        },
      },
      spec: {
        ingressClassName: 'alb',
        rules: [
          {
            host: 'culprit.apps.example.com',
            http: {
              paths: [
                {
                  path: '/',
                  pathType: 'Prefix',
                  backend: { service: { name: 'gone', port: { name: 'use-annotation' } } },
                },
              ],
            },
          },
        ],
      },
    } as Parameters<typeof world.kubernetes.apply>[0]);
    const written = (await world.kubernetes.read({ ...INGRESS, ...culprit }))?.metadata?.resourceVersion;
    const handle = await startRollout(world, next(scope, { trafficPlan: { mode: 'manual', onFailure: 'pause' } }));
    await reaches(scope, ({ paused, failure }) =>
      expect({ paused, type: failure?.type }).toEqual({ paused: true, type: 'GroupBroken' }),
    );
    expect((await rolloutStatus(world, scope.input.scopeId)).failure?.message).toContain('culprit');
    expect((await world.kubernetes.read({ ...INGRESS, ...culprit }))?.metadata?.resourceVersion).toBe(written);
    await world.kubernetes.remove({ ...INGRESS, ...culprit });
    // A person was waited for (row 45: N3): the cause is gone, and the step is tried again.
    await handle.executeUpdate(resumeUpdate, { args: [{}] });
    await reaches(scope, ({ phase }) => expect(phase).toBe('Running'));
    await handle.executeUpdate(rollbackUpdate, { args: [{ reason: 'enough' }] });
    await handle.result();
    expect(weightsOf(world, scope)).toEqual({ '41': 100 });
  });
});

describe('targets', () => {
  test('of green that stay unhealthy at weight 0 get no weight: rolled back (row 50: N10)', async () => {
    const scope = await served();
    world.aws.state.lifecycle.targetHealthSeconds = 1e6;
    const failure = await failureOf(rollOut(world, next(scope)));
    expect(failure).toMatchObject({ type: 'TargetsUnhealthy', details: { rolledBack: true } });
    expect(weightsOf(world, scope)).toEqual({ '41': 100 });
  });

  test('of blue that are ill at a rollback: nothing is moved onto it, both are kept (row 51: N12)', async () => {
    const scope = await served();
    const handle = await startRollout(world, next(scope));
    await reaches(scope, ({ phase }) => expect(phase).toBe('Running'));
    await handle.executeUpdate(switchTrafficUpdate, { args: [{ percent: 50 }] });
    world.aws.state.lifecycle.targetHealthSeconds = 1e6;
    await handle.signal(rollbackSignal, { reason: 'it is slow' });
    expect(await failureOf(handle.result())).toMatchObject({ type: 'CompensationIncomplete' });
    expect(weightsOf(world, scope)).toEqual({ '41': 50, '42': 50 });
    expect(await objectsOf(world, scope)).toHaveLength(5);
  });
});

test('an Ingress that somebody deletes during the gate is applied again, with a warning (row 19: D47)', async () => {
  const scope = await createScope(world);
  await world.controllers.loadBalancer.pause();
  const handle = await startRollout(world, deploymentOf(scope, '41'));
  const find = () =>
    world.kubernetes.list(INGRESS, {
      namespace: world.namespace,
      labelSelector: `scope_id=${scope.input.scopeId}`,
    });
  await eventually(async () => expect(await find()).toHaveLength(1), 20);
  const [first] = await find();
  await world.kubernetes.remove({ ...INGRESS, namespace: world.namespace, name: first?.metadata?.name ?? '' });
  await eventually(async () => {
    const [again] = await find();
    expect(again?.metadata?.uid).toBeDefined();
    expect(again?.metadata?.uid).not.toBe(first?.metadata?.uid);
  }, 20);
  world.controllers.loadBalancer.resume();
  const result = (await handle.result()) as { warnings: { code: string }[] };
  expect(result.warnings.map(({ code }) => code)).toContain('ObjectMissing');
  expect(world.aws.state.region(REGION).rules.size).toBeGreaterThan(0);
});
