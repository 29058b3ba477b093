import type { KubernetesObject } from '@kubernetes/client-node';
import type { WorkflowHandleWithFirstExecutionRunId } from '@temporalio/client';
import { expect, onTestFinished } from 'vitest';
import type { DeploymentInput } from '../../contract/deployment/input.ts';
import { getDeploymentStatus } from '../../contract/deployment/messages.ts';
import type { DeploymentResult, DeploymentStatus } from '../../contract/deployment/status.ts';
import { taskQueueName, workflowIds, workflowTypes } from '../../contract/names.ts';
import type { ScopeCreationInput } from '../../contract/scope/input.ts';
import { GATEWAYS_NAMESPACE, gatewayRef } from '../../domain/scope/dns-endpoint.ts';
import { RequestDriver, throughBalancers, throughGateways } from '../../sandbox/traffic/driver.ts';
import { makeGateway } from './gateway.ts';
import { eventually } from './inspect.ts';
import { uniqueName } from './servers.ts';
import { REGION, region, testWorld, type World, type WorldOptions } from './world.ts';

/** Rollouts in a test's world. */

/** A world whose worker serves scopes and deployments, and whose balancers are the controller's. */
export function rolloutWorld({ environment, ...options }: WorldOptions = {}): World {
  return testWorld({
    seed: region({ public: 0, managed: true }),
    ...options,
    environment: { GROUNDWORK_QUEUES: 'scopes,deployments', ...environment },
  });
}

export interface TestScope {
  input: ScopeCreationInput;
  domain: string;
  /** With external DNS its gateway, as `<namespace>/<name>`. */
  balancer: string;
}

/** Creates a scope to deploy to. */
export async function createScope(world: World): Promise<TestScope> {
  const input = world.request();
  const created = await world.create(input);
  return { input, domain: created.domain, balancer: created.balancer.name };
}

/** A scope with external DNS, and a gateway of its own: default one that takes every route. */
export async function createScopeByGateway(world: World, listeners?: readonly object[]): Promise<TestScope> {
  const name = `gateway-${uniqueName('g')}`;
  const status = { addresses: [{ type: 'IPAddress', value: '10.1.2.3' }] };
  await makeGateway(world.kubernetes, name, status, 'Gateway', listeners);
  const input = world.request({ dnsType: 'external_dns', networking: { scope: { gatewayPublicName: name } } });
  const created = await world.create(input);
  return { input, domain: created.domain, balancer: gatewayRef(name) };
}

const isByGateway = ({ input }: TestScope) => input.dnsType === 'external_dns';

type Fields = Partial<Omit<DeploymentInput, 'workload'>> & { workload?: Partial<DeploymentInput['workload']> };

/** A deployment of a small workload; 2 instances of `registry.example.com/api:<id>`. */
export function deploymentOf({ input, domain }: TestScope, deploymentId: string, fields: Fields = {}): DeploymentInput {
  const { workload, ...rest } = fields;
  return {
    scopeId: input.scopeId,
    deploymentId,
    ...knownOf(input),
    hosts: { domain },
    workload: { image: `registry.example.com/api:${deploymentId}`, replicas: 2, ...workload },
    ...rest,
  };
}

/** What every run of the room is told of a scope. */
function knownOf({ slugs, dnsType, networking }: ScopeCreationInput) {
  const scope = { slugs, visibility: 'public' as const };
  if (dnsType !== 'external_dns') return { scope };
  return { scope: { ...scope, dnsType }, networking: { scope: networking?.scope } };
}

/** An open run of the scope that holds its row in the ledger; no worker serves it. */
export async function holdBy(world: World, { input: { scopeId } }: TestScope) {
  const run = await world.client.workflow.start('holder', {
    taskQueue: uniqueName('nobody'),
    workflowId: `scope-deletion/${scopeId}`,
  });
  const holder = `${run.workflowId}@${run.firstExecutionRunId}`;
  await world.database.query('update placement set holder = $2 where scope_id = $1', [scopeId, holder]);
  return { holder, end: () => run.terminate() };
}

/** A scope whose version 41 serves. */
export async function served(world: World, fields?: Fields): Promise<TestScope> {
  const spare = fields ? undefined : givenBack.get(world)?.pop();
  if (spare) return spare;
  const scope = await createScope(world);
  await rollOut(world, deploymentOf(scope, '41', fields));
  return scope;
}

