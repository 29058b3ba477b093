import { ActivityFailure, type ActivityOptions, CancelledFailure, proxyActivities } from '@temporalio/workflow';

/**
 * `proxyActivities` of the SDK, for which an attempt that failed, or fell silent, after its cancellation had been asked for
 * is cancelled: the server does not try it again then (RETRY_STATE_CANCEL_REQUESTED), so its failure says nothing about the
 * step. What it had done is as unknown as after any cancellation.
 */
export function activitiesBy<A extends object>(options: ActivityOptions): A {
  return new Proxy(proxyActivities(options), {
    get: (proxy, name) => {
      const call = Reflect.get(proxy, name) as (...args: unknown[]) => Promise<unknown>;
      return (...args: unknown[]) => call(...args).catch(rethrow);
    },
  }) as unknown as A;
}

function rethrow(error: unknown): never {
  if (!(error instanceof ActivityFailure) || error.retryState !== 'CANCEL_REQUESTED') throw error;
  throw new CancelledFailure(`${error.activityType} was cancelled`, [], error);
}
