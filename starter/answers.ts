import type { QueryDefinition, UpdateDefinition } from '@temporalio/common';
import type { Failure } from '../contract/failures.ts';
import { GroundworkError, Unavailable } from './errors.ts';
import { type QueueState, queueState, unservedWords } from './queues.ts';
import { answered, type RunAddress, type RunInfo, type Runs, type WaitOptions } from './runs.ts';
import { toGroundworkError } from './temporal-errors.ts';

/** What only a worker can answer for a run: queries, updates and results. Everything here rejects with a `GroundworkError`. */

/** Time for the answer to a query, in milliseconds, unless told: longer than a workflow task that has to be made again. */
const QUERY_MS = 5_000;

const NO_ANSWER = 'the workers do not answer in time: look at their logs, and at the failed workflow task in the UI';

/** Without `runId` the newest run is meant, also after it continued as new. */
export type Addressee = RunAddress & Pick<RunInfo, 'taskQueue'>;

/** What is known of a run: what it says of itself, how it ended, and why it says nothing. */
export interface RunReport<Status, Result> {
  run: RunInfo;
  /** The run's own account; absent when no worker answers. */
  status?: Status;
  result?: Result;
  failure?: Failure;
  queue: QueueState;
  /** Why the status is missing or the run does not move, in words. */
  note?: string;
}

/** `ask` answers undefined when no worker does. */
export async function reportOf<Status, Result>(
  runs: Runs,
  run: RunInfo,
  ask: (run: RunInfo) => Promise<Status | undefined>,
): Promise<RunReport<Status, Result>> {
  const [queue, end] = await Promise.all([
    queueOf(runs, run.taskQueue),
    run.state === 'running' ? {} : endOf<Result>(runs, run),
  ]);
  if (queue.pollers === 0) return { run, queue, ...end, note: unservedWords(queue) };
  const status = await ask(run);
  return { run, queue, ...end, ...(status === undefined ? { note: NO_ANSWER } : { status }) };
}

export async function query<T>(
  runs: Runs,
  run: Pick<RunAddress, 'workflowId' | 'runId'>,
  definition: QueryDefinition<T>,
  patienceMs = QUERY_MS,
): Promise<T> {
  const handle = runs.client.workflow.getHandle(run.workflowId, run.runId);
  try {
    return await runs.client.withDeadline(Date.now() + patienceMs, () => handle.query(definition));
  } catch (error) {
    throw toGroundworkError(error, { what: `ask ${run.workflowId}`, run });
  }
}

/** Sends an update and waits for its answer. */
export async function update<Answer, Request>(
  runs: Runs,
  run: Addressee,
  definition: UpdateDefinition<Answer, [Request]> | UpdateDefinition<Answer, [Request?]>,
  request: Request,
  options: WaitOptions,
): Promise<Answer> {
  await requireWorkers(runs, run.taskQueue);
  const handle = runs.handleOf(run);
  const asked = definition as UpdateDefinition<Answer, [Request]>;
  // The answer is awaited of the run that took the question, which may continue as new as soon as it has answered.
  const ask = async () => (await handle.startUpdate(asked, { args: [request], waitForStage: 'ACCEPTED' })).result();
  return answered(runs.client, { what: `${definition.name} of ${run.workflowId}`, run, effect: true }, options, ask);
}

/** Rejects with `Unavailable` when nobody polls the queue: a message would wait without a word. */
export async function requireWorkers(runs: Runs, taskQueue: string): Promise<void> {
  const queue = await queueOf(runs, taskQueue);
  if (queue.pollers === 0) throw new Unavailable(unservedWords(queue), { ...queue });
}

export function queueOf(runs: Runs, taskQueue: string): Promise<QueueState> {
  return queueState(runs.client, taskQueue).catch((error: unknown) => {
    throw toGroundworkError(error, { what: `look at task queue ${taskQueue}` });
  });
}

async function endOf<Result>(
  runs: Runs,
  run: RunInfo,
): Promise<Pick<RunReport<unknown, Result>, 'result' | 'failure'>> {
  try {
    return { result: await runs.resultOf<Result>(run, { deadline: QUERY_MS }) };
  } catch (error) {
    if (error instanceof GroundworkError) return { failure: error.toJSON() };
    throw error;
  }
}
