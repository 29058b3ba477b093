import { CancellationScope, isCancellation } from '@temporalio/workflow';
import { asRunFailure, describeFailure, runFailure } from '../failures.ts';
import { local } from './activities.ts';
import type { ScopeRun } from './run.ts';
import type { Compensations } from './undo.ts';

/** Lets the scope go with the run's last status; the ledger keeps it longer than Temporal keeps the run. */
export async function letGo(run: ScopeRun): Promise<void> {
  run.publish();
  await local.releaseHold({ scopeId: run.status.scopeId, run: run.key, status: run.status });
}

/**
 * Ends a run that failed or was cancelled: undoes what it made, keeps the status, and answers the error that the run ends
 * with. What could not be undone is told, with the first failure as cause, never hidden.
 */
export async function endWith(
  run: ScopeRun,
  error: unknown,
  compensations: Compensations,
  holds: boolean,
): Promise<Error> {
  const cancelled = isCancellation(error);
  const failure = describeFailure(error);
  run.enter('Compensating');
  const leftovers = await compensations.run();
  run.status.failure = failure;
  run.enter(cancelled && leftovers.length === 0 ? 'Cancelled' : 'Failed');
  if (holds) await CancellationScope.nonCancellable(() => letGo(run));
  if (leftovers.length === 0) return asRunFailure(error);
  const message = `${failure.type}: ${failure.message} Left over: ${leftovers.join('; ')}. Retirement goes on with it.`;
  return runFailure({ type: 'CompensationIncomplete', message, details: { leftovers, failure } }, asRunFailure(error));
}