/** Scopes with which tests are done, as they got them. */
const givenBack = new WeakMap<World, TestScope[]>();

/** The same for a test that must leave it as it found it, which is checked after it: another test gets the scope then. */
export async function lent(world: World): Promise<TestScope> {
  const scope = await served(world);
  const before = await traceOf(world, scope);
  onTestFinished(async ({ task }) => {
    if (task.result?.state === 'fail') return;
    expect(await traceOf(world, scope)).toEqual(before);
    givenBack.set(world, [...(givenBack.get(world) ?? []), scope]);
  });
  return scope;
}

/** Version 42 in the place of 41. */
export const next = (scope: TestScope, fields: Fields = {}): DeploymentInput =>
  deploymentOf(scope, '42', { currentDeploymentId: '41', ...fields });

/** Through these percentages, each held for `holdSeconds`, to the end. */
export const byPlan = (percents: readonly number[], holdSeconds = 0) => ({
  mode: 'steps' as const,
  steps: percents.map((percent) => ({ percent, holdSeconds })),
  autoFinalize: true,
});

export function startRollout(world: World, input: DeploymentInput): Promise<WorkflowHandleWithFirstExecutionRunId> {
  return world.client.workflow.start(workflowTypes.deployment, {
    taskQueue: taskQueueName(world.values.taskQueuePrefix, 'deployments'),
    workflowId: input.dryRun ? workflowIds.deploymentPlan(input.scopeId) : workflowIds.deployment(input.scopeId),
    workflowIdConflictPolicy: 'FAIL',
    args: [input],
  });
}

export async function rollOut(world: World, input: DeploymentInput): Promise<DeploymentResult> {
  return (await (await startRollout(world, input)).result()) as DeploymentResult;
}

/** Another run of the room, to its end. */
export function runOfRoom(world: World, type: string, workflowId: string, input: object): Promise<unknown> {
  const taskQueue = taskQueueName(world.values.taskQueuePrefix, 'deployments');
  return world.client.workflow.execute(type, { taskQueue, workflowId, args: [input] });
}

/** What deletion, restart and diagnosis are told of a scope. */
export function targetOf({ input }: TestScope) {
  return { scopeId: input.scopeId, ...knownOf(input) };
}

export function rolloutStatus(world: World, scopeId: string): Promise<DeploymentStatus> {
  return world.client.workflow.getHandle(workflowIds.deployment(scopeId)).query(getDeploymentStatus);
}

/** Waits until the rollout's status is as `check` wants it. */
export function reaches(
  world: World,
  { input }: TestScope,
  check: (status: DeploymentStatus) => void,
  seconds = 20,
): Promise<void> {
  return eventually(async () => check(await rolloutStatus(world, input.scopeId)), seconds);
}

export const inPhase = (phase: DeploymentStatus['phase']) => (status: DeploymentStatus) =>
  expect(status.phase).toBe(phase);

/** A driver that sends requests to the scope until it is stopped. */
export function drive(world: World, { balancer, domain }: TestScope): RequestDriver {
  const destination = balancer.startsWith(`${GATEWAYS_NAMESPACE}/`)
    ? throughGateways(world.controllers)
    : throughBalancers(world.aws.state, REGION);
  const driver = new RequestDriver({ destination, podAt: world.controllers.podAt });
  driver.start([{ balancer, host: domain, port: 443 }]);
  return driver;
}

/** Shares of the scope's rule on the real listener, or at its gateway, by deployment id; empty when no rule has the host. */
export function weightsOf(world: World, scope: TestScope, port = 443): Record<string, number> {
  const { input, domain } = scope;
  if (isByGateway(scope)) {
    const backends = world.controllers.gateways.backends(scope.balancer, domain);
    return Object.fromEntries(
      backends.map(({ service = '', weight }) => [service.slice(`d-${input.scopeId}-`.length), weight]),
    );
  }
  const tables = world.aws.state.region(REGION);
  const listeners = [...tables.listeners.values()].filter((listener) => listener.port === port);
  const rules = [...tables.rules.values()].filter(
    ({ listenerArn, conditions }) =>
      listeners.some(({ arn }) => arn === listenerArn) && conditions.some(({ values }) => values.includes(domain)),
  );
  const weights: Record<string, number> = {};
  for (const { actions } of rules) {
    for (const action of actions) {
      if (action.type !== 'forward') continue;
      const total = action.targetGroups.reduce((sum, { weight }) => sum + weight, 0);
      for (const { arn, weight } of action.targetGroups) {
        const tag = tables.targetGroups.get(arn)?.tags['ingress.k8s.aws/resource'] ?? '';
        const id = new RegExp(`.*-d-${input.scopeId}-([a-z0-9-]+?)(?:-(?:http|grpc)-\\d+)?:`).exec(tag)?.[1] ?? tag;
        weights[id] = total === 0 ? 0 : (weight * 100) / total;
      }
    }
  }
  return weights;
}

