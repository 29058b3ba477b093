import {
  bundleWorkflowCode,
  type NativeConnection,
  Runtime,
  Worker,
  type WorkflowBundleOption,
} from '@temporalio/worker';
import { type Room, taskQueueName } from '../contract/names.ts';
import type { Values } from './configuration.ts';
import type { Dependencies } from './dependencies.ts';
import { workflowSources } from './workflow-sources.ts';

/** Workflow code as a bundle made ahead (production), or as source that is bundled at start (development). */
export type WorkflowCode = { bundlePath: string } | 'source';

export interface WorkersInput {
  connection: NativeConnection;
  namespace: string;
  values: Values;
  dependencies: Dependencies;
  workflows: WorkflowCode;
  identity?: string;
}

/** One Temporal worker for each room that the configuration names; they share the connection and the clients. */
export async function createWorkers(input: WorkersInput): Promise<Worker[]> {
  const workflowBundle = await bundleOf(input.workflows);
  const workers: Worker[] = [];
  for (const room of input.values.queues as Room[]) workers.push(await createWorker(room, input, workflowBundle));
  return workers;
}

function createWorker(room: Room, input: WorkersInput, workflowBundle: WorkflowBundleOption): Promise<Worker> {
  const { values, connection, namespace, identity } = input;
  return Worker.create({
    connection,
    namespace,
    taskQueue: taskQueueName(values.taskQueuePrefix, room),
    ...(identity ? { identity } : {}),
    workflowBundle,
    activities: input.dependencies[room],
    maxConcurrentWorkflowTaskExecutions: values.workflowSlots,
    maxConcurrentActivityTaskExecutions: values.activitySlots,
    maxConcurrentLocalActivityExecutions: values.localActivitySlots,
    maxCachedWorkflows: values.maxCachedWorkflows,
    stickyQueueScheduleToStartTimeout: values.stickyTimeoutSeconds * 1000,
    // A message that ends a step reaches it with the answer to a heartbeat.
    maxHeartbeatThrottleInterval: Math.min(1, values.deploymentPollInterval) * 1000,
    shutdownGraceTime: values.shutdownGraceSeconds * 1000,
    shutdownForceTime: (values.shutdownGraceSeconds + 5) * 1000,
  });
}

/** From source once for all rooms: it takes seconds. */
async function bundleOf(code: WorkflowCode): Promise<WorkflowBundleOption> {
  if (code !== 'source') return { codePath: code.bundlePath };
  return bundleWorkflowCode({ ...workflowSources, logger: Runtime.instance().logger });
}
