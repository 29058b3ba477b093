import type { Failure, InvalidField, RunFailureType } from '../contract/failures.ts';
import { httpStatusOf } from './http-status.ts';

/**
 * Errors of the client. Each documented failure of a run is a class of its own, so a caller may write
 * `error instanceof HostConflict` or switch on `error.type`.
 */

export type Details = Readonly<Record<string, unknown>>;

/** Types of the errors that the client itself finds, beside the failure types of the runs. */
export const clientErrorTypes = [
  'NotFound',
  'Unavailable',
  'OutcomeUnknown',
  'NothingToRetry',
  'NothingToCancel',
  'MessageRefused',
  'SetupMissing',
  'Misconfigured',
  'RunCancelled',
  'RunTerminated',
  'RunTimedOut',
] as const;

export type ClientErrorType = (typeof clientErrorTypes)[number];

/** Types after which the same request, repeated as it is, may well succeed. */
const RETRYABLE: ReadonlySet<string> = new Set<RunFailureType | ClientErrorType>([
  'Conflict',
  'RolloutInProgress',
  'ScopeBusy',
  'BalancerUnreadable',
  'BalancerFailed',
  'BalancerTimeout',
  'DnsTimeout',
  'Busy',
  'Unavailable',
  'OutcomeUnknown',
]);

/** Any failure of a request. `message` says what happened, with which value, and what to do; `details` is the machine's copy. */
export class GroundworkError<Type extends string = string> extends Error {
  readonly type: Type;
  readonly details: Details;
  /** Whether the same request, repeated as it is, may well succeed. */
  readonly retryable: boolean;
  /** The HTTP status that a platform API answers with. */
  readonly httpStatus: number;

  constructor(type: Type, message: string, details: Details = {}, options?: ErrorOptions) {
    super(message, options);
    this.name = type;
    this.type = type;
    this.details = details;
    this.retryable = RETRYABLE.has(type);
    this.httpStatus = httpStatusOf(type);
  }

  /** As in a status, for logs and answers. */
  toJSON(): Failure {
    return { type: this.type, message: this.message, details: { ...this.details } };
  }
}

const ofType = <Type extends string>(type: Type) =>
  class extends GroundworkError<Type> {
    constructor(message: string, details: Details = {}, options?: ErrorOptions) {
      super(type, message, details, options);
    }
  };

/** Fields are wrong; nothing was started, or the run ended at once and nothing was done. */
export class InvalidInput extends ofType('InvalidInput') {
  get fields(): readonly InvalidField[] {
    const { fields } = this.details;
    return Array.isArray(fields) ? (fields as InvalidField[]) : [];
  }

  static of(fields: readonly InvalidField[]): InvalidInput {
    const message = fields.map(({ path, message }) => (path === '' ? message : `${path}: ${message}`)).join('; ');
    return new InvalidInput(message, { fields });
  }
}
/** Another run holds the scope. */
export class ScopeBusy extends ofType('ScopeBusy') {}
/** The scope, or the open run that a request joined, has other values than the request. */
export class ScopeMismatch extends ofType('ScopeMismatch') {}
/** A host belongs to another live scope. */
export class HostConflict extends ofType('HostConflict') {}
export class NamespaceMissing extends ofType('NamespaceMissing') {}
/** Every candidate is full. */
export class NoCapacity extends ofType('NoCapacity') {}
export class BalancerMissing extends ofType('BalancerMissing') {}
export class BalancerUnreadable extends ofType('BalancerUnreadable') {}
export class CertificateMissing extends ofType('CertificateMissing') {}
export class BalancerQuotaExceeded extends ofType('BalancerQuotaExceeded') {}
export class BalancerNameConflict extends ofType('BalancerNameConflict') {}
export class BalancerFailed extends ofType('BalancerFailed') {}
export class BalancerTimeout extends ofType('BalancerTimeout') {}
export class DnsZoneMissing extends ofType('DnsZoneMissing') {}
export class DnsRefused extends ofType('DnsRefused') {}
export class DnsTimeout extends ofType('DnsTimeout') {}
export class DnsRecordConflict extends ofType('DnsRecordConflict') {}
/** Deletion of a scope that still has objects or an open rollout. */
export class DeploymentLive extends ofType('DeploymentLive') {}
/** A permission is missing: the worker's in AWS or Kubernetes, or the caller's in Temporal. */
export class AccessDenied extends ofType('AccessDenied') {}
export class KubernetesRefused extends ofType('KubernetesRefused') {}
/** The run failed or was cancelled, and what `details.leftovers` lists could not be undone. */
export class CompensationIncomplete extends ofType('CompensationIncomplete') {}

/** A block length that the pool does not give, or a block outside of it. */
export class OutOfBounds extends ofType('OutOfBounds') {}
/** The pool is another owner's and not shared with this one, or Kubernetes denies a call to the worker. */
export class Forbidden extends ofType('Forbidden') {}
/** The claim, or the block that it asks for, is held otherwise; `details.reason` says how. */
export class ClaimConflict extends ofType('ClaimConflict') {}
/** A pool of that name exists with another spec. */
export class PoolConflict extends ofType('PoolConflict') {}
/** Deletion of a pool that holds something; `details` counts what. */
export class PoolInUse extends ofType('PoolInUse') {}
export class PoolOverlap extends ofType('PoolOverlap') {}
/** No free block of that length; after waiting, too, when the claim waited. */
export class PoolExhausted extends ofType('PoolExhausted') {}
/** Nothing was done; the same request may be repeated after `details.retryAfterSeconds`. */
export class Busy extends ofType('Busy') {}
/** A bug of the allocator; nothing was changed. */
export class Internal extends ofType('Internal') {}

