import { TypedSearchAttributes } from '@temporalio/common';
import { workflowIds, workflowTypes } from '../contract/names.ts';
import { scopeCreationInputSchema, scopeDeletionInputSchema, scopeIdSchema } from '../contract/schemas/scope.ts';
import type { ScopeCreationInput, ScopeDeletionInput } from '../contract/scope/input.ts';
import { getStatus, retryNowUpdate } from '../contract/scope/messages.ts';
import type { ScopeCreationResult, ScopeDeletionResult, ScopePlan, ScopeStatus } from '../contract/scope/status.ts';
import { environmentKey, phaseKey, scopeIdKey } from '../contract/search-attributes.ts';
import { query, type RunReport, reportOf, update } from './answers.ts';
import { checked, checkScopeCreation, checkScopeDeletion } from './check.ts';
import { InvalidInput, NotFound } from './errors.ts';
import type { RunHandle, RunInfo, Runs, WaitOptions } from './runs.ts';
import { requireSameInput } from './same-input.ts';
import { listScopeRuns, type ScopeFilter, type ScopeRunEntry } from './scope-list.ts';

/** Time for the answer to `retryNow`, in milliseconds. */
const RETRY_MS = 10_000;

/** A creation without `dryRun`: that is a plan. */
export type ScopeRequest = Omit<ScopeCreationInput, 'dryRun'>;

/** What is known of the newest run of a scope. */
export interface ScopeReport extends RunReport<ScopeStatus, Result> {
  scopeId: string;
}

type Result = ScopeCreationResult | ScopeDeletionResult | ScopePlan;

/** Creating, deleting and watching scopes. Every method rejects with a `GroundworkError`. */
export class Scopes {
  readonly #runs: Runs;
  readonly #taskQueue: string;

  constructor(runs: Runs, taskQueue: string) {
    this.#runs = runs;
    this.#taskQueue = taskQueue;
  }

  /** Creates the scope and waits for the result. Repeating it is harmless: an open run is joined, a finished one verified. */
  async create(input: ScopeRequest, options: WaitOptions = {}): Promise<ScopeCreationResult> {
    return (await this.start(input, options)).result(options);
  }

  /** Starts the creation, or joins the one that is open with the same input. */
  async start(input: ScopeRequest, options: WaitOptions = {}): Promise<RunHandle<ScopeCreationResult>> {
    const request = checkScopeCreation(input);
    if (request.dryRun) throw InvalidInput.of([{ path: 'dryRun', message: 'is not for a creation: ask for a plan' }]);
    return this.#startCreation(request, 'Create', workflowIds.scopeCreation(request.scopeId), options);
  }

  /** What a creation would do. Nothing is made. */
  async plan(input: ScopeCreationInput, options: WaitOptions = {}): Promise<ScopePlan> {
    return (await this.startPlan(input, options)).result(options);
  }

  async startPlan(input: ScopeCreationInput, options: WaitOptions = {}): Promise<RunHandle<ScopePlan>> {
    const request = { ...checkScopeCreation(input), dryRun: true };
    return this.#startCreation(request, 'Plan', workflowIds.scopePlan(request.scopeId), options);
  }

  /** Deletes the scope and waits for the result. A scope that is not known is an answer, not a failure. */
  async delete(input: ScopeDeletionInput, options: WaitOptions = {}): Promise<ScopeDeletionResult> {
    return (await this.startDelete(input, options)).result(options);
  }

  async startDelete(input: ScopeDeletionInput, options: WaitOptions = {}): Promise<RunHandle<ScopeDeletionResult>> {
    const request = checkScopeDeletion(input);
    const handle = await this.#runs.startOrJoin<ScopeDeletionResult>(
      {
        type: workflowTypes.scopeDeletion,
        workflowId: workflowIds.scopeDeletion(request.scopeId),
        taskQueue: this.#taskQueue,
        input: request,
        summary: `Delete scope ${request.scopeId}`,
        searchAttributes: attributes(request.scopeId),
      },
      options,
    );
    if (handle.joined) await requireSameInput(this.#runs, handle, scopeDeletionInputSchema, request);
    return handle;
  }

