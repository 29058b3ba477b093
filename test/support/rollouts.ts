import type { WorkflowHandle } from '@temporalio/client';
import type { DeploymentInput } from '../../contract/deployment/input.ts';
import { getDeploymentStatus } from '../../contract/deployment/messages.ts';
import type { DeploymentResult, DeploymentStatus } from '../../contract/deployment/status.ts';
import { taskQueueName, workflowIds, workflowTypes } from '../../contract/names.ts';
import type { ScopeCreationInput } from '../../contract/scope/input.ts';
import { RequestDriver } from '../../sandbox/traffic/driver.ts';
import { REGION, type World } from './world.ts';

/** Rollouts in a test's world. */

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

export function rolloutStatus(world: World, scopeId: string): Promise<DeploymentStatus> {
  return world.client.workflow.getHandle(workflowIds.deployment(scopeId)).query(getDeploymentStatus);
}

/** A driver that sends requests to the scope until it is stopped. */
export function drive(world: World, { balancer, domain }: TestScope): RequestDriver {
  const driver = new RequestDriver({ state: world.aws.state, region: REGION, podAt: world.controllers.podAt });
  driver.start([{ balancer, host: domain, port: 443 }]);
  return driver;
}
