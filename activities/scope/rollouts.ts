import { livePollers, WORKFLOW_TASKS } from '../../contract/pollers.ts';
import { notYet, permanent } from '../failures.ts';
import type { ScopeDependencies } from './dependencies.ts';

/** What a deletion asks Temporal about the rollout of its scope. Asking twice is harmless. */

export interface RolloutInput {
  workflowId: string;
}

/** Whether a run of this id is open. */
export async function isOpen(deps: ScopeDependencies, { workflowId }: RolloutInput): Promise<boolean> {
  try {
    const { closeTime } = await deps.temporal.workflow.getHandle(workflowId).describe();
    return closeTime === undefined; // also while it is paused
  } catch (error) {
    if (error instanceof Error && error.name === 'WorkflowNotFoundError') return false;
    throw error;
  }
}

/** One look whether the rollout that was cancelled has ended; past `until` it is `DeploymentLive`. */
export async function watchRolloutEnd(deps: ScopeDependencies, input: RolloutInput & { until: string }): Promise<void> {
  if (!(await isOpen(deps, input))) return;
  const { workflowId, until } = input;
  if (Date.now() >= Date.parse(until)) {
    const message = `rollout ${workflowId} was cancelled and had not ended by ${until}. Look at that run, then repeat.`;
    throw permanent('DeploymentLive', message, { workflowId });
  }
  throw notYet(`rollout ${workflowId} is still ending`, deps.settings.timings.pollInterval);
}

/** Refuses to begin what nobody would do: a run in a queue without pollers waits without a word. */
export async function requireWorker(deps: ScopeDependencies, { taskQueue }: { taskQueue: string }): Promise<void> {
  const { pollers } = await deps.temporal.workflowService.describeTaskQueue({
    namespace: deps.temporal.options.namespace,
    taskQueue: { name: taskQueue },
    taskQueueType: WORKFLOW_TASKS,
  });
  if (livePollers(pollers, Date.now()).length > 0) return;
  const message = `the scope's objects cannot be removed: no worker polls task queue ${taskQueue}. Start one, then repeat.`;
  throw permanent('DeploymentLive', message, { taskQueue });
}
