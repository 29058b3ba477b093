import { afterEach, describe, expect, test } from 'vitest';
import { rollbackUpdate, switchTrafficUpdate } from '../../../contract/deployment/messages.ts';
import type { DeploymentPlan, DiagnosisResult } from '../../../contract/deployment/status.ts';
import { workflowIds, workflowTypes } from '../../../contract/names.ts';
import { eventually, failureOf } from '../../support/inspect.ts';
import { record } from '../../support/replay/histories.ts';
import {
  byPlan,
  createScope,
  createScopeByGateway,
  deploymentOf,
  drive,
  GONE,
  holdBy,
  inPhase,
  next,
  objectsOf,
  reaches,
  rollOut,
  rolloutStatus,
  rolloutWorld,
  runOfRoom,
  startRollout,
  type TestScope,
  targetOf,
  traceOf,
  weightsOf,
} from '../../support/rollouts.ts';

/** Scopes with external DNS: an HTTPRoute and a gateway in the place of Ingresses and a balancer (rows 26, 28: D64, D70, D72). */

const world = rolloutWorld({
  environment: {
    GROUNDWORK_DEPLOYMENT_RECONCILE_TIMEOUT: '5',
    GROUNDWORK_DEPLOYMENT_DRAIN_SECONDS: '0.05',
    // The gateway's word comes first, and is acted upon.
    GROUNDWORK_DEPLOYMENT_UNHEALTHY_TOLERANCE: '3',
  },
});

afterEach(async () => {
  world.around = undefined;
  world.faults.clear();
  await world.controllers.gateways.resume();
});

const ROUTE = { apiVersion: 'gateway.networking.k8s.io/v1', kind: 'HTTPRoute' };

const refOf = ({ input: { scopeId, slugs } }: TestScope) => ({
  ...ROUTE,
  namespace: world.namespace,
  name: `k-8-s-${slugs.scope}-${scopeId}-internet-facing`,
});

/** What a rollback must put back as it was. */
async function routeOf(scope: TestScope) {
  const { metadata, spec } = ((await world.kubernetes.read(refOf(scope))) ?? {}) as {
    metadata?: { labels?: object; annotations?: object };
    spec?: object;
  };
  return { labels: metadata?.labels, annotations: metadata?.annotations, spec };
}

let serving: TestScope | undefined;

/** A scope whose version 41 serves, and serves again when a test is over. */
async function served(): Promise<TestScope> {
  if (serving) return serving;
  const scope = await createScopeByGateway(world);
  await rollOut(world, deploymentOf(scope, '41'));
  serving = scope;
  return scope;
}

/** The ledger knows that it is a scope with external DNS. */
function target(type: string, scope: TestScope, id: string): Promise<unknown> {
  const { dnsType: _, ...rest } = { dnsType: '', ...targetOf(scope).scope };
  return runOfRoom(world, type, id, { ...targetOf(scope), scope: rest });
}

test('a version goes live by the word of its gateway, the next one takes over by plan without a failed request, and all is removed, without a call to AWS', async () => {
  const scope = await createScopeByGateway(world);
  const { scopeId } = scope.input;
  world.aws.resetRequests();
  expect(await rollOut(world, deploymentOf(scope, '41'))).toMatchObject({
    outcome: 'finalized',
    hosts: [{ host: scope.domain, active: '41' }],
    warnings: [],
  });
  const status = await rolloutStatus(world, scopeId);
  expect(status).toMatchObject({
    phase: 'Finalized',
    gateway: scope.balancer,
    actual: [{ host: scope.domain, port: 443, weights: { [`d-${scopeId}-41`]: 100 } }],
    healthyTargets: { green: 2 },
  });
  expect(status.balancer).toBeUndefined();
  const driver = drive(world, scope);
  expect(weightsOf(world, scope)).toEqual({ '41': 100 });

  const diagnosis = workflowIds.diagnosis(scopeId, 'r1');
  const { checks } = (await target(workflowTypes.diagnosis, scope, diagnosis)) as DiagnosisResult;
  const skipped = checks.filter((check) => check.status === 'skipped').map(({ name }) => name);
  expect(checks.filter((check) => check.status === 'failed')).toEqual([]);
  expect(skipped).toEqual([
    'ingress_class_validation',
    'ingress_host_rules',
    'alb_capacity_check',
    'application_log_evidence',
  ]);

  const plan = (await (await startRollout(world, next(scope, { dryRun: true }))).result()) as DeploymentPlan;
  expect(plan).toMatchObject({ gateway: scope.balancer, objects: [{}, {}, { kind: 'HTTPRoute' }] });
  expect([plan.balancer, plan.load]).toEqual([undefined, undefined]);

  const result = await rollOut(world, next(scope, { trafficPlan: byPlan([25, 100]) }));
  expect(result).toMatchObject({ outcome: 'finalized', percent: 100, hosts: [{ active: '42' }] });
  await record(world.client, 'deployment', 'by-gateway', workflowIds.deployment(scopeId));
  expect(driver.stop().failed).toEqual({});
  expect(Object.keys(driver.counts.served).sort()).toEqual(['41', '42']);
  expect(weightsOf(world, scope)).toEqual({ '42': 100 });
  const objects = [`Deployment d-${scopeId}-42`, `HTTPRoute ${refOf(scope).name}`, `Service d-${scopeId}-42`];
  expect(await objectsOf(world, scope)).toEqual(objects);

  const remove = () => target(workflowTypes.deploymentDeletion, scope, workflowIds.deployment(scopeId));
  expect(await remove()).toMatchObject({
    removed: expect.arrayContaining([`HTTPRoute ${world.namespace}/${refOf(scope).name}`]),
    warnings: [],
  });
  await eventually(async () => expect(await traceOf(world, scope)).toEqual(GONE));
  expect(await remove()).toMatchObject({ removed: [], absent: [`HTTPRoutes of scope ${scopeId}`, expect.anything()] });
  expect(world.aws.requestCounts()).toEqual({});
});

