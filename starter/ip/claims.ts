import { randomUUID } from 'node:crypto';
import { WithStartWorkflowOperation, WorkflowFailedError } from '@temporalio/client';
import { TypedSearchAttributes } from '@temporalio/common';
import type {
  BoundClaim,
  IpClaimAnswer,
  IpClaimInput,
  IpClaimStatus,
  IpReleaseInput,
  IpReleaseResult,
  IpRenewalInput,
  IpRenewalResult,
} from '../../contract/ip/claim.ts';
import { cancelWaitUpdate, claimUpdate, getClaimStatus } from '../../contract/ip/messages.ts';
import { workflowIds, workflowTypes } from '../../contract/names.ts';
import { readWith } from '../../contract/schemas/fields.ts';
import { ipReleaseInputSchema, ipRenewalInputSchema } from '../../contract/schemas/ip.ts';
import { phaseKey, poolNameKey } from '../../contract/search-attributes.ts';
import { query, update } from '../answers.ts';
import { GroundworkError } from '../errors.ts';
import { answered, instant, type Runs, type WaitOptions } from '../runs.ts';
import { checkedIp, checkIpClaim, checkIpRelease } from './check.ts';

/** What a caller says of a claim; how it is answered is the client's. */
export type IpClaimRequest = Omit<IpClaimInput, 'answer' | 'dryRun'>;

export interface IpCallOptions extends WaitOptions {
  /**
   * Names one intent. A claim or plan that is repeated with the same id gets the first outcome again, also a refusal or `Busy`; to
   * ask anew, use another. A renewal or a change of a pool with the id of one that is under way gets its answer; when that has
   * ended it is done again: the same values are set, a lease ends later. Default: a new one for each call.
   */
  requestId?: string;
}

/** A claim is answered in milliseconds; a database or worker that is away is noticed after this long. */
const ANSWER_MS = 10_000;

/** Claims of blocks, and their ends. Every method rejects with a `GroundworkError`. */
export class IpClaims {
  readonly #runs: Runs;
  readonly #taskQueue: string;

  constructor(runs: Runs, taskQueue: string) {
    this.#runs = runs;
    this.#taskQueue = taskQueue;
  }

  /**
   * Claims a block and answers with it: `allocatedCIDR`. One round trip starts the run and brings its answer. Repeating a
   * claim under its name is harmless, and answers the same block. `OutcomeUnknown` means just that: ask again with the
   * same request id.
   */
  async claim(request: IpClaimRequest, options: IpCallOptions = {}): Promise<IpClaimAnswer> {
    const input = checkIpClaim({ ...request, dryRun: undefined, answer: 'update' });
    return this.#ask(input, workflowIds.ipClaim(input.owner, input.namespace, input.name), 'Claim', options);
  }

  /** Claims a batch, all or nothing, and answers its blocks in index order. */
  async claimMany(request: IpClaimRequest, options: IpCallOptions = {}): Promise<BoundClaim[]> {
    const answer = await this.claim(request, options);
    return answer.allocations ?? [answer];
  }

  /** Which block a claim would get just now. Nothing is changed, and nothing is promised. */
  async plan(request: IpClaimRequest, options: IpCallOptions = {}): Promise<IpClaimAnswer> {
    const input = checkIpClaim({ ...request, dryRun: true, waitSeconds: undefined, answer: 'update' });
    return this.#ask(input, workflowIds.ipClaimPlan(input.owner, input.namespace, input.name), 'Plan claim', options);
  }

