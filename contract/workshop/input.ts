import type { AutoscalerState } from './state.ts';

/** Which provision a run scales. `uid` is what the starter saw; the run follows the object that is really there. */
export interface ProvisionAutoscalerInput {
  cluster: string;
  namespace: string;
  name: string;
  uid?: string | undefined;
}

/** The argument of `provisionAutoscaler`. `state` is what continue-as-new carries; callers leave it out. */
export interface ProvisionAutoscalerRun extends ProvisionAutoscalerInput {
  state?: AutoscalerState;
}

export interface WorkshopSweepInput {
  cluster: string;
  /** Absent: all namespaces. */
  namespace?: string | undefined;
}

/** What a sweep saw and signalled. */
export interface WorkshopSweepResult {
  cluster: string;
  /** Workshops with autoscaling enabled. */
  workshops: number;
  provisions: number;
  /** Provisions whose flag is set, whatever their workshop says. */
  flagged: number;
  /** Autoscalers that were not open, or had missed something. */
  signalled: number;
}

export const scalingStrategies = ['ratio', 'headroom', 'target'] as const;
export type ScalingStrategy = (typeof scalingStrategies)[number];

export const seatScopes = ['workshop', 'provision'] as const;
export type SeatScope = (typeof seatScopes)[number];

/** `Workshop.spec.autoScaling` with its defaults. Optional fields without a default are absent. */
export interface AutoScalingConfig {
  enabled: boolean;
  /** Utilisation that triggers, inclusive; 0 < t <= 1. */
  threshold: number;
  scaleFactor: number;
  maxProvisions: number;
  strategy: ScalingStrategy;
  scope: SeatScope;
  minProvisions: number;
  minAvailable?: number;
  maxStep?: number;
  cooldownSeconds: number;
  stabilizationSeconds: number;
  completionTimeoutSeconds: number;
  approvalAbove?: number;
  respectLock: boolean;
  scaleFromZero: boolean;
  dryRun: boolean;
  scaleDown: { enabled: boolean; threshold: number; delaySeconds: number };
}
