import { WithStartWorkflowOperation } from '@temporalio/client';
import type { UpdateDefinition } from '@temporalio/common';
import { workflowTypes } from '../contract/names.ts';
import { provisionAutoscalerInputSchema } from '../contract/schemas/workshop.ts';
import * as messages from '../contract/workshop/messages.ts';
import { autoscalerStart } from '../contract/workshop/start.ts';
import type {
  AutoscalerHistory,
  AutoscalerStatus,
  Decision,
  DecisionExplanation,
} from '../contract/workshop/status.ts';
import { query, type RunReport, reportOf, requireWorkers, update } from './answers.ts';
import { checked } from './check.ts';
import { NotFound, Unavailable } from './errors.ts';
import type { RunInfo, Runs } from './runs.ts';
import { toGroundworkError } from './temporal-errors.ts';
import { type AutoscalerEntry, type AutoscalerFilter, listAutoscalers } from './workshop-list.ts';

/** Time for an answer of a worker: longer than a look at the cluster that has to be made again. */
const ANSWER_MS = 20_000;

/** A provision of a workshop. */
export interface ProvisionAddress {
  namespace: string;
  /** Name of the WorkshopProvision, which is usually the workshop's. */
  name: string;
  /** As the worker is configured. Default: GROUNDWORK_CLUSTER_NAME, else "default". */
  cluster?: string | undefined;
}

/** What is known of the newest run of an autoscaler. */
export type AutoscalerReport = RunReport<AutoscalerStatus, never>;

/**
 * Watching and steering the autoscalers of workshops. Every method rejects with a `GroundworkError`. Messages that make sense
 * without a run start one; it ends by itself when there is nothing to do.
 */
export class Workshops {
  readonly #runs: Runs;
  readonly #taskQueue: string;
  readonly #cluster: string;

  constructor(runs: Runs, taskQueue: string, cluster: string) {
    this.#runs = runs;
    this.#taskQueue = taskQueue;
    this.#cluster = cluster;
  }

  /** The newest run. Rejects with `NotFound` when the provision never had one. */
  async status(provision: ProvisionAddress): Promise<AutoscalerReport> {
    return reportOf<AutoscalerStatus, never>(this.#runs, await this.#find(provision), (run) =>
      query(this.#runs, run, messages.getAutoscalerStatus).catch((error: unknown) => {
        if (error instanceof Unavailable) return undefined;
        throw error;
      }),
    );
  }

  /** The last 20 decisions, newest last. */
  async history(provision: ProvisionAddress): Promise<AutoscalerHistory> {
    return query(this.#runs, await this.#find(provision), messages.getAutoscalerHistory);
  }

  /** Every check of the decision in words, with the values of the last look. */
  async explain(provision: ProvisionAddress): Promise<DecisionExplanation> {
    return query(this.#runs, await this.#find(provision), messages.getExplanation);
  }

  /** No new operation until resumed, or until a time; one that runs finishes. */
  pause(provision: ProvisionAddress, request: messages.PauseRequest): Promise<messages.PauseAnswer> {
    return this.#ask(provision, messages.pauseUpdate, request);
  }

  resume(provision: ProvisionAddress, request: messages.ResumeRequest = {}): Promise<messages.ResumeAnswer> {
    return this.#ask(provision, messages.resumeUpdate, request);
  }

  /** Looks at once and answers the decision; with `dryRun` nothing follows from it. */
  evaluate(provision: ProvisionAddress, request: messages.EvaluateRequest = {}): Promise<Decision> {
    return this.#ask(provision, messages.evaluateNowUpdate, request);
  }

  /** Replaces the cap until a time; without `maxProvisions` the override is removed. */
  override(provision: ProvisionAddress, request: messages.OverrideRequest): Promise<messages.OverrideAnswer> {
    return this.#ask(provision, messages.setOverrideUpdate, request);
  }

  /** Ends the operation that runs: flag cleared, claims made so far left alone. Also drops a pending approval. */
  async cancel(provision: ProvisionAddress, request: messages.CancelRequest = {}): Promise<messages.CancelAnswer> {
    return this.#tell(await this.#open(provision), messages.cancelOperationUpdate, request);
  }

  /** Allows the operation that waits for it. */
  async approve(provision: ProvisionAddress, request: messages.ApproveRequest): Promise<messages.ApproveAnswer> {
    return this.#tell(await this.#open(provision), messages.approveUpdate, request);
  }

  /** Runs of autoscalers, newest first. The list follows the runs by about a second. */
  list(filter: AutoscalerFilter = {}): Promise<AutoscalerEntry[]> {
    return listAutoscalers(this.#runs.client, filter);
  }

  #address(provision: ProvisionAddress) {
    const { cluster = this.#cluster, namespace, name } = provision;
    return checked(provisionAutoscalerInputSchema, { cluster, namespace, name });
  }

  async #find(provision: ProvisionAddress): Promise<RunInfo> {
    const { workflowId } = autoscalerStart(this.#address(provision), this.#taskQueue);
    const run = await this.#runs.find(workflowId);
    if (run) return run;
    const message = `provision ${provision.namespace}/${provision.name} has no autoscaler: its workshop does not ask for one, or no worker has seen it yet`;
    throw new NotFound(message, { workflowId });
  }

  async #open(provision: ProvisionAddress): Promise<RunInfo> {
    const run = await this.#find(provision);
    if (run.state === 'running') return run;
    throw new NotFound(`the autoscaler of provision ${provision.namespace}/${provision.name} does not run`, {
      workflowId: run.workflowId,
    });
  }

  /** Sends a message to the open run, or to one that it starts. */
  async #ask<Answer, Request>(
    provision: ProvisionAddress,
    update: Update<Answer, Request>,
    request: Request,
  ): Promise<Answer> {
    const start = autoscalerStart(this.#address(provision), this.#taskQueue);
    await requireWorkers(this.#runs, this.#taskQueue);
    const { client } = this.#runs;
    try {
      return await client.withDeadline(Date.now() + ANSWER_MS, () =>
        client.workflow.executeUpdateWithStart(update, {
          args: [request],
          startWorkflowOperation: new WithStartWorkflowOperation(workflowTypes.provisionAutoscaler, start),
        }),
      );
    } catch (error) {
      const run = { workflowId: start.workflowId };
      throw toGroundworkError(error, { what: `${update.name} ${start.workflowId}`, run, effect: true });
    }
  }

  /** The run may continue as new meanwhile: its id is what counts. */
  #tell<Answer, Request>(run: RunInfo, message: Update<Answer, Request>, request: Request): Promise<Answer> {
    const { workflowId, taskQueue } = run;
    return update(this.#runs, { workflowId, taskQueue }, message, request, { deadline: ANSWER_MS });
  }
}

type Update<Answer, Request> = UpdateDefinition<Answer, [Request]>;
