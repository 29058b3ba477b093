import type { KubernetesObject } from '@kubernetes/client-node';
import { afterEach, describe, expect, test } from 'vitest';
import {
  finalizeUpdate,
  resumeUpdate,
  rollbackSignal,
  rollbackUpdate,
  switchTrafficUpdate,
} from '../../../contract/deployment/messages.ts';
import { workflowIds, workflowTypes } from '../../../contract/names.ts';
import { retryNowSignal, retryNowUpdate } from '../../../contract/scope/messages.ts';
import type { AwsSeed } from '../../../sandbox/aws/seed-schema.ts';
import { eventually, failureOf, truth } from '../../support/inspect.ts';
import {
  byPlan,
  createScope,
  deploymentOf,
  drive,
  fallIll,
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
import { uniqueName } from '../../support/servers.ts';
import { managedTags, PRIVATE_ZONE, REGION, region } from '../../support/world.ts';

/** What gates refuse, and who is told. Deadlines are short: most of these end by one. */

const SECOND = 'k8s-groundwork-second';

const world = rolloutWorld({
  seed: withSecondBalancer(),
  environment: {
    GROUNDWORK_DEPLOYMENT_RECONCILE_TIMEOUT: '6',
    GROUNDWORK_DEPLOYMENT_TARGET_HEALTH_TIMEOUT: '4',
    GROUNDWORK_DEPLOYMENT_COMPENSATION_TIMEOUT: '6',
    GROUNDWORK_DEPLOYMENT_REMOVAL_TIMEOUT: '5',
  },
});

/** The balancer that scopes get, and another that no scope is placed on by itself. */
function withSecondBalancer(): AwsSeed {
  const seed = region({ public: 0, managed: true });
  const balancers = seed.regions?.[REGION]?.loadBalancers;
  const first = balancers?.[0];
  if (first) balancers.push({ ...first, name: SECOND, tags: managedTags(SECOND) });
  return seed;
}

const INGRESS = { apiVersion: 'networking.k8s.io/v1', kind: 'Ingress' };
const healthSeconds = 10;

afterEach(async () => {
  world.around = undefined;
  world.faults.clear();
  await world.controllers.loadBalancer.resume();
  world.aws.state.lifecycle.targetHealthSeconds = healthSeconds;
});

describe('the balancer', () => {
  /** The ledger says another balancer than the one that Ingress and alias lead to. */
  async function drifted(other: string): Promise<TestScope> {
    const scope = await served(world);
    await world.database.query(
      `insert into balancer (account, region, name, scheme, origin, state)
         select account, region, $1, scheme, 'declared', 'active' from balancer where name = $2 on conflict do nothing`,
      [other, scope.balancer],
    );
    await world.database.query(
      'update placement set balancer_id = (select id from balancer where name = $2) where scope_id = $1',
      [scope.input.scopeId, other],
    );
    return scope;
  }

  const placedOn = async ({ input }: TestScope) =>
    (await truth(world)).placements.find((line) => line.startsWith(`${input.scopeId} `));

  /** The balancers of the scope's Ingress, of its records and of the rules with its host. */
  async function standing({ input, domain }: TestScope) {
    const { loadBalancers, listeners, rules } = world.aws.state.region(REGION);
    const balancers = [...loadBalancers.values()];
    const [ingress] = await world.kubernetes.list(INGRESS, {
      namespace: world.namespace,
      labelSelector: `scope_id=${input.scopeId}`,
    });
    const records = (await truth(world)).records.filter((line) => line.includes(` ${domain} `));
    const own = [...rules.values()].filter(({ conditions }) =>
      conditions.some(({ values }) => values.includes(domain)),
    );
    const arns = new Set(own.map(({ listenerArn }) => listeners.get(listenerArn)?.loadBalancerArn));
    return {
      ingress: ingress?.metadata?.annotations?.['alb.ingress.kubernetes.io/load-balancer-name'],
      records: records.map((line) => balancers.find(({ dnsName }) => line.endsWith(dnsName))?.name),
      rules: [...arns].map((arn) => loadBalancers.get(arn ?? '')?.name),
    };
  }

  const at = (balancer: string) => ({ ingress: balancer, records: [balancer, balancer], rules: [balancer] });

  /** A version that never gets ready. */
  const crashing: Parameters<typeof next>[1] = {
    workload: { image: 'registry.example.com/api:crash-loop-137' },
    networking: { scope: { deploymentMaxWaitSeconds: 2 } },
  };

  test('of another scheme than the request asks for is refused before anything is changed, in an adopted scope too', async () => {
    const scope = await served(world);
    const before = await traceOf(world, scope);
    const { scope: known, ...rest } = next(scope);
    const input = { ...rest, scope: { ...known, visibility: 'private' as const } };
    expect(await failureOf(rollOut(world, input))).toMatchObject({
      type: 'InvalidInput',
      message: 'scope.visibility: the scope was created public, not private',
    });
    await world.database.query('delete from placement_host where scope_id = $1', [scope.input.scopeId]);
    await world.database.query('delete from placement where scope_id = $1', [scope.input.scopeId]);
    expect(await failureOf(rollOut(world, input))).toMatchObject({
      type: 'InvalidInput',
      message: expect.stringMatching(/^scope\.visibility: private is internal, but balancer \S+ .* is internet-facing/),
    });
    expect(await traceOf(world, scope)).toEqual(before);
    expect(await placedOn(scope)).toBeUndefined();
  });

  test('gets no second Ingress of the same host from a deployment to another namespace', async () => {
    const scope = await served(world);
    const before = await traceOf(world, scope);
    const elsewhere = (fields: Parameters<typeof deploymentOf>[2] = {}) => {
      const input = deploymentOf(scope, '42', fields);
      return { ...input, scope: { ...input.scope, kubernetes: { namespace: 'default' } } };
    };
    for (const fields of [{}, { currentDeploymentId: '41' }])
      expect(await failureOf(rollOut(world, elsewhere(fields)))).toMatchObject({
        type: 'InvalidInput',
        message: expect.stringMatching(
          `^scope\\.kubernetes\\.namespace: Ingress ${world.namespace}/\\S+ leads traffic to scope \\S+ already`,
        ),
      });
    await runOfRoom(
      world,
      workflowTypes.deploymentDeletion,
      workflowIds.deployment(scope.input.scopeId),
      targetOf(scope),
    );
    expect(await failureOf(rollOut(world, elsewhere()))).toMatchObject({
      type: 'InvalidInput',
      message: `scope.kubernetes.namespace: the scope was created in ${world.namespace}, not in default`,
    });
    expect(before.objects).not.toEqual([]);
    expect(await traceOf(world, scope)).toEqual(GONE);
  });

  test('that ledger and Ingress do not agree on is BalancerDrift with the values; one that is gone BalancerMissing (rows 20, 47: D48, N6)', async () => {
    const other = 'k8s-groundwork-other';
    const scope = await drifted(other);
    const before = await traceOf(world, scope);
    expect(await failureOf(rollOut(world, next(scope)))).toMatchObject({
      type: 'BalancerDrift',
      message: expect.stringContaining(`ledger ${other}, Ingress ${scope.balancer}, DNS alias ${scope.balancer}`),
    });
    expect(await failureOf(rollOut(world, next(scope, { adopt: 'ledger' })))).toMatchObject({
      type: 'BalancerMissing',
      message: expect.stringContaining(other),
    });
    // Without room nothing changes either, and the ledger not first of all.
    const full = { adopt: 'ingress' as const, networking: { scope: { albMaxTargetGroups: 1 } } };
    expect(await failureOf(rollOut(world, next(scope, full)))).toMatchObject({ type: 'NoCapacity' });
    expect(await placedOn(scope)).toBe(`${scope.input.scopeId} bound ${other}`);
    expect(await traceOf(world, scope)).toEqual(before);
    const result = await rollOut(world, next(scope, { adopt: 'ingress', trafficPlan: byPlan([100]) }));
    expect(result).toMatchObject({ outcome: 'finalized' });
    expect(await placedOn(scope)).toBe(`${scope.input.scopeId} bound ${scope.balancer}`);
  });

  test('of the ledger wins with adopt: Ingress and DNS alias follow it, a record that is not ours is told and left (row 47: N7)', async () => {
    const scope = await drifted(SECOND);
    await world.database.query(`update dns_record set origin = 'adopted' where scope_id = $1 and zone_id = $2`, [
      scope.input.scopeId,
      PRIVATE_ZONE,
    ]);
    const result = await rollOut(world, next(scope, { adopt: 'ledger', trafficPlan: byPlan([100]) }));
    expect(result.warnings.map(({ code }) => code)).toEqual(['BalancerAdopted', 'IngressMoves', 'AliasKept']);
    expect(weightsOf(world, scope)).toEqual({ '42': 100 });
    expect(await standing(scope)).toEqual({ ...at(SECOND), records: [scope.balancer, SECOND] });
    expect(await placedOn(scope)).toBe(`${scope.input.scopeId} bound ${SECOND}`);
    const driver = drive(world, { ...scope, balancer: SECOND });
    driver.send({ balancer: SECOND, host: scope.domain, port: 443 });
    expect(driver.stop().failed).toEqual({});
  });

  test('that wins gets the records only when it serves: one that is never ready moves nothing', async () => {
    const scope = await drifted(SECOND);
    const before = await traceOf(world, scope);
    const driver = drive(world, scope);
    const failure = await failureOf(rollOut(world, next(scope, { ...crashing, adopt: 'ledger' })));
    expect(failure).toMatchObject({ type: 'InstancesNotReady', details: { rolledBack: true } });
    expect(await standing(scope)).toEqual(at(scope.balancer));
    expect(await traceOf(world, scope)).toEqual(before);
    expect(driver.stop().failed).toEqual({});
  });

  test('that wins is left again on the way back, also by a repeat of a run that was killed on it', async () => {
    const scope = await drifted(SECOND);
    const before = await traceOf(world, scope);
    const begin = async () => {
      const handle = await startRollout(world, next(scope, { adopt: 'ledger' }));
      await reaches(world, scope, inPhase('Running'));
      expect(await standing(scope)).toEqual(at(SECOND));
      return handle;
    };
    const handle = await begin();
    await handle.executeUpdate(switchTrafficUpdate, { args: [{ percent: 50 }] });
    await handle.executeUpdate(rollbackUpdate, { args: [{ reason: 'it is slow' }] });
    expect(await handle.result()).toMatchObject({ outcome: 'rolled_back' });
    expect(await standing(scope)).toEqual(at(scope.balancer));
    expect(await traceOf(world, scope)).toEqual(before);

    // Killed while both have a share, and again when the Ingress is back and the records are not.
    await (await begin()).terminate('a test');
    const again = await begin();
    world.faults.add({
      match: { service: 'route53', action: 'ChangeResourceRecordSets' },
      effect: { kind: 'error', code: 'Throttling', status: 400 },
    });
    await again.signal(rollbackSignal, { reason: 'it is slow' });
    await eventually(async () => {
      expect(await standing(scope)).toEqual({ ...at(scope.balancer), records: [SECOND, SECOND] });
      expect(world.faults.applied()).not.toEqual([]);
    });
    await again.terminate('a test');
    world.faults.clear();
    const failure = await failureOf(rollOut(world, next(scope, { ...crashing, adopt: 'ledger' })));
    expect(failure).toMatchObject({ type: 'InstancesNotReady', details: { rolledBack: true } });
    expect(await standing(scope)).toEqual(at(scope.balancer));
    expect(await traceOf(world, scope)).toEqual(before);
  });

  test('that the scope was taken to meanwhile is kept by the repeat of a run that began on another', async () => {
    await served(world); // keeps the first balancer alive
    const scope = await drifted(SECOND);
    const waiting = await startRollout(world, next(scope, { ...crashing, adopt: 'ledger' }));
    await reaches(world, scope, inPhase('WaitingForInstances'));
    await waiting.terminate('a test');
    const other = await startRollout(world, next(scope, { deploymentId: '43', adopt: 'ledger' }));
    await reaches(world, scope, inPhase('Running'));
    await other.terminate('a test');
    expect(await standing(scope)).toEqual(at(SECOND));
    const begun: unknown[] = [];
    world.around = async (name, run) => {
      const answer = await run();
      if (name === 'beginRollout') begun.push(await standing(scope));
      return answer;
    };
    const failure = await failureOf(rollOut(world, next(scope, crashing)));
    expect(failure).toMatchObject({ type: 'InstancesNotReady', details: { rolledBack: true } });
    expect(begun).toEqual([at(SECOND)]);
    expect(await standing(scope)).toEqual(at(SECOND));
  });

  test('group that another member breaks is GroupBroken, naming it; no other Ingress is written (row 49: N9)', async () => {
    const scope = await lent(world);
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
    // The controller marks a member of a group once.
    const written = await eventually(async () => {
      const { finalizers, resourceVersion } = (await world.kubernetes.read({ ...INGRESS, ...culprit }))?.metadata ?? {};
      expect(finalizers).toHaveLength(1);
      return resourceVersion;
    });
    const handle = await startRollout(world, next(scope, { trafficPlan: { mode: 'manual', onFailure: 'pause' } }));
    await reaches(world, scope, ({ paused, failure }) =>
      expect({ paused, type: failure?.type }).toEqual({ paused: true, type: 'GroupBroken' }),
    );
    const { failure, warnings } = await rolloutStatus(world, scope.input.scopeId);
    expect(failure?.message).toContain('culprit');
    expect(warnings.filter(({ code }) => code === 'ControllerEvent')).toEqual([
      { code: 'ControllerEvent', message: expect.stringMatching(/^Failed.*gone-service/) },
    ]);
    expect((await world.kubernetes.read({ ...INGRESS, ...culprit }))?.metadata?.resourceVersion).toBe(written);
    await world.kubernetes.remove({ ...INGRESS, ...culprit });
    // A person was waited for (row 45: N3): the cause is gone, and the step is tried again.
    await handle.executeUpdate(resumeUpdate, { args: [{}] });
    await reaches(world, scope, inPhase('Running'));
    await handle.executeUpdate(rollbackUpdate, { args: [{ reason: 'enough' }] });
    await handle.result();
    expect(weightsOf(world, scope)).toEqual({ '41': 100 });
  });
});

describe('targets', () => {
  test('of green that stay unhealthy at weight 0 get no weight: rolled back (row 50: N10)', async () => {
    const scope = await lent(world);
    world.aws.state.lifecycle.targetHealthSeconds = 1e6;
    const failure = await failureOf(rollOut(world, next(scope)));
    expect(failure).toMatchObject({ type: 'TargetsUnhealthy', details: { rolledBack: true } });
    expect(weightsOf(world, scope)).toEqual({ '41': 100 });
  });

  test('of blue that were dead before the rollout stop nothing: it pauses, and a switch to 100 cures the scope', async () => {
    const scope = await served(world);
    const { knobs } = world.controllers.workloads;
    try {
      await fallIll(world, scope, '41');
      const handle = await startRollout(world, next(scope));
      await reaches(world, scope, ({ phase, paused, warnings }) => {
        expect({ phase, paused }).toEqual({ phase: 'Running', paused: true });
        expect(warnings).toEqual([{ code: 'BlueUnhealthy', message: expect.stringContaining('before this rollout') }]);
      });
      expect(weightsOf(world, scope)).toEqual({ '41': 100, '42': 0 });
      await handle.executeUpdate(switchTrafficUpdate, { args: [{ percent: 100 }] });
      const driver = drive(world, scope);
      await handle.executeUpdate(finalizeUpdate, { args: [{}] });
      expect(await handle.result()).toMatchObject({ outcome: 'finalized', hosts: [{ active: '42' }] });
      expect(driver.stop().failed).toEqual({});
    } finally {
      knobs.failure = undefined;
    }
  });

  test('of blue that are ill at a rollback: nothing is moved onto it, both are kept (row 51: N12)', async () => {
    const scope = await served(world);
    const handle = await startRollout(world, next(scope));
    await reaches(world, scope, inPhase('Running'));
    await handle.executeUpdate(switchTrafficUpdate, { args: [{ percent: 50 }] });
    world.aws.state.lifecycle.targetHealthSeconds = 1e6;
    await handle.signal(rollbackSignal, { reason: 'it is slow' });
    expect(await failureOf(handle.result())).toMatchObject({ type: 'CompensationIncomplete' });
    expect(weightsOf(world, scope)).toEqual({ '41': 50, '42': 50 });
    expect(await objectsOf(world, scope)).toHaveLength(5);
  });
});

describe('an Ingress that somebody deletes during the gate', () => {
  const ours = (scope: TestScope) =>
    world.kubernetes.list(INGRESS, {
      namespace: world.namespace,
      labelSelector: `scope_id=${scope.input.scopeId}`,
    });
  /** Answers when another one is in its place. */
  const deleteIt = async (scope: TestScope, isBack = true) => {
    const [first] = await eventually(async () => {
      const found = await ours(scope);
      expect(found).toHaveLength(1);
      return found;
    });
    await world.kubernetes.remove({ ...INGRESS, namespace: world.namespace, name: first?.metadata?.name ?? '' });
    if (!isBack) return;
    await eventually(async () => {
      const [again] = await ours(scope);
      expect(again?.metadata?.uid).toBeDefined();
      expect(again?.metadata?.uid).not.toBe(first?.metadata?.uid);
    });
  };

  test('is applied again, with a warning; whoever is asked looks again at once (row 19: D47)', async () => {
    const scope = await createScope(world);
    await world.controllers.loadBalancer.pause();
    const handle = await startRollout(world, deploymentOf(scope, '41'));
    await deleteIt(scope);
    const { waitingFor } = await handle.executeUpdate(retryNowUpdate, { args: [{}] });
    expect(waitingFor).toContain('41');
    await handle.signal(retryNowSignal, {});
    world.controllers.loadBalancer.resume();
    const result = (await handle.result()) as { warnings: { code: string }[] };
    expect(result.warnings.map(({ code }) => code)).toEqual(['ObjectMissing']);
    expect(weightsOf(world, scope)).toEqual({ '41': 100 });
  });

  test('a second time is ObjectMissing: the other actor must be stopped first (row 19: D47)', async () => {
    const scope = await createScope(world);
    await world.controllers.loadBalancer.pause();
    const result = failureOf(rollOut(world, deploymentOf(scope, '41')));
    await deleteIt(scope);
    await deleteIt(scope, false);
    expect(await result).toMatchObject({ type: 'ObjectMissing', details: { rolledBack: true } });
    world.controllers.loadBalancer.resume();
    expect(await traceOf(world, scope)).toEqual(GONE);
  });
});

test('a deletion repeated when the Ingresses are gone still proves that no rule is left, on every listener', async () => {
  const scope = await served(world, { workload: { additionalPorts: [{ port: 9000, type: 'HTTP' }] } });
  const { scopeId } = scope.input;
  await world.controllers.loadBalancer.pause();
  for (const { metadata } of await world.kubernetes.list(INGRESS, {
    namespace: world.namespace,
    labelSelector: `scope_id=${scopeId}`,
  })) {
    const ref = { ...INGRESS, namespace: world.namespace, name: metadata?.name ?? '' };
    await world.kubernetes.merge(ref, { metadata: { finalizers: [] } });
    await world.kubernetes.remove(ref);
  }
  const remove = () =>
    runOfRoom(world, workflowTypes.deploymentDeletion, workflowIds.deployment(scopeId), targetOf(scope));
  const left = { type: 'NotConverged', message: expect.stringMatching('still there: 443 .*; 9000 ') };
  expect(await failureOf(remove())).toMatchObject(left);
  // A listener that is gone from one list to the next is not a balancer without rules.
  world.around = (name, run) => {
    const gone = { kind: 'error' as const, code: 'ListenerNotFound', status: 400 };
    if (name === 'removeRoutes')
      world.faults.add({ match: { service: 'elbv2', action: 'DescribeRules', caller: 'sandbox' }, effect: gone });
    return run();
  };
  expect(await failureOf(remove())).toMatchObject({ type: 'NotConverged' });
  expect(await objectsOf(world, scope)).toHaveLength(3);
  world.around = undefined;
  world.faults.clear();
  await world.controllers.loadBalancer.resume();
  await remove();
  await eventually(async () => expect(await traceOf(world, scope)).toEqual(GONE));
});

test('a version is not removed while an Ingress names it, although no rule does yet (section 19)', async () => {
  const scope = await served(world);
  const { scopeId } = scope.input;
  world.around = async (name, run) => {
    if (name !== 'removeObjects') return run();
    await world.controllers.loadBalancer.pause();
    const labelSelector = `scope_id=${scopeId}`;
    const [ingress] = await world.kubernetes.list<KubernetesObject & { spec?: object }>(INGRESS, {
      namespace: world.namespace,
      labelSelector,
    });
    const spec = JSON.parse(JSON.stringify(ingress?.spec).replaceAll(`d-${scopeId}-42`, `d-${scopeId}-41`));
    await world.kubernetes.merge(
      { ...INGRESS, namespace: world.namespace, name: ingress?.metadata?.name ?? '' },
      { spec },
    );
    return run();
  };
  expect(await failureOf(rollOut(world, next(scope, { trafficPlan: byPlan([100]) })))).toMatchObject({
    type: 'NotConverged',
    message: expect.stringMatching(`Ingress .* still names d-${scopeId}-41`),
  });
  expect(await objectsOf(world, scope)).toContain(`Service d-${scopeId}-41`);
});

test('a version is removed when the balancer is read as it was for a moment (section 20)', async () => {
  const scope = await served(world);
  const handle = await startRollout(world, next(scope));
  await reaches(world, scope, inPhase('Running'));
  await handle.executeUpdate(switchTrafficUpdate, { args: [{ percent: 100 }] });
  const weighted = world.aws.state.region(REGION).rules;
  world.around = async (name, run) => {
    if (name !== 'removeObjects') return run();
    await world.controllers.loadBalancer.pause();
    const { rules } = world.aws.state.region(REGION);
    for (const latest of [weighted, rules])
      world.aws.state.mutateRegion(REGION, (tables) => {
        tables.rules.clear();
        for (const [arn, rule] of latest) tables.rules.set(arn, rule);
      });
    const stale = { kind: 'stale-read' as const };
    const match = { service: 'elbv2' as const, action: 'DescribeRules', caller: 'sandbox' };
    world.faults.add({ match, effect: stale, times: 1 });
    return run();
  };
  await handle.executeUpdate(finalizeUpdate, { args: [{}] });
  expect(await handle.result()).toMatchObject({ outcome: 'finalized', removed: { length: 2 } });
});

test('a repeat while Services of the old version do not go leads nothing to a port that only that one had', async () => {
  const scope = await served(world, { workload: { additionalPorts: [{ port: 9000, type: 'HTTP' }] } });
  const main = `d-${scope.input.scopeId}-41`;
  const holdBy = async (finalizers: string[]) => {
    for (const name of [main, `${main}-http-9000`])
      await world.kubernetes.merge(
        { apiVersion: 'v1', kind: 'Service', namespace: world.namespace, name },
        { metadata: { finalizers } },
      );
  };
  await holdBy(['example.com/hold']);
  const input = next(scope, { trafficPlan: byPlan([100]) });
  expect(await failureOf(rollOut(world, input))).toMatchObject({ type: 'RemovalTimeout' });
  const ingresses = async () => (await objectsOf(world, scope)).filter((object) => object.startsWith('Ingress'));
  const found: string[][] = [];
  world.around = async (name, run) => {
    if (name === 'removeObjects') found.push(await ingresses());
    if (found.length === 1) await holdBy([]);
    return run();
  };
  expect(await rollOut(world, input)).toMatchObject({ outcome: 'finalized', warnings: [] });
  expect(found[0]).toEqual(await ingresses());
  expect(await objectsOf(world, scope)).toHaveLength(3);
});

test('an object that a finalizer holds is RemovalTimeout naming it, untouched; a repeat goes on (row 30: D78)', async () => {
  const scope = await served(world);
  const service = {
    apiVersion: 'v1',
    kind: 'Service',
    namespace: world.namespace,
    name: `d-${scope.input.scopeId}-41`,
  };
  const holdBy = (finalizers: string[]) => world.kubernetes.merge(service, { metadata: { finalizers } });
  const uid = (await world.kubernetes.read(service))?.metadata?.uid;
  await world.kubernetes.apply({
    apiVersion: 'v1',
    kind: 'Event',
    metadata: { name: uniqueName('held'), namespace: world.namespace },
    involvedObject: { ...service, uid },
    type: 'Warning',
    reason: 'Held',
    message: 'the audit is not done',
    lastTimestamp: new Date().toISOString(),
  } as Parameters<typeof world.kubernetes.apply>[0]);
  await holdBy(['example.com/hold']);
  const driver = drive(world, scope);
  const handle = await startRollout(world, next(scope));
  await reaches(world, scope, inPhase('Running'));
  await handle.executeUpdate(switchTrafficUpdate, { args: [{ percent: 100 }] });
  await handle.executeUpdate(finalizeUpdate, { args: [{}] });
  expect(await failureOf(handle.result())).toMatchObject({
    type: 'RemovalTimeout',
    message: expect.stringMatching(/d-.*-41.*example\.com\/hold.*said last: Held: the audit is not done/),
  });
  expect(weightsOf(world, scope)).toEqual({ '42': 100 });
  expect((await world.kubernetes.read(service))?.metadata?.finalizers).toContain('example.com/hold');
  await holdBy([]);
  expect(await rollOut(world, next(scope))).toMatchObject({ outcome: 'finalized', hosts: [{ active: '42' }] });
  expect(await objectsOf(world, scope)).toHaveLength(3);
  expect(driver.stop().failed).toEqual({});
});
