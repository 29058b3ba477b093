import { defineQuery, defineSignal, defineUpdate } from '@temporalio/workflow';
import type { RetirementStatus } from './retirement.ts';
import type { ScopeStatus } from './status.ts';

export const getStatus = defineQuery<ScopeStatus>('getStatus');

/** The same query of a `balancerRetirement`. */
export const getRetirementStatus = defineQuery<RetirementStatus>('getStatus');

/** The argument of `retryNow`: who asks, for the record. */
export interface RetryNow {
  by?: string;
}

/** Makes the present wait look again at once; refused when nothing is being waited for. Answers what was being waited for. */
export const retryNowUpdate = defineUpdate<{ waitingFor: string }, [RetryNow]>('retryNow');

/** The same, fire and forget. */
export const retryNowSignal = defineSignal<[RetryNow]>('retryNow');
