import { type NativeConnection, Worker, type WorkflowBundleOption } from '@temporalio/worker';
import { type Room, taskQueueName } from '../contract/names.ts';
import type { Values } from './configuration.ts';
import type { Dependencies } from './dependencies.ts';
import { bundleFromSource } from './source-bundle.ts';

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
  const { workflows } = input;
  const workflowBundle = workflows === 'source' ? await bundleFromSource() : { codePath: workflows.bundlePath };
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
