import { ActivityCancellationType, proxyLocalActivities } from '@temporalio/workflow';
import type { WorkshopActivities } from '../../activities/workshop/index.ts';
import type { WorkshopTimings } from '../../domain/workshop/settings.ts';
import { activitiesBy } from '../proxies.ts';

/**
 * The activities of the workshop room by class of call: how long one attempt may take, and how it is tried again. A run that is
 * cancelled waits for the call that is on its way before it lets go: what the call did is known then.
 */
const cancellationType = ActivityCancellationType.WAIT_CANCELLATION_COMPLETED;

/** Pure functions, in the worker itself. */
export const local = proxyLocalActivities<WorkshopActivities>({
  startToCloseTimeout: '8s',
  localRetryThreshold: '1s',
  retry: { initialInterval: '100ms', maximumInterval: '30s' },
});

/** The record of operations: a database that is away delays scaling by a moment and stops nothing. */
export const records = proxyLocalActivities<WorkshopActivities>({
  startToCloseTimeout: '3s',
  scheduleToCloseTimeout: '6s',
  localRetryThreshold: '10s',
  cancellationType,
  retry: { initialInterval: '200ms', maximumInterval: '2s' },
});

/**
 * Calls to Kubernetes. They are tried for a while; then the run rests and looks anew, because what was decided upon is old
 * by then. `summary` is for the Temporal UI.
 */
export const calls = (summary: string, timings: WorkshopTimings) =>
  activitiesBy<WorkshopActivities>({
    summary,
    startToCloseTimeout: timings.callTimeout * 1000,
    scheduleToCloseTimeout: timings.callPatience * 1000,
    cancellationType,
    retry: { initialInterval: timings.retryFirst * 1000, maximumInterval: timings.retryMax * 1000 },
  });

/** One pass over a whole cluster. */
export const sweeps = activitiesBy<WorkshopActivities>({
  summary: 'list workshops and provisions, wake their autoscalers',
  startToCloseTimeout: '5m',
  heartbeatTimeout: '30s',
  cancellationType,
  retry: { initialInterval: '1s', maximumInterval: '30s', maximumAttempts: 5 },
});

/** What people may like to know: tried a few times, and given up without harm. */
export const hints = (summary: string, timings: WorkshopTimings) =>
  activitiesBy<WorkshopActivities>({
    summary,
    startToCloseTimeout: timings.callTimeout * 1000,
    cancellationType,
    retry: { initialInterval: timings.retryFirst * 1000, maximumAttempts: 3 },
  });
