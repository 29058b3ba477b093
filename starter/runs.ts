import { setMaxListeners } from 'node:events';
import {
  type Client,
  WorkflowExecutionAlreadyStartedError,
  type WorkflowExecutionInfo,
  type WorkflowHandle,
  WorkflowNotFoundError,
} from '@temporalio/client';
import type { Priority, TypedSearchAttributes } from '@temporalio/common';
import { NotFound } from './errors.ts';
import { type RunState, stateOf } from './run-states.ts';
import { type Asked, toGroundworkError, WaitStopped } from './temporal-errors.ts';

/** Runs of any capability: starting or joining, waiting, looking, cancelling. */

/** Time for one call that is answered at once. */
const CALL_MS = 10_000;

export interface WaitOptions {
  /** When to stop waiting: an instant, or milliseconds from now. Default: wait as long as the run takes. */
  deadline?: Date | number;
  /** Stops the waiting, never the run; the promise rejects with `OutcomeUnknown`. */
  signal?: AbortSignal;
}

export interface RunRequest {
  type: string;
  workflowId: string;
  taskQueue: string;
  /** Absent: the workflow takes none. */
  input?: unknown;
  /** One line of plain text, at most 200 characters. */
  summary: string;
  searchAttributes: TypedSearchAttributes;
  priority?: Priority;
}

/** A run that was started, or that was open already and was joined. */
export interface RunHandle<Result> {
  readonly workflowId: string;
  readonly runId: string;
  /** True when the run was open already: its input counts, and it is the same as the one given. */
  readonly joined: boolean;
  readonly taskQueue: string;
  /** The run's result. Rejects with the run's failure, or with `OutcomeUnknown` when the waiting ends first. */
  result(options?: WaitOptions): Promise<Result>;
}

export interface RunInfo {
  workflowId: string;
  runId: string;
  /** Workflow type. */
  type: string;
  taskQueue: string;
  state: RunState;
  /** ISO 8601 in UTC. */
  startedAt: string;
  closedAt?: string;
}

/** Runs of which each goes on for the one before: a message to the chain reaches the one that is open. */
export interface Chain {
  run: RunInfo;
  firstRunId: string;
}

/** One run; with `firstRunId` instead of `runId` the one of its chain that is open, and never a run that was started since. */
export interface RunAddress {
  workflowId: string;
  runId?: string | undefined;
  firstRunId?: string | undefined;
}

/** What a description and an entry of a list say alike. */
export function runInfoOf(seen: Omit<WorkflowExecutionInfo, 'raw'>): RunInfo {
  return {
    workflowId: seen.workflowId,
    runId: seen.runId,
    type: seen.type,
    taskQueue: seen.taskQueue,
    state: stateOf(seen.status.name),
    startedAt: seen.startTime.toISOString(),
    ...(seen.closeTime ? { closedAt: seen.closeTime.toISOString() } : {}),
  };
}

export class Runs {
  readonly client: Client;

  constructor(client: Client) {
    this.client = client;
  }

  /**
   * Starts the run, or joins the one that is open under its id. `FAIL` and a look tell the two apart, which the answer to
   * `USE_EXISTING` does not; for the caller it is the same. A run that closes in between is followed by a new one.
   */
  async startOrJoin<Result>(request: RunRequest, options: WaitOptions = {}): Promise<RunHandle<Result>> {
    const { type, workflowId, taskQueue, input, summary, searchAttributes, priority } = request;
    for (;;) {
      try {
        const started = await this.client.withDeadline(earliest(options.deadline), () =>
          this.client.workflow.start(type, {
            workflowId,
            taskQueue,
            args: input === undefined ? [] : [input],
            staticSummary: summary,
            typedSearchAttributes: searchAttributes,
            workflowIdConflictPolicy: 'FAIL',
            workflowIdReusePolicy: 'ALLOW_DUPLICATE',
            ...(priority ? { priority } : {}),
          }),
        );
        return this.#handle(workflowId, started.firstExecutionRunId, taskQueue, false);
      } catch (error) {
        if (!(error instanceof WorkflowExecutionAlreadyStartedError))
          throw toGroundworkError(error, { what: `start ${workflowId}`, run: { workflowId }, effect: true });
      }
      const open = await this.find(workflowId);
      if (open?.state === 'running') return this.#handle(workflowId, open.runId, open.taskQueue, true);
    }
  }

  /** The newest run under an id; undefined when there is none, or retention has removed it. */
  async find(workflowId: string): Promise<RunInfo | undefined> {
    return (await this.findChain(workflowId))?.run;
  }

  /** The newest run under an id, and what it goes on for. */
  async findChain(workflowId: string): Promise<Chain | undefined> {
    try {
      const seen = await this.client.withDeadline(Date.now() + CALL_MS, () =>
        this.client.workflow.getHandle(workflowId).describe(),
      );
      return { run: runInfoOf(seen), firstRunId: seen.raw.workflowExecutionInfo?.firstRunId || seen.runId };
    } catch (error) {
      if (error instanceof WorkflowNotFoundError) return undefined;
      throw toGroundworkError(error, { what: `look at ${workflowId}`, run: { workflowId } });
    }
  }

