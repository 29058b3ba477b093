import type { AutoscalerState, Backoff } from '../../contract/workshop/state.ts';
import type { Decision, DecisionReason } from '../../contract/workshop/status.ts';
import { isUnwritten } from './operation.ts';
import { cut } from './readable.ts';
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
  return { ...state, trouble: { until, reason, message: cut(message, 300) } };
}

/** The API does again what is asked of it. */
export function recovered({ trouble: _, ...state }: AutoscalerState): AutoscalerState {
  return state;
}

/** Demand that is only held back will ask for what was denied again. */
const held: DecisionReason[] = ['BackingOff', 'CoolingDown', 'Stabilizing'];

/**
 * The state after a look that went well. When its hold has passed, an outage is over, unless a count is about to be written:
 * then that shows it. A denial is over when nothing asks for what may be denied; the next write tells if it is not.
 */
export function looked(state: AutoscalerState, { action, reason }: Decision, now: number): AutoscalerState {
  const { trouble, operation } = state;
  if (!trouble || trouble.until > now) return state;
  const writing = action !== 'none' || (operation !== undefined && isUnwritten(operation));
  const stands = writing || (trouble.reason === 'Forbidden' && held.includes(reason));
  return stands ? state : recovered(state);
}

/** What holds operations back now: of two holds the longer one. */
export function holdNow({ backoff, trouble }: AutoscalerState, now: number): Backoff | undefined {
  const holds = [trouble, backoff].flatMap((hold) => (hold && hold.until > now ? [hold] : []));
  return holds.sort((a, b) => b.until - a.until)[0];
}
