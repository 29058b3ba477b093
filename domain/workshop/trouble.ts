import type { AutoscalerState, Backoff } from '../../contract/workshop/state.ts';
import type { WorkshopTimings } from './settings.ts';

/** Trouble with the API beside the back-off of operations: two holds, and neither shortens the other. */

/** The API denied a call or did not answer: degraded with the cause, and no hot loop. */
export function noteError(
  state: AutoscalerState,
  reason: 'Forbidden' | 'ApiUnavailable',
  message: string,
  now: number,
  timings: WorkshopTimings,
): AutoscalerState {
  const until = now + timings.errorBackoff * 1000;
  return { ...state, trouble: { until, reason, message: message.slice(0, 300) } };
}

/** The API does again what is asked of it. */
export function recovered({ trouble: _, ...state }: AutoscalerState): AutoscalerState {
  return state;
}

/** What holds operations back now: of two holds the longer one. */
export function holdNow({ backoff, trouble }: AutoscalerState, now: number): Backoff | undefined {
  const holds = [trouble, backoff].flatMap((hold) => (hold && hold.until > now ? [hold] : []));
  return holds.sort((a, b) => b.until - a.until)[0];
}
