import type { AutoScalingConfig } from './input.ts';

export const autoscalerPhases = [
  'Idle',
  'Scaling',
  'Waiting',
  'CoolingDown',
  'Paused',
  'AwaitingApproval',
  'Degraded',
  'Gone',
] as const;

/** Value of the search attribute `Phase` of an autoscaler. */
export type AutoscalerPhase = (typeof autoscalerPhases)[number];

/** In the order of the checks: the first that applies is the answer. */
export const decisionReasons = [
  'ProvisionGone',
  'WorkshopGone',
  'Ignored',
  'Disabled',
  'InvalidConfig',
  'Paused',
  'Ended',
  'EndingSoon',
  'NotStarted',
  'Stopped',
  'ProvisionDisabled',
  'Locked',
  'OperationActive',
  'ScaledToZero',
  'NoSeats',
  'BelowThreshold',
  'EnoughAvailable',
  'AtMax',
  'FailureThreshold',
  'ProvisioningInProgress',
  'InFlightCapacity',
  'BackingOff',
  'CoolingDown',
  'Stabilizing',
  'ApprovalRequired',
  'Scale',
  'ScaleDown',
] as const;

export type DecisionReason = (typeof decisionReasons)[number];

export const operationResults = ['Succeeded', 'PartiallyFailed', 'TimedOut', 'Superseded', 'Cancelled'] as const;

export type OperationResult = (typeof operationResults)[number];

export const clips = ['MinProvisions', 'MaxStep', 'AtMax', 'Approved', 'Stabilized'] as const;

/** What made the final target differ from the raw one. */
export type Clip = (typeof clips)[number];

/** What a decision was made from. `utilization` and `projection` are null without seats. */
export interface DecisionInputs {
  count: number;
  /** Seats of the configured scope. */
  assignedSeats: number;
  totalSeats: number;
  freeSeats: number;
  utilization: number | null;
  projection: number | null;
  seatsPerClaim: number;
  /** Claims of this provision on their way, and seats on their way in the whole scope. */
  inFlightClaims: number;
  inFlightSeats: number;
  liveClaims: number;
  completeClaims: number;
  activeClaims: number;
  failedClaims: number;
  pendingClaims: number;
  provisioningClaims: number;
  breakerOpen: boolean;
  /** `maxProvisions`, or the override in its place. */
  cap: number | null;
  /** Free seats that are missing; headroom only. */
  need: number | null;
  expectedProvisioningSeconds: number;
  generation: number;
  resourceVersion: string;
  workshopGeneration: number;
}

/** Something that deserves a look beside any answer. `code` is CamelCase and stable. */
export interface DecisionWarning {
  code: string;
  message: string;
}

/** The answer of `decide`. The message is stable: the same situation gives the same words, without times. */
export interface Decision {
  /** ISO 8601 in UTC. */
  at: string;
  action: 'none' | 'scaleUp' | 'scaleDown';
  reason: DecisionReason;
  message: string;
  /** When the answer may change by itself. */
  until?: string;
  /** Before and after the clips; absent when no number was reached. */
  rawTarget?: number;
  target?: number;
  clips: Clip[];
  inputs: DecisionInputs;
  /** Absent when the configuration is absent or invalid. */
  config?: AutoScalingConfig;
  warnings: DecisionWarning[];
}

/** A decision as it is remembered; equal ones in a row are one record. */
export interface DecisionRecord {
  at: string;
  /** Last time it was made again, and how often. */
  lastAt: string;
  times: number;
  action: Decision['action'];
  reason: DecisionReason;
  message: string;
  count: number;
  target?: number;
  assignedSeats: number;
  totalSeats: number;
  inFlightClaims: number;
}

/** One check of the decision in words. */
export interface CheckExplanation {
  /** Number of the check in the specification, 1 to 20. */
  number: number;
  reasons: DecisionReason[];
  outcome: 'passed' | 'stopped' | 'not reached';
  words: string;
}

/** Answer of the query `getExplanation`. */
export interface DecisionExplanation {
  at: string;
  reason: DecisionReason;
  summary: string;
  checks: CheckExplanation[];
}

export interface OperationStatus {
  id: string;
  direction: 'up' | 'down';
  step: string;
  fromCount: number;
  targetCount: number;
  startedAt: string;
  deadline: string;
}

/** Why nothing new is started, and until when. */
export interface PauseStatus {
  source: 'message' | 'annotation';
  on?: 'workshop' | 'provision';
  reason: string;
  by?: string;
  until?: string;
}

/** Answer of the query `getStatus`, and the result of a run that ended. Times are ISO 8601 in UTC. */
export interface AutoscalerStatus {
  cluster: string;
  namespace: string;
  provision: string;
  workshop?: string;
  uid?: string;
  phase: AutoscalerPhase;
  decision?: Decision;
  operation?: OperationStatus;
  nextEvaluation?: string;
  paused?: PauseStatus;
  override?: { maxProvisions: number; until: string; by?: string };
  approval?: { operationId: string; fromCount: number; targetCount: number; granted: boolean };
  cooldownUntil?: string;
  backoff?: { reason: string; message: string; until: string };
  lastResult?: OperationResult;
  lastScaleTime?: string;
  counters: {
    evaluations: number;
    countWrites: number;
    conflicts: number;
    operations: number;
    continuations: number;
  };
}

/** Answer of the query `getHistory`: newest last. */
export interface AutoscalerHistory {
  decisions: DecisionRecord[];
}
