import { defineQuery, defineSignal, defineUpdate } from '@temporalio/workflow';
import type { AutoscalerHistory, AutoscalerStatus, Decision, DecisionExplanation } from './status.ts';

/** Messages of `provisionAutoscaler`. Each request is an update, which answers, and a signal of the same name. */

/** `by` says who asks, for the record. Texts are cut to 200 characters. */
export interface PauseRequest {
  reason: string;
  /** ISO 8601; absent: until resumed. */
  until?: string;
  by?: string;
}

export interface PauseAnswer {
  paused: true;
  until?: string;
}

export interface ResumeRequest {
  by?: string;
}

export interface ResumeAnswer {
  /** Whether a pause by message was ended. */
  resumed: boolean;
  /** A pause by annotation remains until the annotation is removed. */
  stillPaused?: string;
}

export interface EvaluateRequest {
  dryRun?: boolean;
}

export interface CancelRequest {
  reason?: string;
  by?: string;
}

export interface CancelAnswer {
  operationId?: string;
  droppedApproval?: string;
}

export interface ApproveRequest {
  operationId: string;
  by?: string;
}

export interface ApproveAnswer {
  operationId: string;
  /** The most that this approval allows. */
  targetCount: number;
}

/** Replaces the cap until then, 30 days at most; without `maxProvisions` the override is removed. */
export interface OverrideRequest {
  maxProvisions?: number;
  until?: string;
  by?: string;
}

export interface OverrideAnswer {
  maxProvisions?: number;
  until?: string;
}

/** What a watcher or the sweep noticed. */
export interface Changed {
  source: string;
}

export const getAutoscalerStatus = defineQuery<AutoscalerStatus>('getStatus');
export const getAutoscalerHistory = defineQuery<AutoscalerHistory>('getHistory');
export const getExplanation = defineQuery<DecisionExplanation>('getExplanation');

export const changedSignal = defineSignal<[Changed]>('changed');

export const pauseUpdate = defineUpdate<PauseAnswer, [PauseRequest]>('pause');
export const pauseSignal = defineSignal<[PauseRequest]>('pause');
export const resumeUpdate = defineUpdate<ResumeAnswer, [ResumeRequest]>('resume');
export const resumeSignal = defineSignal<[ResumeRequest]>('resume');
export const evaluateNowUpdate = defineUpdate<Decision, [EvaluateRequest]>('evaluateNow');
export const evaluateNowSignal = defineSignal<[EvaluateRequest]>('evaluateNow');
export const cancelOperationUpdate = defineUpdate<CancelAnswer, [CancelRequest]>('cancelOperation');
export const cancelOperationSignal = defineSignal<[CancelRequest]>('cancelOperation');
export const approveUpdate = defineUpdate<ApproveAnswer, [ApproveRequest]>('approve');
export const approveSignal = defineSignal<[ApproveRequest]>('approve');
export const setOverrideUpdate = defineUpdate<OverrideAnswer, [OverrideRequest]>('setOverride');
export const setOverrideSignal = defineSignal<[OverrideRequest]>('setOverride');
