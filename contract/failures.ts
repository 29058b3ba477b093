import type { IpFailureType } from './ip/failures.ts';

/** The closed list of failure types that a scope run can end with (specs: scope creation, section 11). */
export const scopeFailureTypes = [
  'InvalidInput',
  'ScopeBusy',
  'ScopeMismatch',
  'HostConflict',
  'NamespaceMissing',
  'NoCapacity',
  'BalancerMissing',
  'BalancerUnreadable',
  'CertificateMissing',
  'BalancerQuotaExceeded',
  'BalancerNameConflict',
  'BalancerFailed',
  'BalancerTimeout',
  'DnsZoneMissing',
  'DnsRefused',
  'DnsTimeout',
  'DnsRecordConflict',
  'DeploymentLive',
  'AccessDenied',
  'KubernetesRefused',
  'CompensationIncomplete',
] as const;

export type ScopeFailureType = (typeof scopeFailureTypes)[number];

/**
 * Failures of the workshop room: the answers of activities that are not retried, and the refusals of messages. Only
 * `InvalidInput` ends a run.
 */
export const workshopFailureTypes = [
  'InvalidInput',
  'NotFound',
  'Conflict',
  'Invalid',
  'Forbidden',
  'InvalidMessage',
  'NothingToCancel',
  'ApprovalRefused',
] as const;

export type WorkshopFailureType = (typeof workshopFailureTypes)[number];
/** The closed list of failure types that a run of the deployment room can end with (specs: deployment, section 14). */
export const deploymentFailureTypes = [
  'InvalidInput',
  'AccessDenied',
  'KubernetesRefused',
  'RolloutInProgress',
  'ScopeBusy',
  'ScopeNotReady',
  'BlueMissing',
  'LeftoverRollout',
  'BalancerDrift',
  'NoCapacity',
  'BalancerMissing',
  'BalancerUnreadable',
  'InstancesNotReady',
  'CertificateMissing',
  'ControllerRefused',
  'GroupBroken',
  'RouteNotAccepted',
  'NotConverged',
  'TargetsUnhealthy',
  'ObjectMissing',
  'RemovalTimeout',
  'InstanceMissing',
  'NotThisScopesInstance',
  'CompensationIncomplete',
] as const;

export type DeploymentFailureType = (typeof deploymentFailureTypes)[number];

/** Types of retryable attempts: they are seen on pending activities, never as the end of a run. */
export const attemptFailureTypes = ['NotYet', 'AwsRetry', 'KubernetesRetry', 'DatabaseRetry', 'Unknown'] as const;

export type AttemptFailureType = (typeof attemptFailureTypes)[number];

/** One wrong field of an input. `path` is dotted, for example `slugs.scope`; empty when the input as a whole is wrong. */
export interface InvalidField {
  path: string;
  message: string;
}

/** What a failure says to people (`message`) and to machines (`details`); `type` is from a closed list. */
export interface Failure {
  type: string;
  message: string;
  details?: Record<string, unknown>;
}

/** Every type that a run of Groundwork can end with. */
export type RunFailureType = ScopeFailureType | DeploymentFailureType | IpFailureType | WorkshopFailureType;
