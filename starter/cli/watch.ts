import { setTimeout as delay } from 'node:timers/promises';
import type { Groundwork, RunHandle } from '../client.ts';
import { GroundworkError } from '../errors.ts';
import { queueState, unservedWords } from '../queues.ts';
import { Interrupted } from './failing.ts';
import type { Io, Output } from './io.ts';
import { plainLines, Screen } from './screen.ts';

/** Waiting for a run at the command line: Ctrl-C and deadlines end the watching, never the run. */

export interface WatchOptions {
  follow?: boolean;
  /** Seconds. */
  deadline?: number;
  json?: boolean;
}

export interface Watched {
  io: Io;
  groundwork: Groundwork;
  /** Words for what to do after Ctrl-C, for example "groundwork scope status 123". */
  statusCommand: string;
  /** Lines to show under the checklist. */
  more?: () => Promise<string[]>;
}

const LOOK_MS = 400;
const ANSWER_MS = 2_000;

/** Resolves with the run's result; rejects with its failure, `OutcomeUnknown` at the deadline, or `Interrupted`. */
export async function watchRun<Result>(
  { io, groundwork, statusCommand, more }: Watched,
  run: Pick<RunHandle<Result>, 'workflowId' | 'runId' | 'taskQueue' | 'result'>,
  options: WatchOptions,
): Promise<Result> {
  const stop = new AbortController();
  const ended = new AbortController();
  const takeOff = io.onInterrupt(() => stop.abort());
  // Progress is for people: with --json it stays off stdout.
  const progress = options.json ? io.stderr : io.stdout;
  const following = options.follow
    ? follow(io, groundwork, run, progress, { stop: stop.signal, ended: ended.signal }, more)
    : warnUnserved(io, groundwork, run.taskQueue);
  try {
    return await run.result({
      signal: stop.signal,
      ...(options.deadline === undefined ? {} : { deadline: options.deadline * 1000 }),
    });
  } catch (error) {
    if (!stop.signal.aborted) throw error;
    throw new Interrupted(`stopped watching; run ${run.workflowId} goes on. See it with "${statusCommand}".`);
  } finally {
    takeOff();
    ended.abort();
    if (!stop.signal.aborted) await following;
  }
}

/** One line on stderr when nobody serves the run's queue. */
export async function warnUnserved(io: Io, groundwork: Groundwork, taskQueue: string): Promise<void> {
  const queue = await queueState(groundwork.temporal, taskQueue).catch(() => undefined);
  if (queue?.pollers === 0) io.stderr.write(`${unservedWords(queue)}\n`);
}

async function follow(
  io: Io,
  groundwork: Groundwork,
  run: { workflowId: string; taskQueue: string },
  output: Output,
  { stop, ended }: { stop: AbortSignal; ended: AbortSignal },
  more: () => Promise<string[]> = async () => [],
): Promise<void> {
  const all = async () => [...(await look(groundwork, run)), ...(await more().catch(() => []))];
  const signal = AbortSignal.any([stop, ended]);
  const screen = new Screen(output, io.env);
  while (!signal.aborted) {
    const lines = await all();
    if (!stop.aborted) screen.update(lines);
    await delay(LOOK_MS, undefined, { signal }).catch(() => undefined);
  }
  if (!stop.aborted) screen.update(await all());
}

/** The checklist as it is now, or why there is none. A run that continued as new no longer has it: the newest one is asked. */
async function look(groundwork: Groundwork, run: { workflowId: string; taskQueue: string }): Promise<string[]> {
  const { temporal } = groundwork;
  try {
    const metadata = await temporal.withDeadline(Date.now() + ANSWER_MS, () =>
      temporal.workflow.getHandle(run.workflowId).query<RunMetadata>(METADATA_QUERY),
    );
    return [run.workflowId, ...plainLines(metadata.currentDetails ?? '')];
  } catch (error) {
    if (error instanceof GroundworkError) throw error;
    const queue = await queueState(temporal, run.taskQueue).catch(() => undefined);
    if (queue === undefined) return [run.workflowId, 'Temporal does not answer.'];
    return [run.workflowId, queue.pollers === 0 ? unservedWords(queue) : 'The workers do not answer in time.'];
  }
}

/** Every run of every SDK answers it; `currentDetails` is the Markdown that the Temporal UI shows. */
const METADATA_QUERY = '__temporal_workflow_metadata';

interface RunMetadata {
  currentDetails?: string;
}
