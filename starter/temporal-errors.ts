import {
  isGrpcServiceError,
  WorkflowFailedError,
  WorkflowNotFoundError,
  WorkflowUpdateFailedError,
  WorkflowUpdateRPCTimeoutOrCancelledError,
} from '@temporalio/client';
import {
  ApplicationFailure,
  CancelledFailure,
  NamespaceNotFoundError,
  TerminatedFailure,
  TimeoutFailure,
} from '@temporalio/common';
import { workflowIds } from '../contract/names.ts';
import {
  AccessDenied,
  type Details,
  errorOf,
  GroundworkError,
  NotFound,
  OutcomeUnknown,
  RunCancelled,
  RunTerminated,
  RunTimedOut,
  SetupMissing,
  Unavailable,
} from './errors.ts';

/** The one place where what the Temporal client throws becomes an error of ours. */

/** What was being asked, for the error's words. */
export interface Asked {
  /** For example "start scope-creation/123". */
  what: string;
  /** Identity of the run, when there is one. */
  run?: { workflowId: string; runId?: string | undefined };
  /** Whether something may have begun, or goes on, that this answer was about. */
  effect?: boolean;
}

/** gRPC status codes that we tell apart (grpc.io, "Status codes and their use in gRPC"). */
const CANCELLED = 1;
const INVALID_ARGUMENT = 3;
const DEADLINE_EXCEEDED = 4;
const NOT_FOUND = 5;
const PERMISSION_DENIED = 7;
const UNAUTHENTICATED = 16;

/** How the server fails an update that was accepted by a run that then ended, for example because it was terminated. */
const CLOSED_BEFORE_ANSWER = 'AcceptedUpdateCompletedWorkflow';

/** The caller's signal ended the wait for an answer. */
export class WaitStopped extends Error {}

export function toGroundworkError(error: unknown, asked: Asked): GroundworkError {
  if (error instanceof GroundworkError) return error;
  const details: Details = { ...asked.run };
  if (error instanceof WorkflowFailedError) return failedRun(error.cause, error, details);
  if (error instanceof WorkflowUpdateFailedError) return failedRun(error.cause, error, details);
  if (error instanceof WorkflowUpdateRPCTimeoutOrCancelledError) return noAnswer(asked, error, details);
  if (error instanceof WaitStopped) return unanswered(asked, error.message, details, { cause: error });
  if (error instanceof WorkflowNotFoundError) return new NotFound(notFoundWords(asked), details, { cause: error });
  if (error instanceof NamespaceNotFoundError)
    return new NotFound(`Temporal has no namespace ${error.namespace}. Check TEMPORAL_NAMESPACE.`, details, {
      cause: error,
    });
  const grpc = grpcErrorIn(error);
  if (grpc) return fromGrpc(grpc, asked, details);
  const message = error instanceof Error ? error.message : String(error);
  return new GroundworkError('Unknown', `${asked.what}: ${message}`, details, { cause: error });
}

function failedRun(cause: Error | undefined, error: Error, run: Details): GroundworkError {
  const { workflowId: id } = run;
  if (cause instanceof ApplicationFailure) {
    if (cause.type === CLOSED_BEFORE_ANSWER)
      return new OutcomeUnknown(
        `run ${id} ended before it answered: what was asked may have been done. Look at the run.`,
        run,
        { cause: error },
      );
    const given = cause.details?.[0];
    const details = typeof given === 'object' && given !== null ? (given as Record<string, unknown>) : {};
    const failure = { type: cause.type ?? 'Unknown', message: cause.message, details };
    return errorOf(failure, { cause: error });
  }
  if (cause instanceof CancelledFailure)
    return new RunCancelled(`run ${id} was cancelled; ${leftBy(String(id))}`, run, { cause: error });
  if (cause instanceof TerminatedFailure)
    return new RunTerminated(`run ${id} was terminated: nothing was undone. Repeat the request.`, run, {
      cause: error,
    });
  if (cause instanceof TimeoutFailure)
    return new RunTimedOut(`run ${id} hit its time limit: nothing was undone. Repeat the request.`, run, {
      cause: error,
    });
  return new GroundworkError('Unknown', cause?.message ?? error.message, run, { cause: error });
}

/** The ids of runs that take back what they made when they are cancelled begin so. */
const undoing = [workflowIds.scopeCreation(''), workflowIds.deployment('')];

function leftBy(cancelled: string): string {
  const undoes = undoing.some((kind) => cancelled.startsWith(kind));
  return undoes ? 'what it had made was removed' : 'what it had done stands';
}

interface GrpcError extends Error {
  code: number;
  details: string;
}

/** The SDK wraps a gRPC error in a ServiceError, and that sometimes once more. */
function grpcErrorIn(error: unknown): GrpcError | undefined {
  for (let current = error; current instanceof Error; current = current.cause) {
    if (isGrpcServiceError(current)) return current as GrpcError;
  }
  return undefined;
}

function fromGrpc(error: GrpcError, asked: Asked, details: Details): GroundworkError {
  const options = { cause: error };
  // The SDK puts what the server said of one part of a call into the message; `details` are of the whole, or bytes.
  const said = error.message.replace(/^\d+ [A-Z_]+: /, '') || error.details;
  switch (error.code) {
    case CANCELLED:
    case DEADLINE_EXCEEDED:
      return noAnswer(asked, error, details);
    case NOT_FOUND:
      return new NotFound(notFoundWords(asked), details, options);
    case PERMISSION_DENIED:
    case UNAUTHENTICATED:
      return new AccessDenied(`Temporal denies to ${asked.what}: ${said || 'no reason given'}`, details, options);
    case INVALID_ARGUMENT:
      if (/no mapping defined for search attribute|search attribute .* is not defined/i.test(said))
        return new SetupMissing(`${said}. Run "groundwork setup".`, details, options);
      return new GroundworkError('Unknown', `${asked.what}: ${said}`, details, options);
    default:
      return unanswered(asked, said, details, options);
  }
}

function noAnswer(asked: Asked, error: Error, details: Details): GroundworkError {
  return unanswered(asked, 'no answer in time', details, { cause: error });
}

function unanswered(asked: Asked, why: string, details: Details, options: ErrorOptions): GroundworkError {
  if (!asked.effect) return new Unavailable(`${asked.what}: ${why}`, details, options);
  const goesOn = asked.run?.runId ? `; run ${asked.run.workflowId} goes on` : '; it may have begun';
  return new OutcomeUnknown(
    `${asked.what}: ${why}${goesOn}. Ask again, or repeat the request: it joins.`,
    details,
    options,
  );
}

function notFoundWords(asked: Asked): string {
  return asked.run ? `there is no run ${asked.run.workflowId}` : `${asked.what}: not found`;
}
