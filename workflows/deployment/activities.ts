import { ActivityCancellationType, proxyLocalActivities } from '@temporalio/workflow';
import type { DeploymentActivities } from '../../activities/deployment/index.ts';
import { type DeploymentTimings, defaultDeploymentTimings } from '../../domain/deployment/settings.ts';
import { activitiesBy } from '../proxies.ts';

/**
 * The activities of the deployment room by class of call: how long one attempt may take, and how it is tried again. A step that a
 * message ends is waited for: its last write must not come after the first of the step that follows. (Without a word here the
 * SDK would not wait.)
 */

/** Pure functions and single database statements, in the worker itself. */
export const local = proxyLocalActivities<DeploymentActivities>({
  startToCloseTimeout: '8s',
  localRetryThreshold: '1s',
  retry: { initialInterval: '100ms', maximumInterval: '30s' },
});

/** Reads and short changes; repeated for `patienceSeconds`. */
export const calls = (summary: string, timings: DeploymentTimings, patienceSeconds: number) =>
  activitiesBy<DeploymentActivities>({
    summary,
    startToCloseTimeout: 2 * callTimeout(timings),
    heartbeatTimeout: callTimeout(timings),
    scheduleToCloseTimeout: patienceSeconds * 1000,
    cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
    retry: { initialInterval: '250ms', maximumInterval: '10s' },
  });

/**
 * Loops that look again and again until a deadline of their own, and answer when they are interrupted; the margin is for a
 * worker that dies meanwhile.
 */
export const loops = (summary: string, timings: DeploymentTimings, deadlineSeconds: number) =>
  activitiesBy<DeploymentActivities>({
    summary,
    startToCloseTimeout: (deadlineSeconds + MARGIN_SECONDS) * 1000,
    heartbeatTimeout: Math.max(silence(timings), 3 * timings.pollInterval * 1000),
    scheduleToCloseTimeout: (2 * deadlineSeconds + MARGIN_SECONDS) * 1000,
    cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
    retry: { initialInterval: '250ms', maximumInterval: '10s' },
  });

const MARGIN_SECONDS = 120;

/** Watching while traffic holds: between two looks that are far apart it holds no slot. It ends when it has something to say. */
export const watching = (summary: string, timings: DeploymentTimings) =>
  activitiesBy<DeploymentActivities>({
    summary,
    startToCloseTimeout: '1m',
    heartbeatTimeout: silence(timings),
    cancellationType: ActivityCancellationType.TRY_CANCEL,
    retry: { initialInterval: '250ms', maximumInterval: '10s' },
  });

/** Milliseconds. Runs that began when it was no setting have none. */
function callTimeout({ callTimeout = defaultDeploymentTimings.callTimeout }: DeploymentTimings): number {
  return callTimeout * 1000;
}

/** How long an attempt that looks again and again may be silent, in milliseconds. */
function silence(timings: DeploymentTimings): number {
  return callTimeout(timings) / 3;
}