  /** The input that a run was started with, from its history: it is there before any worker has seen the run. */
  async inputOf(workflowId: string, runId: string): Promise<unknown> {
    const { payloadConverter, payloadCodecs } = this.client.options.loadedDataConverter;
    try {
      const page = await this.client.withDeadline(Date.now() + CALL_MS, () =>
        this.client.workflowService.getWorkflowExecutionHistory({
          namespace: this.client.options.namespace,
          execution: { workflowId, runId },
          maximumPageSize: 1,
        }),
      );
      let payloads = page.history?.events?.[0]?.workflowExecutionStartedEventAttributes?.input?.payloads ?? [];
      for (const codec of [...payloadCodecs].reverse()) payloads = await codec.decode([...payloads]);
      const [first] = payloads;
      return first ? payloadConverter.fromPayload(first) : undefined;
    } catch (error) {
      throw toGroundworkError(error, { what: `read the input of ${workflowId}`, run: { workflowId, runId } });
    }
  }

  /** Asks a run to stop: it ends as cancelled, a creation or rollout after undoing what it made. False when it is closed already. */
  async cancel(run: RunAddress): Promise<boolean> {
    const { workflowId, runId } = run;
    try {
      await this.client.withDeadline(Date.now() + CALL_MS, () => this.handleOf(run).cancel());
      return true;
    } catch (error) {
      const failure = toGroundworkError(error, {
        what: `cancel ${workflowId}`,
        run: { workflowId, runId },
        effect: true,
      });
      if (failure instanceof NotFound) return false;
      throw failure;
    }
  }

  /** The SDK's handle, for what changes a run. Queries and results know no chain. */
  handleOf({ workflowId, runId, firstRunId }: RunAddress): WorkflowHandle {
    const chain = firstRunId === undefined ? {} : { firstExecutionRunId: firstRunId };
    return this.client.workflow.getHandle(workflowId, runId, chain);
  }

  /** Waits for the result of a run that exists. */
  async resultOf<Result>(run: { workflowId: string; runId: string }, options: WaitOptions = {}): Promise<Result> {
    const handle: WorkflowHandle = this.client.workflow.getHandle(run.workflowId, run.runId);
    const asked = { what: `wait for ${run.workflowId}`, run, effect: true };
    return answered(this.client, asked, options, () => handle.result() as Promise<Result>);
  }

  /** A handle of a run that exists. */
  attach<Result>({ workflowId, runId, taskQueue }: RunInfo): RunHandle<Result> {
    return this.#handle(workflowId, runId, taskQueue, true);
  }

  #handle<Result>(workflowId: string, runId: string, taskQueue: string, joined: boolean): RunHandle<Result> {
    return {
      workflowId,
      runId,
      taskQueue,
      joined,
      result: (options) => this.resultOf<Result>({ workflowId, runId }, options),
    };
  }
}

/** Waits for calls of the SDK, until the deadline or the signal at most. Rejects with a `GroundworkError`. */
export async function answered<T>(
  client: Client,
  asked: Asked,
  { deadline, signal }: WaitOptions,
  call: () => Promise<T>,
): Promise<T> {
  const until = deadline === undefined ? call : () => client.withDeadline(instant(deadline), call);
  try {
    return await (signal === undefined ? until() : abortable(client, signal, until));
  } catch (error) {
    throw toGroundworkError(error, asked);
  }
}

/**
 * The SDK hears neither a signal that was aborted before nor one while it repeats a call, and it adds a listener for each long
 * poll that it never removes: it gets a signal of our own, and nobody waits for it.
 */
async function abortable<T>(client: Client, signal: AbortSignal, call: () => Promise<T>): Promise<T> {
  const ending = () => new WaitStopped('the wait was stopped', { cause: signal.reason });
  if (signal.aborted) throw ending();
  const own = new AbortController();
  setMaxListeners(0, own.signal);
  let stop = () => {};
  const stopped = new Promise<never>((_, reject) => {
    stop = () => {
      reject(ending());
      own.abort();
    };
  });
  signal.addEventListener('abort', stop, { once: true });
  try {
    return await Promise.race([client.withAbortSignal(own.signal, call), stopped]);
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

/** When a deadline of `WaitOptions` is. */
export function instant(deadline: Date | number): Date {
  return typeof deadline === 'number' ? new Date(Date.now() + deadline) : deadline;
}

function earliest(deadline: Date | number | undefined): Date {
  const own = new Date(Date.now() + CALL_MS);
  if (deadline === undefined) return own;
  const given = instant(deadline);
  return given < own ? given : own;
}
