import type { AutoscalerState } from '../../contract/workshop/state.ts';
import type { PauseStatus } from '../../contract/workshop/status.ts';
import type { Observation } from './observation.ts';
import { iso, readTime } from './times.ts';

/** What pauses a provision now: a message to the run first, then the annotation on provision or workshop. */
export function activePause(observation: Observation, state: AutoscalerState, now: number): PauseStatus | undefined {
  const { pause } = state;
  if (pause && (pause.until === undefined || pause.until > now)) {
    const { reason, by, until } = pause;
    return {
      source: 'message',
      reason,
      ...(by === undefined ? {} : { by }),
      ...(until === undefined ? {} : { until: iso(until) }),
    };
  }
  return annotationPause(observation, now);
}

export function annotationPause(observation: Observation, now: number): PauseStatus | undefined {
  for (const on of ['provision', 'workshop'] as const) {
    const paused = observation[on]?.paused;
    const until = paused && pausedUntil(paused.until);
    if (paused && until !== undefined && until > now) {
      const reason = paused.reason || 'no reason given';
      return { source: 'annotation', on, reason, ...(until === Infinity ? {} : { until: iso(until) }) };
    }
  }
  return undefined;
}

/** "false" and blank: not paused. A time: until then. Any other text: until it is removed. */
function pausedUntil(annotation: string): number | undefined {
  const text = annotation.trim();
  if (text === '' || text === 'false') return undefined;
  return readTime(text) ?? Infinity;
}
