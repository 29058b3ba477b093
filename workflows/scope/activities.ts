import { ActivityCancellationType, proxyLocalActivities } from '@temporalio/workflow';
import type { ScopeActivities } from '../../activities/scope/index.ts';
import { defaultTimings, type ScopeTimings } from '../../domain/scope/settings.ts';
import { activitiesBy } from '../proxies.ts';

/**
 * The activities of the scope room by class of call: how long one attempt may take, and how it is tried again.
 *
 * A cancelled run waits for the end of a call that changes something before it undoes anything: an effect that comes after
 * its own undoing would stay. The SDK documents that as its default, but an absent `cancellationType` means TRY_CANCEL.
 */

const WAIT = ActivityCancellationType.WAIT_CANCELLATION_COMPLETED;

/** Pure functions and single database transactions, in the worker itself. A longer back-off becomes a durable timer. */
export const local = proxyLocalActivities<ScopeActivities>({
  startToCloseTimeout: '8s',
  localRetryThreshold: '1s',
  cancellationType: WAIT,
  retry: { initialInterval: '100ms', maximumInterval: '30s' },
});

/** Calls that change Kubernetes or AWS. `summary` names the object, for the Temporal UI. Without a patience: until they end. */
export const mutations = (summary: string, timings: ScopeTimings, patienceSeconds?: number) =>
  activitiesBy<ScopeActivities>({
    summary,
    startToCloseTimeout: callTimeout(timings),
    ...(patienceSeconds ? { scheduleToCloseTimeout: (patienceSeconds + OUTAGE_MARGIN_SECONDS) * 1000 } : {}),
    cancellationType: WAIT,
    retry: { initialInterval: '500ms', maximumInterval: '30s' },
  });

/** Readings shared between runs: an attempt may wait for another run's reading, and heartbeats meanwhile. */
export const reads = (summary: string, timings: ScopeTimings) =>
  activitiesBy<ScopeActivities>({
    summary,
    startToCloseTimeout: '2m',
    heartbeatTimeout: silence(timings),
    scheduleToCloseTimeout: timings.readPatience * 1000,
    cancellationType: ActivityCancellationType.TRY_CANCEL,
    retry: { initialInterval: '250ms', maximumInterval: '10s' },
  });

/** Looks that end as "not yet": the attempt itself knows its deadline, the margin is for outages around it. */
export const watches = (summary: string, timings: ScopeTimings, patienceSeconds: number) =>
  activitiesBy<ScopeActivities>({
    summary,
    startToCloseTimeout: '1m',
    heartbeatTimeout: silence(timings),
    scheduleToCloseTimeout: (patienceSeconds + OUTAGE_MARGIN_SECONDS) * 1000,
    cancellationType: ActivityCancellationType.TRY_CANCEL,
    retry: { initialInterval: '250ms', maximumInterval: '10s' },
  });

const OUTAGE_MARGIN_SECONDS = 60;

/** Undoing: tried for the time of a compensation, then reported as left over. */
export const undoing = (summary: string, timings: ScopeTimings) =>
  activitiesBy<ScopeActivities>({
    summary,
    startToCloseTimeout: callTimeout(timings),
    heartbeatTimeout: silence(timings),
    scheduleToCloseTimeout: timings.compensationTimeout * 1000,
    cancellationType: WAIT,
    retry: { initialInterval: '500ms', maximumInterval: '30s' },
  });

/** Milliseconds. Runs that began when it was no setting have none. */
function callTimeout({ callTimeout = defaultTimings.callTimeout }: ScopeTimings): number {
  return callTimeout * 1000;
}

/** How long an attempt that heartbeats may be silent, in milliseconds: not as long as one that does not. */
function silence(timings: ScopeTimings): number {
  return (callTimeout(timings) * 2) / 3;
}