  /**
   * Ends a claim by its uid, so that a late call frees nothing of a later life. Repeating it answers `already`. An open release of the
   * same claim is joined; one of another owner or mode is waited for.
   */
  async release(request: IpReleaseInput, options: WaitOptions = {}): Promise<IpReleaseResult> {
    const input = checkIpRelease(request);
    const { deadline, ...others } = options;
    const until = deadline === undefined ? others : { ...others, deadline: instant(deadline) };
    for (;;) {
      const run = await this.#runs.startOrJoin<IpReleaseResult>(
        {
          type: workflowTypes.ipRelease,
          workflowId: workflowIds.ipRelease(input.uid),
          taskQueue: this.#taskQueue,
          input,
          summary: `Release claim ${input.uid} of ${input.owner}`,
          searchAttributes: working(),
          priority: priorityOf(input.owner),
        },
        until,
      );
      if (!run.joined || isSameRelease(input, await this.#runs.inputOf(run.workflowId, run.runId)))
        return run.result(until);
      await ended(run.result(until));
    }
  }

  /** Moves the end of a claim's lease to its length from now. */
  async renew(request: IpRenewalInput, options: IpCallOptions = {}): Promise<IpRenewalResult> {
    const input = checkedIp(ipRenewalInputSchema, request);
    const run = await this.#runs.startOrJoin<IpRenewalResult>(
      {
        type: workflowTypes.ipRenewal,
        workflowId: workflowIds.ipRenewal(input.uid, options.requestId ?? randomUUID()),
        taskQueue: this.#taskQueue,
        input,
        summary: `Renew the lease of claim ${input.uid} of ${input.owner}`,
        searchAttributes: working(),
        priority: priorityOf(input.owner),
      },
      options,
    );
    return run.result(options);
  }

  /** Ends the wait of a claim for capacity after a last try; answers the pools that it waited for. */
  async cancelWait(
    claim: { owner: string; namespace: string; name: string },
    options: { by?: string } = {},
  ): Promise<{ waitedFor: string[] }> {
    const workflowId = workflowIds.ipClaim(claim.owner, claim.namespace, claim.name);
    const by = options.by === undefined ? {} : { by: options.by };
    return update(this.#runs, { workflowId, taskQueue: this.#taskQueue }, cancelWaitUpdate, by, {
      deadline: ANSWER_MS,
    });
  }

  /** What the newest run of a claim does or did. Rejects with `NotFound` when there is none. */
  async status(claim: { owner: string; namespace: string; name: string }): Promise<IpClaimStatus> {
    const workflowId = workflowIds.ipClaim(claim.owner, claim.namespace, claim.name);
    return query(this.#runs, { workflowId }, getClaimStatus, ANSWER_MS);
  }

  async #ask(input: IpClaimInput, workflowId: string, verb: string, options: IpCallOptions): Promise<IpClaimAnswer> {
    const { client } = this.#runs;
    const { namespace, name, owner, spec } = input;
    const operation = new WithStartWorkflowOperation(workflowTypes.ipClaim, {
      workflowId,
      taskQueue: this.#taskQueue,
      args: [input],
      workflowIdConflictPolicy: 'USE_EXISTING',
      workflowIdReusePolicy: 'ALLOW_DUPLICATE',
      staticSummary: `${verb} ${namespace}/${name} for ${owner}`.slice(0, 200),
      typedSearchAttributes: new TypedSearchAttributes([
        { key: phaseKey, value: 'Claiming' },
        ...(spec.poolRef ? [{ key: poolNameKey, value: spec.poolRef.name }] : []),
      ]),
      priority: priorityOf(owner),
    });
    const own = new Date(Date.now() + ANSWER_MS + (input.waitSeconds ?? 0) * 1000);
    const given = options.deadline === undefined ? own : instant(options.deadline);
    const asked = { what: `claim ${namespace}/${name}`, run: { workflowId }, effect: true };
    return answered(client, asked, { ...options, deadline: given < own ? given : own }, () =>
      client.workflow.executeUpdateWithStart(claimUpdate, {
        args: [input],
        updateId: options.requestId ?? randomUUID(),
        startWorkflowOperation: operation,
      }),
    );
  }
}

/** Who asked for it may differ. */
function isSameRelease(yours: IpReleaseInput, given: unknown): boolean {
  const reading = readWith(ipReleaseInputSchema, given);
  if (!reading.ok) return false;
  const { owner, mode = 'Policy' } = reading.value;
  return owner === yours.owner && mode === (yours.mode ?? 'Policy');
}

/** Waits for the end of a run whose outcome is another's. */
async function ended(result: Promise<unknown>): Promise<void> {
  try {
    await result;
  } catch (error) {
    if (!(error instanceof GroundworkError && error.cause instanceof WorkflowFailedError)) throw error;
  }
}

/** Claims of one owner do not stand in the way of another's where the server looks at fairness. */
export function priorityOf(owner: string) {
  return { priorityKey: 1, fairnessKey: owner };
}

export function working(pool?: string): TypedSearchAttributes {
  return new TypedSearchAttributes([
    { key: phaseKey, value: 'Working' },
    ...(pool ? [{ key: poolNameKey, value: pool }] : []),
  ]);
}