/** A message to an autoscaler that makes no sense; the message says which field. */
export class InvalidMessage extends ofType('InvalidMessage') {}
/** Nothing waits for approval, or another operation does. */
export class ApprovalRefused extends ofType('ApprovalRefused') {}
/** Kubernetes refuses an object of the worker. */
export class Invalid extends ofType('Invalid') {}
/** Somebody else changed the object at the same time. */
export class Conflict extends ofType('Conflict') {}

/** Another rollout, or a deletion, holds the scope; `details` names deployment, phase and run. */
export class RolloutInProgress extends ofType('RolloutInProgress') {}
/** The scope's creation is unfinished. */
export class ScopeNotReady extends ofType('ScopeNotReady') {}
/** `currentDeploymentId` is not what serves. */
export class BlueMissing extends ofType('BlueMissing') {}
/** A third deployment has traffic: its rollout was never ended. */
export class LeftoverRollout extends ofType('LeftoverRollout') {}
/** Ledger, Ingress and DNS alias name different balancers. */
export class BalancerDrift extends ofType('BalancerDrift') {}
/** The new version's instances did not become ready; `details` say why. */
export class InstancesNotReady extends ofType('InstancesNotReady') {}
export class ControllerRefused extends ofType('ControllerRefused') {}
/** Another Ingress breaks the balancer's group. */
export class GroupBroken extends ofType('GroupBroken') {}
export class RouteNotAccepted extends ofType('RouteNotAccepted') {}
/** The balancer did not do in time what the Ingresses say. */
export class NotConverged extends ofType('NotConverged') {}
export class TargetsUnhealthy extends ofType('TargetsUnhealthy') {}
/** Somebody removes what the rollout needs. */
export class ObjectMissing extends ofType('ObjectMissing') {}
export class RemovalTimeout extends ofType('RemovalTimeout') {}
export class InstanceMissing extends ofType('InstanceMissing') {}
export class NotThisScopesInstance extends ofType('NotThisScopesInstance') {}

/** There is no such run, pool, claim or provision. */
export class NotFound extends ofType('NotFound') {}
/** Temporal or the workers do not answer; nothing is known to have happened, and repeating the request is harmless. */
export class Unavailable extends ofType('Unavailable') {}
/** The deadline passed or the connection broke while the run, if there is one, goes on. Ask again, or repeat the request: it joins. */
export class OutcomeUnknown extends ofType('OutcomeUnknown') {}
/** `retryNow` of a run that waits for nothing. */
export class NothingToRetry extends ofType('NothingToRetry') {}
/** `cancelWait` of a claim that does not wait, or `cancelOperation` where none is under way. */
export class NothingToCancel extends ofType('NothingToCancel') {}
/** The rollout is not in a state for this message; the words say why. */
export class MessageRefused extends ofType('MessageRefused') {}
/** The Temporal namespace lacks what `groundwork setup` registers. */
export class SetupMissing extends ofType('SetupMissing') {}
/** Where Temporal is cannot be read: a profile that does not exist, or a file that is none. */
export class Misconfigured extends ofType('Misconfigured') {}
/** Somebody cancelled the run: a creation of a scope or a rollout has removed what it had made, of any other stands what it had done. */
export class RunCancelled extends ofType('RunCancelled') {}
/** Somebody terminated the run: nothing was undone. */
export class RunTerminated extends ofType('RunTerminated') {}
/** The run's own time limit, set by who started it, ended it: nothing was undone. */
export class RunTimedOut extends ofType('RunTimedOut') {}

type FailureClass = new (message: string, details?: Details, options?: ErrorOptions) => GroundworkError;

const classes: Readonly<Record<RunFailureType | ClientErrorType, FailureClass>> = {
  InvalidInput,
  ScopeBusy,
  ScopeMismatch,
  HostConflict,
  NamespaceMissing,
  NoCapacity,
  BalancerMissing,
  BalancerUnreadable,
  CertificateMissing,
  BalancerQuotaExceeded,
  BalancerNameConflict,
  BalancerFailed,
  BalancerTimeout,
  DnsZoneMissing,
  DnsRefused,
  DnsTimeout,
  DnsRecordConflict,
  DeploymentLive,
  AccessDenied,
  KubernetesRefused,
  CompensationIncomplete,
  OutOfBounds,
  Forbidden,
  ClaimConflict,
  PoolConflict,
  PoolInUse,
  PoolOverlap,
  PoolExhausted,
  Busy,
  Internal,
  InvalidMessage,
  ApprovalRefused,
  Invalid,
  Conflict,
  RolloutInProgress,
  ScopeNotReady,
  BlueMissing,
  LeftoverRollout,
  BalancerDrift,
  InstancesNotReady,
  ControllerRefused,
  GroupBroken,
  RouteNotAccepted,
  NotConverged,
  TargetsUnhealthy,
  ObjectMissing,
  RemovalTimeout,
  InstanceMissing,
  NotThisScopesInstance,
  NotFound,
  Unavailable,
  OutcomeUnknown,
  NothingToRetry,
  NothingToCancel,
  MessageRefused,
  SetupMissing,
  Misconfigured,
  RunCancelled,
  RunTerminated,
  RunTimedOut,
};

/** The error of a failure type; one that this version does not know is a plain `GroundworkError` with that type. */
export function errorOf(failure: Failure, options?: ErrorOptions): GroundworkError {
  const { type, message, details } = failure;
  if (!Object.hasOwn(classes, type)) return new GroundworkError(type, message, details, options);
  return new classes[type as keyof typeof classes](message, details, options);
}
