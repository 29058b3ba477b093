import type { Clip, DecisionRecord, OperationResult } from './status.ts';

/** What a run carries through continue-as-new, below 20 KB. Times are milliseconds since 1970, of the workflow's clock. */
export interface AutoscalerState {
  version: 1;
  /** The provision this state belongs to; another uid resets it. */
  uid?: string;
  /** Highest epoch that was given to an operation. */
  epoch: number;
  operation?: Operation;
  cooldownUntil?: number;
  /** After a time-out or conflicts. Stays after its end until a success takes it away: the provision is degraded so long. */
  backoff?: Backoff;
  /** The API denied a call or did not answer: beside the back-off, so that neither shortens the other. Stays until it is over. */
  trouble?: Backoff;
  /** Operations in a row that timed out: each doubles the hold. */
  timeouts: number;
  pause?: Pause;
  override?: Override;
  approval?: Approval;
  standing?: StandingRecommendation;
  /** Since when utilisation has been at or below the scale-down threshold without a break, all claims complete and none added. */
  lowSince?: number;
  /** End of the last operation that grew the provision. */
  lastGrowthAt?: number;
  lastScaleAt?: number;
  lastResult?: OperationResult;
  /** Last write of the provision's status. */
  statusWrittenAt?: number;
  /** Reason for which the last `ScalingRefused` was emitted. */
  refusedReason?: string;
  /** Count writes that met a conflict within the last minute. */
  conflicts: number[];
  /** Newest last, at most 20. */
  decisions: DecisionRecord[];
  counters: Counters;
  /** Something changed that was not yet evaluated. */
  dirty: boolean;
}

export interface Operation {
  /** `<epoch>-<8 hex>`. */
  id: string;
  epoch: number;
  direction: 'up' | 'down';
  /** `flag` and `count` are still to be written; `wait` until settled; `delete` removes claims (down only). */
  step: 'flag' | 'count' | 'wait' | 'delete';
  from: number;
  target: number;
  clips: Clip[];
  /** Value of the operation annotation that the decision saw; the count write tests it. */
  fence: string | null;
  startedAt: number;
  timeoutSeconds: number;
  /** The later of the count write and the last moment at which a new claim was seen: the deadline counts from here. */
  progressAt: number;
  /** Newest creation time among the live claims, as Kubernetes says it. */
  newestClaim?: string;
  /** Most live claims seen at once. */
  mostLive: number;
  failedAtStart: NamedCount;
  /** Removable claims, by uid, that a deletion left alone: the others are tried before these are tried again. */
  saved?: string[];
  /** A person asked to end it, in words: done at the next look. */
  cancelling?: string;
}

/** A number, and at most ten names of what was counted. */
export interface NamedCount {
  count: number;
  names: string[];
}

export interface Backoff {
  until: number;
  reason: 'TimedOut' | 'Conflicts' | 'Forbidden' | 'ApiUnavailable';
  message: string;
}

export interface Pause {
  reason: string;
  by?: string;
  since: number;
  until?: number;
}

export interface Override {
  maxProvisions: number;
  until: number;
  by?: string;
}

/** A target above `approvalAbove`, waiting or granted. It holds for the count it was asked for. */
export interface Approval {
  operationId: string;
  from: number;
  /** Never raised: an approval is worth at most this target. */
  target: number;
  since: number;
  grantedBy?: string;
  granted: boolean;
}

/** A recommendation that has stood without a break; `targets` is enough to know the smallest of any later window. */
export interface StandingRecommendation {
  from: number;
  since: number;
  /** Oldest first, targets rising, at most 60. */
  targets: { at: number; target: number }[];
}

/** Since the state was made; a new uid starts at zero. */
export interface Counters {
  evaluations: number;
  countWrites: number;
  conflicts: number;
  operations: number;
  continuations: number;
}