/** A person gives the new version another weight, past the rollout. */
export async function editWeights(world: World, { input }: TestScope, weight: number): Promise<void> {
  const kind = { apiVersion: 'networking.k8s.io/v1', kind: 'Ingress' };
  const [ingress] = await world.kubernetes.list(kind, {
    namespace: world.namespace,
    labelSelector: `scope_id=${input.scopeId}`,
  });
  const { name = '', annotations = {} } = ingress?.metadata ?? {};
  const key = 'alb.ingress.kubernetes.io/actions.bg-deployment';
  const action = (annotations[key] ?? '').replace(/"weight":\d+}]/, `"weight":${weight}}]`);
  await world.kubernetes.merge(
    { ...kind, namespace: world.namespace, name },
    { metadata: { annotations: { [key]: action } } },
  );
}

/** The same at a gateway. */
export async function editRoute(world: World, { input }: TestScope, weight: number): Promise<void> {
  const kind = { apiVersion: 'gateway.networking.k8s.io/v1', kind: 'HTTPRoute' };
  const [route] = await world.kubernetes.list<KubernetesObject & { spec?: RouteSpec }>(kind, {
    namespace: world.namespace,
    labelSelector: `scope_id=${input.scopeId}`,
  });
  const rules = route?.spec?.rules.map((rule) => {
    const [old, fresh] = rule.backendRefs;
    return {
      ...rule,
      backendRefs: [
        { ...old, weight: 100 - weight },
        { ...fresh, weight },
      ],
    };
  });
  const name = route?.metadata?.name ?? '';
  await world.kubernetes.merge({ ...kind, namespace: world.namespace, name }, { spec: { rules } });
}

interface RouteSpec {
  rules: { backendRefs: object[] }[];
}

/** What a rollout that goes back must leave as it was. */
export async function traceOf(world: World, scope: TestScope): Promise<{ weights: object; objects: string[] }> {
  return { weights: weightsOf(world, scope), objects: await objectsOf(world, scope, 'uid') };
}

export const GONE = { weights: {}, objects: [] };

/** The instances of a version are lost, and the new ones do not get ready as long as the knob says so. */
export async function fallIll(world: World, { input }: TestScope, deploymentId: string): Promise<void> {
  const labelSelector = `scope_id=${input.scopeId},deployment_id=${deploymentId}`;
  world.controllers.workloads.knobs.failure = ({ metadata: { labels = {} } }) =>
    `scope_id=${labels.scope_id},deployment_id=${labels.deployment_id}` === labelSelector ? 'not-ready' : undefined;
  const pod = { apiVersion: 'v1', kind: 'Pod' };
  for (const { metadata } of await world.kubernetes.list(pod, { namespace: world.namespace, labelSelector }))
    await world.kubernetes.remove({ ...pod, namespace: world.namespace, name: metadata?.name ?? '' });
}

const KINDS = [
  { apiVersion: 'apps/v1', kind: 'Deployment' },
  { apiVersion: 'autoscaling/v2', kind: 'HorizontalPodAutoscaler' },
  { apiVersion: 'gateway.networking.k8s.io/v1', kind: 'HTTPRoute' },
  { apiVersion: 'networking.k8s.io/v1', kind: 'Ingress' },
  { apiVersion: 'policy/v1', kind: 'PodDisruptionBudget' },
  { apiVersion: 'v1', kind: 'Service' },
];

/** Objects of the scope in the cluster, as `Kind name`, sorted; with `uid` also which one of that name. */
export async function objectsOf(world: World, { input }: TestScope, uid?: 'uid'): Promise<string[]> {
  const found: string[] = [];
  for (const kind of KINDS) {
    const labelSelector = `scope_id=${input.scopeId}`;
    for (const { metadata } of await world.kubernetes.list(kind, { namespace: world.namespace, labelSelector }))
      found.push([kind.kind, metadata?.name, ...(uid ? [metadata?.uid] : [])].join(' '));
  }
  return found.sort();
}
