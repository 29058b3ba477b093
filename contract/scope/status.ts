import type { Failure } from '../failures.ts';
import type { DnsType, Scheme, Visibility } from './input.ts';

export const scopePhases = [
  'Validating',
  'Placing',
  'Provisioning',
  'Dns',
  'Removing',
  'Done',
  'Compensating',
  'Failed',
  'Cancelled',
] as const;

/** Value of the search attribute `Phase`. `Removing` belongs to `scopeDeletion` only. */
export type ScopePhase = (typeof scopePhases)[number];

export type BalancerOrigin = 'declared' | 'autocreated';

/** Something that deserves a look but did not stop the run. `code` is CamelCase and stable. */
export interface Warning {
  code: string;
  message: string;
}

/** Load of one candidate: what AWS shows plus what is placed there and not yet visible. */
export interface CandidateLoad {
  name: string;
  origin: BalancerOrigin;
  /** State seen in AWS; `absent` and `unreadable` are different things. */
  state: 'provisioning' | 'active' | 'active_impaired' | 'failed' | 'absent' | 'unreadable';
  rules: number;
  maxRules: number;
  targetGroups: number;
  maxTargetGroups: number;
  listeners: number;
  maxListeners: number;
  /** Present when certificates are judged, that is when a host lies outside the base domain. */
  certificates?: number;
  maxCertificates?: number;
  hasRoom: boolean;
  /** Why it is not a candidate, or which threshold it would cross; absent when it has room. */
  reason?: string;
}

export interface DnsRecordStatus {
  /** Hosted zone; with external-dns the DNSEndpoint, as `<namespace>/<name>`. */
  zoneId: string;
  name: string;
  type: 'A' | 'CNAME';
  target: string;
  state: 'planned' | 'pending' | 'in-sync' | 'removed' | 'deferred';
  origin?: 'made' | 'adopted';
}

/** What a run waits for just now. Times are ISO 8601 in UTC. */
export interface WaitingFor {
  what: string;
  since: string;
  until?: string;
  lastSeen?: string;
}

export interface PlacedBalancer {
  name: string;
  origin: BalancerOrigin;
  state: string;
  /** Whether this run made the balancer; a run that shares one made by another `joined` it. */
  created: boolean;
  arn?: string;
  dnsName?: string;
}

/** Answer of the query `getStatus`, and the last status kept in the ledger. */
export interface ScopeStatus {
  scopeId: string;
  kind: 'creation' | 'deletion' | 'plan';
  phase: ScopePhase;
  /** SHA-256 of the accepted input: a caller that joins an open run compares it with its own. */
  inputDigest?: string;
  hosts: string[];
  domain?: string;
  visibility?: Visibility;
  balancer?: PlacedBalancer;
  candidates: CandidateLoad[];
  reason?: string;
  dns: DnsRecordStatus[];
  waitingFor?: WaitingFor;
  /** What this run made, in order, in words. */
  made: string[];
  warnings: Warning[];
  failure?: Failure;
}

export interface BalancerResult {
  name: string;
  arn?: string;
  dnsName?: string;
  canonicalHostedZoneId?: string;
  region: string;
  scheme: Scheme;
  origin: BalancerOrigin;
  created: boolean;
}

export interface ScopeCreationResult {
  scopeId: string;
  domain: string;
  hosts: string[];
  balancer: BalancerResult;
  dns: DnsRecordStatus[];
  /** What a repeated creation had to restore; empty when everything was as it should be. */
  repaired: string[];
  warnings: Warning[];
}

/** Result of a dry run. */
export interface ScopePlan {
  scopeId: string;
  dryRun: true;
  domain: string;
  hosts: string[];
  dnsType: DnsType;
  balancer: { name: string; origin: BalancerOrigin; wouldBeCreated: boolean };
  reason: string;
  candidates: CandidateLoad[];
  dns: DnsRecordStatus[];
  /** Objects that would be applied, as `Kind namespace/name`. */
  kubernetesObjects: string[];
  warnings: Warning[];
}

export interface ScopeDeletionResult {
  scopeId: string;
  removed: string[];
  absent: string[];
  warnings: Warning[];
}
