import { ApplicationFailure, CancelledFailure } from '@temporalio/common';
import { AwsCallError } from './aws/errors.ts';
import { attempt, permanent } from './failures.ts';
import { KubernetesCallError } from './kubernetes/errors.ts';
import { DatabaseCallError, databaseError, refusedValue } from './postgres/errors.ts';

/**
 * The last stop of an error on its way out of an activity. What an activity did not expect becomes a typed failure here:
 * a denial and what is refused as it stands are permanent, everything else is tried again.
 */
export function toFailure(error: unknown): Error {
  if (error instanceof ApplicationFailure || error instanceof CancelledFailure) return error;
  if (error instanceof Error && (error.name === 'AbortError' || error.name === 'CancelledFailure')) return error;
  if (error instanceof AwsCallError) {
    const call = `${error.permission}${error.resource ? ` on ${error.resource}` : ''}`;
    if (error.kind === 'denied') {
      const message = `AWS denies ${call}. Grant it to the worker's role, then start again.`;
      return permanent('AccessDenied', message, { permission: error.permission, resource: error.resource }, error);
    }
    if (error.kind === 'invalid') {
      const type = error.permission.startsWith('route53:') ? 'DnsRefused' : 'BalancerUnreadable';
      const message = `AWS refuses ${call} as it stands: ${error.message}. Correct what it names, then repeat.`;
      return permanent(type, message, { permission: error.permission, resource: error.resource }, error);
    }
    return attempt(error.kind === 'retry' ? 'AwsRetry' : 'Unknown', `${error.permission}: ${error.message}`, error);
  }
  if (error instanceof KubernetesCallError) {
    if (error.kind === 'denied') {
      const message = `Kubernetes denies "${error.verb} ${error.resource}" to the worker. Add it to the worker's role (deploy/rbac), then start again.`;
      return permanent('AccessDenied', message, { verb: error.verb, resource: error.resource }, error);
    }
    if (error.kind === 'invalid') {
      return permanent(
        'KubernetesRefused',
        `Kubernetes refused "${error.verb} ${error.resource}": ${error.message}`,
        { resource: error.resource },
        error,
      );
    }
    return attempt('KubernetesRetry', `${error.verb} ${error.resource}: ${error.message}`, error);
  }
  const database = error instanceof DatabaseCallError ? error : databaseError(error);
  if (database) return attempt('DatabaseRetry', database.message, database);
  const state = refusedValue(error);
  if (state) {
    const message = `PostgreSQL does not take a value of this request (SQLSTATE ${state}). Correct it, then start again.`;
    return permanent('InvalidInput', message, { sqlState: state }, error as Error);
  }
  return error instanceof Error ? attempt('Unknown', error.message, error) : attempt('Unknown', String(error));
}

type Activities = Record<string, (input: never) => Promise<unknown>>;

/** The same activities, with every error translated, by `toFailure` unless the room has words of its own. */
export function withTypedFailures<A extends Activities>(
  activities: A,
  translate: (error: unknown) => Error = toFailure,
): A {
  const wrapped = Object.entries(activities).map(([name, run]) => [
    name,
    async (input: never) => {
      try {
        return await run(input);
      } catch (error) {
        throw translate(error);
      }
    },
  ]);
  return Object.fromEntries(wrapped) as A;
}
