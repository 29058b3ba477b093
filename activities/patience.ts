import { setTimeout as delay } from 'node:timers/promises';
import { ApplicationFailure } from '@temporalio/common';
import { activitySignal, beat } from './signal.ts';

/** Intervals below this are slept in the activity itself; longer ones are left to Temporal's retry, which holds no slot. */
const SHORT_INTERVAL_MS = 2_000;

/** After this long the attempt ends anyway, so that a stopped worker is noticed and another takes over. */
const LONGEST_ATTEMPT_MS = 15_000;

/**
 * Repeats a look that ends as "not yet" while its interval is short; the heartbeat carries what was seen last. A longer
 * interval, and every other failure, leaves the activity.
 */
export async function patiently<T>(look: () => Promise<T>): Promise<T> {
  const endAt = Date.now() + LONGEST_ATTEMPT_MS;
  for (;;) {
    beat();
    try {
      return await look();
    } catch (error) {
      const interval = intervalOf(error);
      if (interval === undefined || interval > SHORT_INTERVAL_MS || Date.now() > endAt) throw error;
      beat({ lastSeen: (error as Error).message });
      await delay(interval, undefined, { signal: activitySignal() });
    }
  }
}

function intervalOf(error: unknown): number | undefined {
  if (!(error instanceof ApplicationFailure) || error.type !== 'NotYet') return undefined;
  return typeof error.nextRetryDelay === 'number' ? error.nextRetryDelay : undefined;
}
