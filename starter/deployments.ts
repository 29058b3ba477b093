import { TypedSearchAttributes, type UpdateDefinition } from '@temporalio/common';
import type {
  DeploymentDeletionInput,
  DeploymentInput,
  DiagnosisInput,
  InstanceRestartInput,
} from '../contract/deployment/input.ts';
import {
  finalizeUpdate,
  getDeploymentStatus,
  pauseUpdate,
  resumeUpdate,
  rollbackUpdate,
  switchTrafficUpdate,
} from '../contract/deployment/messages.ts';
import type {
  DeploymentDeletionResult,
  DeploymentDeletionStatus,
  DeploymentPlan,
  DeploymentResult,
  DeploymentStatus,
  DiagnosisResult,
  InstanceCounts,
  InstanceRestartResult,
  Side,
} from '../contract/deployment/status.ts';
import { workflowIds, workflowTypes } from '../contract/names.ts';
import {
  deploymentDeletionInputSchema,
  deploymentInputSchema,
  diagnosisInputSchema,
  instanceRestartInputSchema,
} from '../contract/schemas/deployment.ts';
import { scopeIdSchema } from '../contract/schemas/scope.ts';
import { retryNowUpdate } from '../contract/scope/messages.ts';
import type { Warning } from '../contract/scope/status.ts';
import { deploymentIdKey, phaseKey, scopeIdKey } from '../contract/search-attributes.ts';
import { unheard } from '../contract/warnings.ts';
import { query, type RunReport, reportOf, update } from './answers.ts';
import { checked } from './check.ts';
import { InvalidInput, NotFound, RolloutInProgress } from './errors.ts';
import type { Chain, RunHandle, RunInfo, RunRequest, Runs, WaitOptions } from './runs.ts';
import { requireSameInput } from './same-input.ts';

/** Time for one look at a run, in milliseconds. */
const LOOK_MS = 5_000;

/** A deployment without `dryRun`: that is a plan. */
export type DeploymentRequest = Omit<DeploymentInput, 'dryRun'>;

/** Who asks, and how long the answer may take. */
export interface AskOptions extends WaitOptions {
  by?: string;
}

/** What is known of the newest run of a scope's deployments; its status has what the waiting activity saw last. */
export interface DeploymentReport extends RunReport<Status, Result> {
  scopeId: string;
}

type Status = DeploymentStatus | DeploymentDeletionStatus;
type Result = DeploymentResult | DeploymentDeletionResult;

/** Rolling versions out, steering and watching it. Every method rejects with a `GroundworkError`. */
export class Deployments {
  readonly #runs: Runs;
  readonly #taskQueue: string;

  constructor(runs: Runs, taskQueue: string) {
    this.#runs = runs;
    this.#taskQueue = taskQueue;
  }

  /** Rolls a version out and waits for the end. Rejects with `RolloutInProgress` while another run holds the scope. */
  async deploy(input: DeploymentRequest, options: WaitOptions = {}): Promise<DeploymentResult> {
    return (await this.start(input, options)).result(options);
  }