describe('a second version', () => {
  test('moved by hand: a route that others delete is put back, and a rollback restores the route byte for byte', async () => {
    const scope = await served();
    await world.kubernetes.merge(refOf(scope), { metadata: { annotations: { 'example.com/owner': 'web' } } });
    const before = [await routeOf(scope), await traceOf(world, scope)];
    const driver = drive(world, scope);
    const handle = await startRollout(world, next(scope));
    await reaches(world, scope, inPhase('Running'));
    expect(weightsOf(world, scope)).toEqual({ '41': 100, '42': 0 });
    expect(await handle.executeUpdate(switchTrafficUpdate, { args: [{ percent: 30 }] })).toEqual({ percent: 30 });
    expect(weightsOf(world, scope)).toEqual({ '41': 70, '42': 30 });
    await world.kubernetes.remove(refOf(scope));
    await reaches(world, scope, ({ warnings }) => {
      expect(warnings).toMatchObject([{ code: 'RulesChanged', message: expect.stringContaining('was deleted') }]);
      expect(weightsOf(world, scope)).toEqual({ '41': 70, '42': 30 });
    });
    await handle.executeUpdate(rollbackUpdate, { args: [{ reason: 'it is slow' }] });
    expect(await handle.result()).toMatchObject({ outcome: 'rolled_back', reason: 'it is slow' });
    expect(await routeOf(scope)).toEqual(before[0]);
    expect(weightsOf(world, scope)).toEqual({ '41': 100 });
    // While there was no route, nobody was led anywhere.
    expect(Object.keys(driver.stop().failed).filter((why) => !why.startsWith('404'))).toEqual([]);
  });

  test('whose Service somebody removes at 50 is RouteNotAccepted: the route is put back as it was, although no weight can be set any more', async () => {
    const scope = await served();
    const before = [await routeOf(scope), await traceOf(world, scope)];
    const handle = await startRollout(world, next(scope));
    await reaches(world, scope, inPhase('Running'));
    await handle.executeUpdate(switchTrafficUpdate, { args: [{ percent: 50 }] });
    const name = `d-${scope.input.scopeId}-42`;
    await world.kubernetes.remove({ apiVersion: 'v1', kind: 'Service', namespace: world.namespace, name });
    expect(await failureOf(handle.result())).toMatchObject({
      type: 'RouteNotAccepted',
      message: `the gateway does not take the HTTPRoute: gateway ${scope.balancer}: ResolvedRefs is False, BackendNotFound, Service ${world.namespace}/${name} not found`,
      details: { rolledBack: true },
    });
    expect([await routeOf(scope), await traceOf(world, scope)]).toEqual(before);
  });

  test('refused by the gateway while traffic holds: told, and a person decides with onFailure pause', async () => {
    const scope = await served();
    const trafficPlan = { mode: 'manual' as const, onFailure: 'pause' as const };
    let routings = 0;
    world.around = (activity, run) => {
      if (activity === 'routeTraffic') routings += 1;
      return run();
    };
    const handle = await startRollout(world, next(scope, { trafficPlan }));
    await reaches(world, scope, inPhase('Running'));
    const { gateways } = world.controllers;
    gateways.knobs.refuse = ({ metadata }) =>
      metadata.labels?.scope_id === scope.input.scopeId
        ? { type: 'Accepted', reason: 'UnsupportedValue', message: 'a filter is unknown' }
        : undefined;
    await gateways.resume(); // looks at everything
    await reaches(world, scope, ({ paused, failure }) =>
      expect([paused, failure?.type, failure?.message]).toEqual([
        true,
        'RouteNotAccepted',
        expect.stringContaining('UnsupportedValue, a filter is unknown'),
      ]),
    );
    gateways.knobs.refuse = undefined;
    await gateways.resume();
    await handle.executeUpdate(rollbackUpdate, { args: [{ reason: 'enough' }] });
    expect(await handle.result()).toMatchObject({ outcome: 'rolled_back' });
    expect(weightsOf(world, scope)).toEqual({ '41': 100 });
    // The first one, once more to see whether the refusal is for good, and as it was before.
    expect(routings).toBe(3);
  });
});

