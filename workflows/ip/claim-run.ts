import {
  ApplicationFailure,
  CancellationScope,
  condition,
  metricMeter,
  setCurrentDetails,
  setHandler,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';
import { canonicalJson } from '../../contract/canonical.ts';
import type { IpClaimAnswer, IpClaimInput, IpClaimPhase, IpClaimStatus } from '../../contract/ip/claim.ts';
import {
  type CancelWait,
  cancelWaitSignal,
  cancelWaitUpdate,
  capacityFreed,
  claimUpdate,
  getClaimStatus,
} from '../../contract/ip/messages.ts';
import { phaseKey, poolNameKey } from '../../contract/search-attributes.ts';
import { claimChecklist } from '../../domain/ip/checklist.ts';
import { describeFailure } from '../failures.ts';
import { words } from '../unchecked.ts';

/** Emitted once: replaying records nothing. */
const claimSeconds = () =>
  metricMeter.createHistogram('groundwork_ip_claim', 'float', 'seconds', 'From the start of a claim to its outcome');

type Outcome = { answer: IpClaimAnswer } | { failure: Error };

/** One claim as callers and people see it: its messages, its status, and the outcome that every caller of `claim` waits for. */
export class ClaimRun {
  readonly status: IpClaimStatus;
  /** Whether somebody asked for the answer by the update. */
  asked = false;
  /** Set by `capacityFreed`; the wait takes it back before each try. */
  woken = false;
  waitCancelled = false;
  readonly #input: IpClaimInput;
  #outcome: Outcome | undefined;

  /** Registers all message handlers: construct it before the first await. An update that came with the start is heard here. */
  constructor(input: IpClaimInput) {
    this.#input = input;
    const { owner, namespace, name } = input ?? {};
    this.status = { owner: words(owner), namespace: words(namespace), name: words(name), phase: 'Claiming' };
    this.#show();
    setHandler(getClaimStatus, () => this.status, { description: 'Phase, the wait for capacity, and the outcome' });
    setHandler(
      capacityFreed,
      () => {
        this.woken = true;
      },
      { description: 'A pool that is waited for has room again' },
    );
    setHandler(cancelWaitSignal, () => void this.#cancelWait(), { description: 'End the wait for capacity' });
    setHandler(cancelWaitUpdate, () => this.#cancelWait(), {
      description: 'End the wait for capacity after a last try',
      validator: (_request: CancelWait) => this.#requireWait(),
    });
    setHandler(claimUpdate, () => this.#answer(), {
      description: 'Ask for the block; answers when it is bound',
      validator: (asked: IpClaimInput) => this.#requireSame(asked),
    });
  }

  enter(phase: IpClaimPhase): void {
    this.status.phase = phase;
    const pool = this.status.answer?.pool.name;
    upsertSearchAttributes([{ key: phaseKey, value: phase }, ...(pool ? [{ key: poolNameKey, value: pool }] : [])]);
    this.#show();
  }

  waitsFor(wait: NonNullable<IpClaimStatus['wait']>): void {
    const first = this.status.wait === undefined;
    this.status.wait = wait;
    if (first) this.enter('WaitingForCapacity');
    else this.#show();
  }

  /** Ends the run for everybody who asked. */
  end(outcome: Outcome): void {
    if (this.status.wait === undefined) {
      const seconds = (Date.now() - workflowInfo().startTime.getTime()) / 1000;
      claimSeconds().record(seconds, { outcome: 'answer' in outcome ? 'bound' : 'refused' });
    }
    if ('answer' in outcome) {
      this.status.answer = outcome.answer;
      this.enter('Bound');
    } else {
      this.status.failure = describeFailure(outcome.failure);
      this.enter('Refused');
    }
    this.#outcome = outcome;
  }

  async #answer(): Promise<IpClaimAnswer> {
    this.asked = true;
    await CancellationScope.nonCancellable(() => condition(() => this.#outcome !== undefined));
    const outcome = this.#outcome as Outcome;
    if ('answer' in outcome) return outcome.answer;
    throw outcome.failure;
  }

  #cancelWait(): { waitedFor: string[] } {
    this.waitCancelled = true;
    return { waitedFor: this.status.wait?.pools ?? [] };
  }

  #requireWait(): void {
    if (this.status.phase === 'WaitingForCapacity' && !this.waitCancelled) return;
    const message = `the claim does not wait: it is in phase ${this.status.phase}`;
    throw ApplicationFailure.create({ type: 'NothingToCancel', message, nonRetryable: true });
  }

  /** A caller that joins must want what the run was started for; how long it would wait and who asks may differ. */
  #requireSame(asked: IpClaimInput): void {
    const wanted = (input: IpClaimInput | undefined) =>
      canonicalJson([input?.owner, input?.namespace, input?.name, input?.spec, input?.dryRun ?? false]);
    if (wanted(asked) === wanted(this.#input)) return;
    const { namespace, name } = this.status;
    throw ApplicationFailure.create({
      type: 'ClaimConflict',
      message: `claim ${namespace}/${name} is being made with another spec. Wait for that run, or use another name.`,
      nonRetryable: true,
      details: [{ reason: 'SpecDiffers', workflowId: workflowInfo().workflowId }],
    });
  }

  #show(): void {
    setCurrentDetails(claimChecklist(this.status));
  }
}