  /** Starts a rollout. One at a time for a scope: an open one, or a deletion, is `RolloutInProgress`. */
  async start(input: DeploymentRequest, options: WaitOptions = {}): Promise<RunHandle<DeploymentResult>> {
    const request: DeploymentInput = checked(deploymentInputSchema, input);
    if (request.dryRun) throw InvalidInput.of([{ path: 'dryRun', message: 'is not for a rollout: ask for a plan' }]);
    const { scopeId, deploymentId, currentDeploymentId: blue } = request;
    const from = blue ? ` in place of ${blue}` : '';
    const handle = await this.#runs.startOrJoin<DeploymentResult>(
      this.#request(workflowTypes.deployment, workflowIds.deployment(scopeId), request, {
        summary: `Deploy ${deploymentId}${from} to scope ${scopeId}`,
        deploymentId,
        phase: 'Creating',
      }),
      options,
    );
    if (handle.joined) throw await this.#inProgress(scopeId, handle);
    return handle;
  }

  /** What a rollout would do. Nothing is changed. An open plan of the same input is joined; of another it is `ScopeMismatch`. */
  async plan(input: DeploymentInput, options: WaitOptions = {}): Promise<DeploymentPlan> {
    const request: DeploymentInput = { ...checked(deploymentInputSchema, input), dryRun: true };
    const { scopeId, deploymentId } = request;
    const handle = await this.#runs.startOrJoin<DeploymentPlan>(
      this.#request(workflowTypes.deployment, workflowIds.deploymentPlan(scopeId), request, {
        summary: `Plan deployment ${deploymentId} of scope ${scopeId}`,
        deploymentId,
        phase: 'Creating',
      }),
      options,
    );
    if (handle.joined) await requireSameInput(this.#runs, handle, deploymentInputSchema, request);
    return handle.result(options);
  }

  /** Removes every deployment of a scope. An open deletion is joined; an open rollout is `RolloutInProgress`. */
  async startDelete(
    input: DeploymentDeletionInput,
    options: WaitOptions = {},
  ): Promise<RunHandle<DeploymentDeletionResult>> {
    const request = checked(deploymentDeletionInputSchema, input);
    const { scopeId } = request;
    const handle = await this.#runs.startOrJoin<DeploymentDeletionResult>(
      this.#request(workflowTypes.deploymentDeletion, workflowIds.deployment(scopeId), request, {
        summary: `Remove the deployments of scope ${scopeId}`,
        phase: 'Deleting',
      }),
      options,
    );
    if (!handle.joined) return handle;
    const open = await this.#runs.find(handle.workflowId);
    if (open?.type !== workflowTypes.deploymentDeletion) throw await this.#inProgress(scopeId, handle);
    return handle;
  }

  async delete(input: DeploymentDeletionInput, options: WaitOptions = {}): Promise<DeploymentDeletionResult> {
    return (await this.startDelete(input, options)).result(options);
  }

  /** Restarts one instance and waits until it is gone. */
  async restartInstance(input: InstanceRestartInput, options: WaitOptions = {}): Promise<InstanceRestartResult> {
    const request = checked(instanceRestartInputSchema, input);
    const { scopeId, instanceId } = request;
    const id = workflowIds.instanceRestart(scopeId, instanceId);
    const summary = `Restart ${instanceId} of scope ${scopeId}`;
    const run = this.#request(workflowTypes.instanceRestart, id, request, { summary });
    return (await this.#runs.startOrJoin<InstanceRestartResult>(run, options)).result(options);
  }

  /** Looks at everything of a scope and judges it. `requestId` makes a repeated call join. */
  async diagnose(input: DiagnosisInput, requestId: string, options: WaitOptions = {}): Promise<DiagnosisResult> {
    const request = checked(diagnosisInputSchema, input);
    const id = workflowIds.diagnosis(request.scopeId, requestId);
    const summary = `Diagnose scope ${request.scopeId}`;
    const run = this.#request(workflowTypes.diagnosis, id, request, { summary });
    return (await this.#runs.startOrJoin<DiagnosisResult>(run, options)).result(options);
  }

  /** The newest rollout or deletion of the scope. Rejects with `NotFound` when none is known. */
  async status(scopeId: string): Promise<DeploymentReport> {
    const run = await this.#newest(scopeId);
    const report = await reportOf<Status, Result>(this.#runs, run, () => this.#ask(run));
    return { scopeId, ...report };
  }

  /** A run that a report named, to wait for. */
  attach(run: RunInfo): RunHandle<Result> {
    return this.#runs.attach(run);
  }

  /** Moves traffic; answers when the balancer confirms it. */
  switchTraffic(scopeId: string, percent: number, options: AskOptions = {}): Promise<{ percent: number }> {
    return this.#update(scopeId, switchTrafficUpdate, { percent, ...by(options) }, options);
  }

  /** Keeps the new version; answers when it alone is routed to, before the old one is drained and removed. */
  finalize(scopeId: string, options: AskOptions = {}): Promise<{ percent: number }> {
    return this.#update(scopeId, finalizeUpdate, by(options), options);
  }

  /** Goes back to the old version; answers when the old routing is confirmed. */
  rollback(scopeId: string, reason: string, options: AskOptions = {}): Promise<{ percent: number }> {
    return this.#update(scopeId, rollbackUpdate, { reason, ...by(options) }, options);
  }

  pause(scopeId: string, options: AskOptions & { reason?: string } = {}): Promise<{ paused: boolean }> {
    const reason = options.reason === undefined ? {} : { reason: options.reason };
    return this.#update(scopeId, pauseUpdate, { ...reason, ...by(options) }, options);
  }

  resume(scopeId: string, options: AskOptions = {}): Promise<{ paused: boolean }> {
    return this.#update(scopeId, resumeUpdate, by(options), options);
  }

  /** Makes the present wait look again at once; answers what was being waited for. */
  async retryNow(scopeId: string, options: AskOptions = {}): Promise<{ waitingFor: string }> {
    return this.#tell(await this.#open(scopeId), retryNowUpdate, by(options), options);
  }

  /**
   * Asks the open rollout to stop: it goes back to the old version. Rejects with `NotFound` when none is open, and with
   * `RolloutInProgress` when a deletion holds the scope: that one has no way back.
   */
  async cancel(scopeId: string): Promise<RunInfo> {
    const { run, firstRunId } = await this.#openRollout(scopeId);
    const asked = await this.#runs.cancel({ workflowId: run.workflowId, firstRunId });
    if (!asked) throw new NotFound(`scope ${scopeId} has no open rollout`, { scopeId });
    return run;
  }

  #request(
    type: string,
    workflowId: string,
    input: { scopeId: string },
    { summary, deploymentId, phase }: { summary: string; deploymentId?: string; phase?: string },
  ): RunRequest {
    const searchAttributes = new TypedSearchAttributes([
      { key: scopeIdKey, value: input.scopeId },
      ...(deploymentId === undefined ? [] : [{ key: deploymentIdKey, value: deploymentId }]),
      ...(phase === undefined ? [] : [{ key: phaseKey, value: phase }]),
    ]);
    return { type, workflowId, taskQueue: this.#taskQueue, input, summary, searchAttributes };
  }

  async #inProgress(
    scopeId: string,
    { workflowId, runId }: Pick<RunInfo, 'workflowId' | 'runId'>,
  ): Promise<RolloutInProgress> {
    const run = await this.#runs.find(workflowId);
    const status = run ? await this.#ask(run) : undefined;
    const what =
      status?.kind === 'deletion' ? 'a deletion' : `deployment ${(status as DeploymentStatus)?.deploymentId ?? '?'}`;
    const phase = status ? `, phase ${status.phase}` : '';
    return new RolloutInProgress(
      `scope ${scopeId} is held by ${what}${phase} (run ${runId}). Wait for it, or end it: groundwork deployment status ${scopeId}`,
      { scopeId, workflowId, runId, ...(status ? { phase: status.phase, status } : {}) },
    );
  }

  async #update<Answer, Request>(
    scopeId: string,
    definition: UpdateDefinition<Answer, [Request]> | UpdateDefinition<Answer, [Request?]>,
    request: Request,
    options: WaitOptions,
  ): Promise<Answer> {
    return this.#tell(await this.#openRollout(scopeId), definition, request, options);
  }

  /** The run may continue as new meanwhile: it is told to the chain. */
  #tell<Answer, Request>(
    { run: { workflowId, taskQueue }, firstRunId }: Chain,
    definition: UpdateDefinition<Answer, [Request]> | UpdateDefinition<Answer, [Request?]>,
    request: Request,
    options: WaitOptions,
  ): Promise<Answer> {
    return update(this.#runs, { workflowId, taskQueue, firstRunId }, definition, request, options);
  }

  /** The run's account, and what its waiting activity told with its heartbeats: watching costs the run no history. */
  async #ask(run: RunInfo): Promise<Status | undefined> {
    const status = await query(this.#runs, run, getDeploymentStatus).catch(() => undefined);
    if (!status || run.state !== 'running') return status;
    const seen = await this.#heartbeats(run).catch(() => []);
    for (const { instances, lastSeen, warnings } of seen) {
      if (instances && status.kind !== undefined) status.instances = { ...status.instances, ...instances };
      if (lastSeen && status.waitingFor) status.waitingFor.lastSeen = lastSeen;
      if (warnings) status.warnings.push(...unheard(status.warnings, warnings));
    }
    return status;
  }

  async #heartbeats(run: RunInfo): Promise<Beat[]> {
    const { client } = this.#runs;
    const { payloadConverter } = client.options.loadedDataConverter;
    const { raw } = await client.withDeadline(Date.now() + LOOK_MS, () =>
      client.workflow.getHandle(run.workflowId, run.runId).describe(),
    );
    return (raw.pendingActivities ?? []).flatMap(({ heartbeatDetails }) => {
      const [payload] = heartbeatDetails?.payloads ?? [];
      const details = payload ? payloadConverter.fromPayload<(Beat & { seen?: Beat }) | undefined>(payload) : undefined;
      return details ? [{ ...details.seen, ...details }] : [];
    });
  }

  /** The open rollout; a deletion, which has the same id, takes none of its messages. */
  async #openRollout(scopeId: string): Promise<Chain> {
    const open = await this.#open(scopeId);
    if (open.run.type === workflowTypes.deploymentDeletion) throw await this.#inProgress(scopeId, open.run);
    return open;
  }

  async #open(scopeId: string): Promise<Chain> {
    const found = await this.#runs.findChain(workflowIds.deployment(checked(scopeIdSchema, scopeId, 'scopeId')));
    if (found?.run.state === 'running') return found;
    throw new NotFound(`scope ${scopeId} has no open rollout`, { scopeId });
  }

  async #newest(scopeId: string): Promise<RunInfo> {
    const run = await this.#runs.find(workflowIds.deployment(checked(scopeIdSchema, scopeId, 'scopeId')));
    if (run) return run;
    throw new NotFound(`scope ${scopeId}: no rollout of it is known (old ones are removed after the retention)`, {
      scopeId,
    });
  }
}

/** What an activity tells with its heartbeats. */
interface Beat {
  instances?: Partial<Record<Side, InstanceCounts>>;
  lastSeen?: string;
  warnings?: Warning[];
}

function by(options: { by?: string }): { by?: string } {
  return options.by === undefined ? {} : { by: options.by };
}
