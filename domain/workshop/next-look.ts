import type { AutoscalerState } from '../../contract/workshop/state.ts';
import type { Decision } from '../../contract/workshop/status.ts';
import type { Observation } from './observation.ts';
import { deadlineOf, isUnwritten } from './operation.ts';
import { nextScheduleChange } from './schedule.ts';
import { pollDelay, type WorkshopTimings } from './settings.ts';

/** What a run knows when it rests. */
export interface Resting {
  state: AutoscalerState;
  /** What was seen last. */
  look: { observation: Observation; decision: Decision } | undefined;
  /** Looks at the present operation since something last moved. */
  looks: number;
  /** Numbers wait to be written with the status. */
  statusLater: boolean;
  /** Start of the run, in milliseconds. */
  startedAt: number;
}

/** Milliseconds since 1970 at which a run looks without being told to. `deaf`: after a denial or an outage. */
export function nextLook(resting: Resting, deaf: boolean, now: number, timings: WorkshopTimings): number {
  const { state, look, statusLater, startedAt } = resting;
  const { backoff, trouble, override, pause, cooldownUntil, statusWrittenAt } = state;
  if (deaf && trouble) return trouble.until;
  const times = [
    startedAt + timings.idleLimit * 1000,
    ...operationTimes(resting, now, timings),
    ...(look?.decision.until ? [Date.parse(look.decision.until)] : []),
    ...(look ? [nextScheduleChange(look.observation, look.decision.inputs.expectedProvisioningSeconds, now)] : []),
    // Nobody else tells the run that a hold is over: until it looks, its status says the old thing.
    ...[backoff?.until, trouble?.until, override?.until, pause?.until, cooldownUntil].filter(
      (until) => until !== undefined && until > now,
    ),
    ...(statusLater && writesStatus(look?.decision) ? [(statusWrittenAt ?? now) + timings.statusInterval * 1000] : []),
  ];
  return Math.max(now, Math.min(...times.filter((time) => time !== undefined)));
}

/**
 * Between flag and count a run stays one; but while the ignore label is on it, an operation may stand there for any length of
 * time, and the next run decides anew about it.
 */
export function mayContinue({ operation }: AutoscalerState, decision: Decision | undefined): boolean {
  return operation === undefined || !isUnwritten(operation) || decision?.reason === 'Ignored';
}

/** Where the ignore label is nothing can be done about an operation: it is only looked at now and then, for the label to go. */
function operationTimes(
  { state: { operation }, look, looks }: Resting,
  now: number,
  timings: WorkshopTimings,
): number[] {
  if (!operation) return [];
  if (look?.decision.reason === 'Ignored') return [now + timings.pollMax * 1000];
  return [now + pollDelay(looks, timings) * 1000, deadlineOf(operation)];
}

function writesStatus(decision: Decision | undefined): boolean {
  return decision === undefined || (decision.action === 'none' && decision.reason !== 'Ignored');
}
