import { ApplicationFailure, ApplicationFailureCategory } from '@temporalio/common';
import type {
  AttemptFailureType,
  DeploymentFailureType,
  InvalidField,
  ScopeFailureType,
  WorkshopFailureType,
} from '../contract/failures.ts';

/** Makers of the failures that activities end with: permanent ones from the closed list, and attempts that will be retried. */

/** A failure that no retry can cure. `message` says what happened, with which value, and what to do. */
export function permanent(
  type: ScopeFailureType | DeploymentFailureType | WorkshopFailureType,
  message: string,
  details: Record<string, unknown> = {},
  cause?: Error,
): ApplicationFailure {
  return ApplicationFailure.create({
    type,
    message,
    nonRetryable: true,
    details: [details],
    ...(cause ? { cause } : {}),
  });
}

/** `InvalidInput` with the path of every wrong field, in one line. */
export function invalidInput(fields: readonly InvalidField[]): ApplicationFailure {
  const message = fields.map(({ path, message }) => (path === '' ? message : `${path}: ${message}`)).join('; ');
  return permanent('InvalidInput', message, { fields });
}

/** An attempt that failed and is made again; its message is what the Temporal UI shows of a pending activity. */
export function attempt(type: AttemptFailureType, message: string, cause?: Error): ApplicationFailure {
  return ApplicationFailure.create({ type, message, ...(cause ? { cause } : {}) });
}

/** An expected "not yet": looked at again after `afterSeconds`, logged at DEBUG, no failure in metrics. */
export function notYet(
  message: string,
  afterSeconds: number,
  details: Record<string, unknown> = {},
): ApplicationFailure {
  return ApplicationFailure.create({
    type: 'NotYet',
    message,
    nextRetryDelay: Math.max(1, Math.round(afterSeconds * 1000)),
    category: ApplicationFailureCategory.BENIGN,
    details: [details],
  });
}
