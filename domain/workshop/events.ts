import { FIELD_MANAGER } from '../../contract/names.ts';
import { workshopKinds } from '../../contract/workshop/objects.ts';
import type { OperationResult } from '../../contract/workshop/status.ts';
import { cut } from './readable.ts';
import { iso } from './times.ts';

/** Kubernetes events on a provision: what `kubectl describe` shows of its autoscaler. */

/** With their types. */
export const scalingEvents = {
  ScaleUpStarted: 'Normal',
  ScaleUpSettled: 'Normal',
  ScaleUpPartiallyFailed: 'Warning',
  ScaleUpTimedOut: 'Warning',
  ScaleUpSuperseded: 'Normal',
  ScaleUpCancelled: 'Normal',
  ScaleDownStarted: 'Normal',
  ScaleDownSettled: 'Normal',
  ScalingPaused: 'Normal',
  ScalingResumed: 'Normal',
  ScalingRefused: 'Warning',
} as const;

export type ScalingEventReason = keyof typeof scalingEvents;

export type ScalingEvent = ReturnType<typeof scalingEvent>;

/**
 * `occurrence` is the operation's id, or what else happens once: the name follows from it and the reason, so that a repeat
 * meets the event of the first time. `at` in milliseconds.
 */
export function scalingEvent(
  provision: { namespace: string; name: string; uid: string },
  event: { reason: ScalingEventReason; occurrence: string; message: string; at: number },
) {
  const { namespace, name, uid } = provision;
  const { apiVersion, kind } = workshopKinds.provision;
  const time = `${iso(event.at).slice(0, 19)}Z`;
  return {
    apiVersion: 'v1',
    kind: 'Event',
    metadata: { namespace, name: `${name}.${event.occurrence}.${event.reason}`.toLowerCase() },
    involvedObject: { apiVersion, kind, namespace, name, uid },
    reason: event.reason,
    message: cut(event.message, 1000),
    type: scalingEvents[event.reason],
    source: { component: FIELD_MANAGER },
    firstTimestamp: time,
    lastTimestamp: time,
    count: 1,
  };
}

/** The event that ends an operation. A scale-down has one end only. */
export function endReason(direction: 'up' | 'down', result: OperationResult): ScalingEventReason {
  if (direction === 'down') return 'ScaleDownSettled';
  return result === 'Succeeded' ? 'ScaleUpSettled' : `ScaleUp${result}`;
}
