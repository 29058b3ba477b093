import {
  ApplicationFailure,
  CancellationScope,
  isCancellation,
  setCurrentDetails,
  setHandler,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';
import { getStatus, type RetryNow, retryNowSignal, retryNowUpdate } from '../../contract/scope/messages.ts';
import type { ScopePhase, ScopeStatus, WaitingFor, Warning } from '../../contract/scope/status.ts';
import { balancerNameKey, environmentKey, phaseKey, scopeIdKey } from '../../contract/search-attributes.ts';
import { checklist } from '../../domain/scope/checklist.ts';

/** State of one scope run as people see it: status, checklist, search attributes, and the wait that `retryNow` ends. */
export class ScopeRun {
  /** Identity of this run as a holder in the ledger; stays the same when the run is reset. */
  readonly key = `${workflowInfo().workflowId}@${workflowInfo().firstExecutionRunId}`;
  readonly status: ScopeStatus;
  #lookAgain: (() => void) | undefined;

  /** Registers all message handlers: construct it before the first await. */
  constructor(kind: ScopeStatus['kind'], scopeId: string) {
    this.status = { scopeId, kind, phase: 'Validating', hosts: [], candidates: [], dns: [], made: [], warnings: [] };
    setHandler(getStatus, () => this.status, {
      description: 'What the run is doing, what it waits for, and what it decided',
    });
    setHandler(retryNowSignal, () => void this.#lookAgain?.(), { description: 'Look again at once' });
    setHandler(retryNowUpdate, () => this.retryNow(), {
      description: 'Make the present wait look again at once',
      validator: (_request: RetryNow) => this.requireWait(),
    });
  }

  enter(phase: ScopePhase, environment?: string): void {
    const first = this.status.phase === phase && phase === 'Validating';
    this.status.phase = phase;
    upsertSearchAttributes([
      { key: phaseKey, value: phase },
      ...(first ? [{ key: scopeIdKey, value: this.status.scopeId }] : []),
      ...(environment ? [{ key: environmentKey, value: environment }] : []),
    ]);
    this.publish();
  }

  /** Shows the status as it is now. */
  publish(): void {
    setCurrentDetails(checklist(this.status));
  }

  placedOn(balancer: NonNullable<ScopeStatus['balancer']>): void {
    const renamed = this.status.balancer?.name !== balancer.name;
    this.status.balancer = balancer;
    if (renamed) upsertSearchAttributes([{ key: balancerNameKey, value: balancer.name }]);
    this.publish();
  }

  made(what: string): void {
    this.status.made.push(what);
  }

  warn(...warnings: readonly Warning[]): void {
    const known = new Set(this.status.warnings.map(({ code, message }) => `${code} ${message}`));
    this.status.warnings.push(...warnings.filter(({ code, message }) => !known.has(`${code} ${message}`)));
  }

  /** Runs `look` as a wait that the status shows and that `retryNow` starts anew. */
  async waiting<T>(wait: WaitingFor, look: () => Promise<T>): Promise<T> {
    this.status.waitingFor = wait;
    this.publish();
    try {
      for (;;) {
        const scope = new CancellationScope();
        let again = false;
        this.#lookAgain = () => {
          again = true;
          scope.cancel();
        };
        try {
          return await scope.run(look);
        } catch (error) {
          if (!again || !isCancellation(error) || CancellationScope.current().consideredCancelled) throw error;
        }
      }
    } finally {
      this.#lookAgain = undefined;
      delete this.status.waitingFor;
    }
  }

  private retryNow(): { waitingFor: string } {
    const waitingFor = this.status.waitingFor?.what ?? '';
    this.#lookAgain?.();
    return { waitingFor };
  }

  private requireWait(): void {
    if (this.#lookAgain) return;
    const message = `nothing is being waited for: the run is in phase ${this.status.phase}`;
    throw ApplicationFailure.create({ type: 'NothingToRetry', message, nonRetryable: true });
  }
}

/** ISO time `seconds` from `now` (milliseconds). */
export function isoIn(now: number, seconds: number): string {
  return new Date(now + seconds * 1000).toISOString();
}
