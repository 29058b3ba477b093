import { ActivityCancellationType, proxyLocalActivities } from '@temporalio/workflow';
import type { IpActivities } from '../../activities/ip/index.ts';
import { activitiesBy } from '../proxies.ts';

/**
 * The activities of the IP room by class of call. One function call of the database takes milliseconds; its lock is waited
 * for two seconds at most. The whole stays below what a workflow task allows a local activity, so that a caller of a dead
 * database hears `Busy` instead of nothing. A run that is cancelled waits for the call that is on its way: what the database has
 * committed is what the run answers.
 */
export const local = (summary: string) =>
  proxyLocalActivities<IpActivities>({
    summary,
    startToCloseTimeout: '3s',
    scheduleToCloseTimeout: '7s',
    cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
    localRetryThreshold: '10s',
    retry: { initialInterval: '50ms', backoffCoefficient: 2, maximumInterval: '1s' },
  });

/** Imports, verification, rebuilding and sweeping: a minute for one statement, and heartbeats all the while. */
export const long = (summary: string) =>
  activitiesBy<IpActivities>({
    summary,
    startToCloseTimeout: '10m',
    heartbeatTimeout: '20s',
    scheduleToCloseTimeout: '15m',
    cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
    retry: { initialInterval: '250ms', backoffCoefficient: 2, maximumInterval: '10s' },
  });
