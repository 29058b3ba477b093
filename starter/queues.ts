import type { Client } from '@temporalio/client';
import { type Room, taskQueueName, taskQueues } from '../contract/names.ts';
import { livePollers, WORKFLOW_TASKS } from '../contract/pollers.ts';

/** Task queues, and whether anybody serves them: a run in a queue without pollers waits without a word. */

/** Time for one look at a queue. */
const LOOK_MS = 10_000;

/** Name of a room's queue; `prefix` is the worker's GROUNDWORK_TASK_QUEUE_PREFIX. */
export function taskQueueOf(room: Room, prefix: string | undefined): string {
  return prefix === undefined || prefix === '' ? taskQueues[room] : taskQueueName(prefix, room);
}

export interface QueueState {
  taskQueue: string;
  /** Workers that polled for workflow tasks within the last poll's length. */
  pollers: number;
}

export async function queueState(client: Client, taskQueue: string): Promise<QueueState> {
  const answer = await client.withDeadline(Date.now() + LOOK_MS, () =>
    client.workflowService.describeTaskQueue({
      namespace: client.options.namespace,
      taskQueue: { name: taskQueue },
      taskQueueType: WORKFLOW_TASKS,
    }),
  );
  return { taskQueue, pollers: livePollers(answer.pollers, Date.now()).length };
}

/** One line for people when nobody serves the queue. */
export function unservedWords({ taskQueue }: QueueState): string {
  return `no worker polls task queue ${taskQueue}: the run waits until one does. Start the worker (npm start), or check its GROUNDWORK_QUEUES and GROUNDWORK_TASK_QUEUE_PREFIX.`;
}