describe('a first version whose gateway', () => {
  test('lacks a certificate is CertificateMissing; nothing of it stays', async () => {
    const tls = { certificateRefs: [{ name: 'wildcard' }] };
    const allowedRoutes = { namespaces: { from: 'All' } };
    const listener = { name: 'https', port: 443, protocol: 'HTTPS', tls, allowedRoutes };
    const scope = await createScopeByGateway(world, [listener]);
    expect(await failureOf(rollOut(world, deploymentOf(scope, '41')))).toMatchObject({
      type: 'CertificateMissing',
      message: expect.stringContaining('Secret gateways/wildcard was not found'),
      details: { rolledBack: true },
    });
    await eventually(async () => expect(await traceOf(world, scope)).toEqual(GONE));
  });

  test('does not exist is NotConverged at the deadline, saying so', async () => {
    const scope = await createScopeByGateway(world);
    const [namespace = '', name = ''] = scope.balancer.split('/');
    await world.kubernetes.remove({ ...ROUTE, kind: 'Gateway', namespace, name });
    expect(await failureOf(rollOut(world, deploymentOf(scope, '41')))).toMatchObject({
      type: 'NotConverged',
      message: expect.stringContaining(
        `gateway ${scope.balancer} has not looked at the HTTPRoute yet; there is no Gateway ${scope.balancer}`,
      ),
    });
    expect(await objectsOf(world, scope)).toEqual([]);
  });
});

test('an HTTPRoute that somebody deletes during the gate is applied again once; the second time is ObjectMissing (row 19)', async () => {
  const scope = await createScopeByGateway(world);
  await world.controllers.gateways.pause();
  const result = failureOf(rollOut(world, deploymentOf(scope, '41')));
  const deleteIt = (last?: string) =>
    eventually(async () => {
      const { uid } = (await world.kubernetes.read(refOf(scope)))?.metadata ?? {};
      expect(uid).toBeDefined();
      expect(uid).not.toBe(last);
      await world.kubernetes.remove(refOf(scope));
      return uid;
    });
  const first = await deleteIt();
  await reaches(world, scope, inPhase('Verifying'));
  await deleteIt(first);
  expect(await result).toMatchObject({
    type: 'ObjectMissing',
    message: expect.stringContaining(
      `HTTPRoute ${world.namespace}/${refOf(scope).name} was deleted by somebody a second time`,
    ),
    details: { rolledBack: true },
  });
  expect(await objectsOf(world, scope)).toEqual([]);
});

describe('a start', () => {
  test('is refused on a scope that is held, with another way of DNS, and on a cluster without the Gateway API', async () => {
    const scope = await createScopeByGateway(world);
    const input = deploymentOf(scope, '41');
    const { holder, end } = await holdBy(world, scope);
    expect(await failureOf(rollOut(world, input))).toMatchObject({
      type: 'ScopeBusy',
      message: expect.stringContaining(holder),
    });
    await end();
    const other = { ...input, scope: { ...input.scope, dnsType: 'route53' as const } };
    expect(await failureOf(rollOut(world, other))).toMatchObject({
      type: 'InvalidInput',
      message: 'scope.dnsType: the scope was created with external_dns, not route53',
    });
    const notFound = { kind: 'error' as const, code: 'NotFound', status: 404, message: 'page not found' };
    world.faults.add({ match: { service: 'kubernetes', path: '/httproutes' }, effect: notFound });
    expect(await failureOf(rollOut(world, input))).toMatchObject({
      type: 'KubernetesRefused',
      message: expect.stringContaining('install the definitions of the Gateway API'),
    });
    expect(await objectsOf(world, scope)).toEqual([]);
  });

  test('of a scope that the ledger does not know gives its hosts a place there; those of others are refused', async () => {
    const known = await createScope(world);
    const scope = await createScopeByGateway(world);
    const unknown = { ...scope, input: { ...scope.input, scopeId: `${scope.input.scopeId}-x` } };
    const domain = `unknown-${scope.input.scopeId}.apps.example.com`;
    const input = deploymentOf(unknown, '41', { hosts: { domain, custom: [known.domain] } });
    expect(await failureOf(rollOut(world, input))).toMatchObject({
      type: 'InvalidInput',
      message: expect.stringContaining(`host ${known.domain} belongs to scope ${known.input.scopeId}`),
    });
    const { warnings } = await rollOut(world, { ...input, hosts: { domain } });
    expect(warnings.map(({ code }) => code)).toEqual(['PlacedAfresh']);
    const { rows } = await world.database.query(
      'select state, holder, hosts, hosts_added, dns_type from placement where scope_id = $1',
      [unknown.input.scopeId],
    );
    expect(rows).toEqual([
      { state: 'bound', holder: null, hosts: [domain], hosts_added: [], dns_type: 'external_dns' },
    ]);
    expect(await failureOf(world.remove(unknown.input.scopeId))).toMatchObject({
      type: 'DeploymentLive',
      message: expect.stringContaining(`HTTPRoute ${world.namespace}/${refOf(unknown).name}`),
    });
  });
});
