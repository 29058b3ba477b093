import { setCurrentDetails, setHandler, upsertSearchAttributes } from '@temporalio/workflow';
import { getStatus } from '../../contract/scope/messages.ts';
import type { ScopePhase, ScopeStatus, WaitingFor, Warning } from '../../contract/scope/status.ts';
import { balancerNameKey, environmentKey, phaseKey, scopeIdKey } from '../../contract/search-attributes.ts';
import { unheard } from '../../contract/warnings.ts';
import { checklist } from '../../domain/scope/checklist.ts';
import { runKey, Waits } from './waits.ts';

/** State of one scope run as people see it: status, checklist, search attributes, and the wait that `retryNow` ends. */
export class ScopeRun {
  /** Identity of this run as a holder in the ledger; stays the same when the run is reset. */
  readonly key = runKey();
  readonly status: ScopeStatus;
  readonly #waits: Waits;

  /** Registers all message handlers: construct it before the first await. */
  constructor(kind: ScopeStatus['kind'], scopeId: string) {
    this.status = { scopeId, kind, phase: 'Validating', hosts: [], candidates: [], dns: [], made: [], warnings: [] };
    setHandler(getStatus, () => this.status, {
      description: 'What the run is doing, what it waits for, and what it decided',
    });
    this.#waits = new Waits(() => this.status.phase);
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
    this.status.warnings.push(...unheard(this.status.warnings, warnings));
  }

  /** Runs `look` as a wait that the status shows and that `retryNow` starts anew. */
  async waiting<T>(wait: WaitingFor, look: () => Promise<T>): Promise<T> {
    this.status.waitingFor = wait;
    this.publish();
    try {
      return await this.#waits.run(wait.what, look);
    } finally {
      delete this.status.waitingFor;
    }
  }
}

/** ISO time `seconds` from `now` (milliseconds). */
export function isoIn(now: number, seconds: number): string {
  return new Date(now + seconds * 1000).toISOString();
}
