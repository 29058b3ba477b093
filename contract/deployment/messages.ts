import { defineQuery, defineSignal, defineUpdate } from '@temporalio/workflow';
import type { DeploymentDeletionStatus, DeploymentStatus } from './status.ts';

/** What a person may ask of a rollout: each as update, which answers, and as signal of the same name, which does not. */

export const getDeploymentStatus = defineQuery<DeploymentStatus>('getStatus');
export const getDeletionStatus = defineQuery<DeploymentDeletionStatus>('getStatus');

export interface SwitchTraffic {
  /** Share of the new version, a whole number 0-100. */
  percent: number;
  by?: string;
}

export interface Finalize {
  by?: string;
}

export interface Rollback {
  reason: string;
  by?: string;
}

export interface Pause {
  reason?: string;
  by?: string;
}

export interface Resume {
  by?: string;
}

export const rolloutMessageNames = ['switchTraffic', 'finalize', 'rollback', 'pause', 'resume', 'retryNow'] as const;

export type RolloutMessageName = (typeof rolloutMessageNames)[number];

/** Answers when the weights are confirmed on the balancer; a switch kept until the first routing is verified, then. */
export const switchTrafficUpdate = defineUpdate<{ percent: number }, [SwitchTraffic]>('switchTraffic');
export const switchTrafficSignal = defineSignal<[SwitchTraffic]>('switchTraffic');

/** Answers when the new version alone is routed to and that is confirmed, before anything is removed. */
export const finalizeUpdate = defineUpdate<{ percent: number }, [Finalize]>('finalize');
export const finalizeSignal = defineSignal<[Finalize]>('finalize');

/** Answers when the old routing is confirmed, before draining. */
export const rollbackUpdate = defineUpdate<{ percent: number }, [Rollback]>('rollback');
export const rollbackSignal = defineSignal<[Rollback]>('rollback');

export const pauseUpdate = defineUpdate<{ paused: boolean }, [Pause]>('pause');
export const pauseSignal = defineSignal<[Pause]>('pause');

export const resumeUpdate = defineUpdate<{ paused: boolean }, [Resume]>('resume');
export const resumeSignal = defineSignal<[Resume]>('resume');
