import { defineQuery, defineSignal, defineUpdate } from '@temporalio/workflow';
import type { IpClaimAnswer, IpClaimInput, IpClaimStatus } from './claim.ts';
import type { IpRunStatus } from './inventory.ts';

export const getClaimStatus = defineQuery<IpClaimStatus>('getStatus');

export const getRunStatus = defineQuery<IpRunStatus>('getStatus');

/** Asks for the block and answers with it; sent together with the start of the run. */
export const claimUpdate = defineUpdate<IpClaimAnswer, [IpClaimInput]>('claim');

/** Tells a waiting claim that a pool it waits for has room again. */
export const capacityFreed = defineSignal('capacityFreed');

/** The argument of `cancelWait`: who asks, for the record. */
export interface CancelWait {
  by?: string;
}

/** Ends the wait for capacity early, with a last try; refused when the claim does not wait. */
export const cancelWaitUpdate = defineUpdate<{ waitedFor: string[] }, [CancelWait]>('cancelWait');

/** The same, fire and forget. */
export const cancelWaitSignal = defineSignal<[CancelWait]>('cancelWait');
