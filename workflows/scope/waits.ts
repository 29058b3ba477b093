import { ApplicationFailure, CancellationScope, isCancellation, setHandler, workflowInfo } from '@temporalio/workflow';
import { type RetryNow, retryNowSignal, retryNowUpdate } from '../../contract/scope/messages.ts';

/** Identity of this run as a holder in the ledger: `<workflow id>@<first run id>`; stays the same when the run is reset. */
export function runKey(): string {
  return `${workflowInfo().workflowId}@${workflowInfo().firstExecutionRunId}`;
}

/** The present wait of a run, which `retryNow` (update and signal) starts anew. */
export class Waits {
  #what = '';
  #lookAgain: (() => void) | undefined;

  /** Registers the handlers: construct it before the first await. */
  constructor(phase: () => string) {
    setHandler(retryNowSignal, () => void this.#lookAgain?.(), { description: 'Look again at once' });
    setHandler(retryNowUpdate, () => this.#retryNow(), {
      description: 'Make the present wait look again at once',
      validator: (_request: RetryNow) => {
        if (this.#lookAgain) return;
        const message = `nothing is being waited for: the run is in phase ${phase()}`;
        throw ApplicationFailure.create({ type: 'NothingToRetry', message, nonRetryable: true });
      },
    });
  }

  async run<T>(what: string, look: () => Promise<T>): Promise<T> {
    this.#what = what;
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
    }
  }

  #retryNow(): { waitingFor: string } {
    this.#lookAgain?.();
    return { waitingFor: this.#what };
  }
}
