import type { RunFailureType } from '../../contract/failures.ts';
import type { ClientErrorType } from '../errors.ts';

/** The one table of exit codes of the `groundwork` command. */
export const exitCodes = {
  done: 0,
  unexpected: 1,
  usage: 2,
  notFound: 3,
  invalidInput: 4,
  conflict: 5,
  forbidden: 6,
  noCapacity: 7,
  unavailable: 8,
  unknown: 9,
  interrupted: 130,
} as const;

export type ExitName = keyof typeof exitCodes;

const meanings: Readonly<Record<ExitName, string>> = {
  done: 'done',
  unexpected: 'unexpected',
  usage: 'wrong usage or configuration',
  notFound: 'not found',
  invalidInput: 'invalid input',
  conflict: 'conflict',
  forbidden: 'forbidden',
  noCapacity: 'no capacity',
  unavailable: 'busy or unavailable: repeat later',
  unknown: 'outcome unknown: ask for the status',
  interrupted: 'Ctrl-C: the watching stopped, the run goes on',
};

/** What a failure of each type exits with; none is left out, or this does not compile. */
export const exitNames: Readonly<Record<RunFailureType | ClientErrorType, ExitName>> = {
  Misconfigured: 'usage',
  InvalidInput: 'invalidInput',
  KubernetesRefused: 'invalidInput',
  InvalidMessage: 'invalidInput',
  Invalid: 'invalidInput',
  NotFound: 'notFound',
  SetupMissing: 'notFound',
  NamespaceMissing: 'notFound',
  BalancerMissing: 'notFound',
  CertificateMissing: 'notFound',
  DnsZoneMissing: 'notFound',
  ScopeMismatch: 'conflict',
  HostConflict: 'conflict',
  BalancerNameConflict: 'conflict',
  DnsRefused: 'conflict',
  DnsRecordConflict: 'conflict',
  DeploymentLive: 'conflict',
  NothingToRetry: 'conflict',
  NothingToCancel: 'conflict',
  OutOfBounds: 'invalidInput',
  ClaimConflict: 'conflict',
  PoolConflict: 'conflict',
  PoolInUse: 'conflict',
  PoolOverlap: 'conflict',
  PoolExhausted: 'noCapacity',
  Busy: 'unavailable',
  Internal: 'unexpected',
  ApprovalRefused: 'conflict',
  Conflict: 'conflict',
  MessageRefused: 'conflict',
  BlueMissing: 'conflict',
  LeftoverRollout: 'conflict',
  BalancerDrift: 'conflict',
  NotThisScopesInstance: 'conflict',
  InstanceMissing: 'notFound',
  RolloutInProgress: 'unavailable',
  ScopeNotReady: 'unavailable',
  InstancesNotReady: 'unexpected',
  ControllerRefused: 'unexpected',
  GroupBroken: 'unexpected',
  RouteNotAccepted: 'unexpected',
  NotConverged: 'unexpected',
  TargetsUnhealthy: 'unexpected',
  ObjectMissing: 'unexpected',
  RemovalTimeout: 'unexpected',
  AccessDenied: 'forbidden',
  Forbidden: 'forbidden',
  NoCapacity: 'noCapacity',
  BalancerQuotaExceeded: 'noCapacity',
  ScopeBusy: 'unavailable',
  BalancerUnreadable: 'unavailable',
  BalancerFailed: 'unavailable',
  BalancerTimeout: 'unavailable',
  DnsTimeout: 'unavailable',
  Unavailable: 'unavailable',
  OutcomeUnknown: 'unknown',
  RunTerminated: 'unknown',
  RunTimedOut: 'unknown',
  RunCancelled: 'unexpected',
  CompensationIncomplete: 'unexpected',
};

/** The exit code of a failure type; 1 for one that is not documented. */
export function exitCodeOf(type: string): number {
  return exitCodes[exitNameOf(type)];
}

/** Its name in the table above. */
export function exitNameOf(type: string): ExitName {
  return Object.hasOwn(exitNames, type) ? exitNames[type as keyof typeof exitNames] : 'unexpected';
}

/** `groundwork help exit-codes`. */
export function exitCodeTable(): string {
  const types = Object.keys(exitNames) as (keyof typeof exitNames)[];
  const rows = (Object.keys(exitCodes) as ExitName[]).map((name) => {
    const own = types.filter((type) => exitNames[type] === name).join(', ');
    return `${String(exitCodes[name]).padStart(3)}  ${meanings[name]}${own === '' ? '' : `\n     ${own}`}`;
  });
  return `Exit codes, with the failure types that lead to them:\n\n${rows.join('\n')}\n`;
}