  /** The newest run of the scope: an open one before a closed one. Rejects with `NotFound` when none is known. */
  async status(scopeId: string, options: { kind?: ScopeStatus['kind'] } = {}): Promise<ScopeReport> {
    const run = await this.#newest(scopeId, options.kind);
    const ask = () => query(this.#runs, run, getStatus).catch(() => undefined);
    return { scopeId, ...(await reportOf<ScopeStatus, Result>(this.#runs, run, ask)) };
  }

  /** A run of a scope that a report or a list named, to wait for. */
  attach(run: RunInfo): RunHandle<Result> {
    return this.#runs.attach(run);
  }

  /** Makes the present wait of the scope's open run look again at once; answers what was being waited for. */
  async retryNow(scopeId: string, options: { by?: string } = {}): Promise<{ workflowId: string; waitingFor: string }> {
    const [run] = await this.#open(scopeId);
    if (!run) throw new NotFound(`scope ${scopeId} has no open run`, { scopeId });
    const request = options.by === undefined ? {} : { by: options.by };
    const { waitingFor } = await update(this.#runs, run, retryNowUpdate, request, { deadline: RETRY_MS });
    return { workflowId: run.workflowId, waitingFor };
  }

  /** Asks the open runs of the scope to stop; each undoes what it made. Rejects with `NotFound` when none is open. */
  async cancel(scopeId: string): Promise<RunInfo[]> {
    const open = await this.#open(scopeId);
    const answers = await Promise.all(open.map(async (run) => ({ run, asked: await this.#runs.cancel(run) })));
    const asked = answers.filter((answer) => answer.asked).map(({ run }) => run);
    if (asked.length === 0) throw new NotFound(`scope ${scopeId} has no open run`, { scopeId });
    return asked;
  }

  /** Runs of scopes, newest first. The list follows the runs by about a second: ask `status` before deciding anything. */
  list(filter: ScopeFilter = {}): Promise<ScopeRunEntry[]> {
    return listScopeRuns(this.#runs.client, filter);
  }

  async #startCreation<Result>(
    input: ScopeCreationInput,
    verb: string,
    workflowId: string,
    options: WaitOptions,
  ): Promise<RunHandle<Result>> {
    const { scopeId, slugs, environment } = input;
    const about = [slugs.application, environment].filter(Boolean).join(', ');
    const handle = await this.#runs.startOrJoin<Result>(
      {
        type: workflowTypes.scopeCreation,
        workflowId,
        taskQueue: this.#taskQueue,
        input,
        summary: `${verb} scope ${scopeId} (${about})`,
        searchAttributes: attributes(scopeId, environment),
      },
      options,
    );
    if (handle.joined) await requireSameInput(this.#runs, handle, scopeCreationInputSchema, input);
    return handle;
  }

  async #newest(scopeId: string, kind: ScopeStatus['kind'] | undefined): Promise<RunInfo> {
    const found = await this.#find(scopeId, kind === undefined ? ['creation', 'deletion'] : [kind]);
    const byAge = found.sort((a, b) => b.startedAt.localeCompare(a.startedAt));
    const run = byAge.find(({ state }) => state === 'running') ?? byAge[0];
    if (run) return run;
    throw new NotFound(`scope ${scopeId}: no run of it is known (old ones are removed after the retention)`, {
      scopeId,
    });
  }

  async #open(scopeId: string): Promise<RunInfo[]> {
    const found = await this.#find(scopeId, ['creation', 'deletion', 'plan']);
    return found.filter(({ state }) => state === 'running');
  }

  async #find(scopeId: string, kinds: readonly ScopeStatus['kind'][]): Promise<RunInfo[]> {
    const id = checked(scopeIdSchema, scopeId, 'scopeId');
    const found = await Promise.all(kinds.map((kind) => this.#runs.find(idOf[kind](id))));
    return found.filter((run) => run !== undefined);
  }
}

const idOf: Readonly<Record<ScopeStatus['kind'], (scopeId: string) => string>> = {
  creation: workflowIds.scopeCreation,
  deletion: workflowIds.scopeDeletion,
  plan: workflowIds.scopePlan,
};

/** What a run is found by before its first task has set the rest. */
function attributes(scopeId: string, environment?: string): TypedSearchAttributes {
  return new TypedSearchAttributes([
    { key: scopeIdKey, value: scopeId },
    { key: phaseKey, value: 'Validating' },
    ...(environment ? [{ key: environmentKey, value: environment }] : []),
  ]);
}
