import { ActivityFailure, ApplicationFailure, isCancellation, TimeoutFailure } from '@temporalio/workflow';
import type { Failure } from '../contract/failures.ts';

/** Turning what an activity ended with into what a run ends with. */

/** A failure of the run from its type, message and details. */
export function runFailure(failure: Failure, cause?: Error): ApplicationFailure {
  return ApplicationFailure.create({
    type: failure.type,
    message: failure.message,
    nonRetryable: true,
    details: [failure.details ?? {}],
    ...(cause ? { cause } : {}),
  });
}

/** The failure that a run ends with when `error` escapes: the activity's own typed failure instead of its wrapper. */
export function asRunFailure(error: unknown): Error {
  if (isCancellation(error)) return error as Error;
  if (error instanceof ActivityFailure && error.cause instanceof ApplicationFailure) {
    const { type, message, details } = error.cause;
    return ApplicationFailure.create({
      type: type ?? 'Unknown',
      message,
      nonRetryable: true,
      details: details ?? [],
      cause: error,
    });
  }
  if (error instanceof ApplicationFailure) return error;
  const message = error instanceof Error ? innermost(error).message : String(error);
  return ApplicationFailure.create({
    type: 'Unknown',
    message,
    nonRetryable: true,
    ...(error instanceof Error ? { cause: error } : {}),
  });
}

/**
 * Runs `step`; when its schedule-to-close runs out, fails with `type` and the last error that was seen. It has also run out
 * when it leaves no time for the next attempt: then the activity ends with its last failure instead of a timeout.
 */
export async function withinPatience<T>(
  type: string,
  words: string,
  step: () => Promise<T>,
  details: Record<string, unknown> = {},
): Promise<T> {
  try {
    return await step();
  } catch (error) {
    if (!(error instanceof ActivityFailure)) throw error;
    if (!(error.cause instanceof TimeoutFailure) && error.retryState !== 'TIMEOUT') throw error;
    const lastError = told(error).message;
    throw runFailure(
      { type, message: `${words}. Last error: ${lastError}`, details: { ...details, lastError } },
      error,
    );
  }
}

/** What a failure says to people and machines. */
export function describeFailure(error: unknown): Failure {
  const failure = asRunFailure(error);
  if (!(failure instanceof ApplicationFailure)) return { type: 'Cancelled', message: 'cancelled' };
  const details = failure.details?.[0];
  return {
    type: failure.type ?? 'Unknown',
    message: failure.message,
    ...(details && typeof details === 'object' ? { details: details as Record<string, unknown> } : {}),
  };
}

/** The first failure below that an activity told itself: it names the call; what caused it may not. */
function told(error: Error): Error {
  let current: unknown = error.cause;
  while (current instanceof Error && !(current instanceof ApplicationFailure)) current = current.cause;
  return current instanceof Error ? current : innermost(error);
}

function innermost(error: Error): Error {
  let current = error;
  while (current.cause instanceof Error) current = current.cause;
  return current;
}
