import type { WorkflowHandle } from '@temporalio/client';
import type { DeploymentInput } from '../../contract/deployment/input.ts';
import { getDeploymentStatus } from '../../contract/deployment/messages.ts';
import type { DeploymentResult, DeploymentStatus } from '../../contract/deployment/status.ts';
import { taskQueueName, workflowIds, workflowTypes } from '../../contract/names.ts';
import type { ScopeCreationInput } from '../../contract/scope/input.ts';
import { RequestDriver } from '../../sandbox/traffic/driver.ts';
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
  balancer: string;
}

/** Creates a scope to deploy to. */
export async function createScope(world: World): Promise<TestScope> {
  const input = world.request();
  const created = await world.create(input);
  return { input, domain: created.domain, balancer: created.balancer.name };
}

type Fields = Partial<Omit<DeploymentInput, 'workload'>> & { workload?: Partial<DeploymentInput['workload']> };

/** A deployment of a small workload; 2 instances of `registry.example.com/api:<id>`. */
export function deploymentOf({ input, domain }: TestScope, deploymentId: string, fields: Fields = {}): DeploymentInput {
  const { workload, ...rest } = fields;
  return {
    scopeId: input.scopeId,
    deploymentId,
    scope: { slugs: input.slugs, visibility: 'public' },
    hosts: { domain },
    workload: { image: `registry.example.com/api:${deploymentId}`, replicas: 2, ...workload },
    ...rest,
  };
}

export function startRollout(world: World, input: DeploymentInput): Promise<WorkflowHandle> {
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
export function targetOf({ input: { scopeId, slugs } }: TestScope) {
  return { scopeId, scope: { slugs, visibility: 'public' as const } };
}

export function rolloutStatus(world: World, scopeId: string): Promise<DeploymentStatus> {
  return world.client.workflow.getHandle(workflowIds.deployment(scopeId)).query(getDeploymentStatus);
}

/** A driver that sends requests to the scope until it is stopped. */
export function drive(world: World, { balancer, domain }: TestScope): RequestDriver {
  const driver = new RequestDriver({ state: world.aws.state, region: REGION, podAt: world.controllers.podAt });
  driver.start([{ balancer, host: domain, port: 443 }]);
  return driver;
}

/** Shares of the scope's rule on the real listener by deployment id; empty when no rule has the host. */
export function weightsOf(world: World, { input, domain }: TestScope, port = 443): Record<string, number> {
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

const KINDS = [
  { apiVersion: 'apps/v1', kind: 'Deployment' },
  { apiVersion: 'autoscaling/v2', kind: 'HorizontalPodAutoscaler' },
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
