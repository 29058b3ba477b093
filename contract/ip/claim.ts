import type { Failure } from '../failures.ts';
import type { IpFamily, PoolRef } from './pool.ts';

/** Claims: a request for one block (or a batch of equal blocks), and the right to it. */

export const reclaimPolicies = ['Delete', 'Retain'] as const;
export type ReclaimPolicy = (typeof reclaimPolicies)[number];

export const selectorOperators = ['In', 'NotIn', 'Exists', 'DoesNotExist'] as const;

/** As in Kubernetes; `NotIn` matches an absent key. */
export interface MatchExpression {
  key: string;
  operator: (typeof selectorOperators)[number];
  values?: string[] | undefined;
}

export interface PoolSelector {
  matchLabels?: Record<string, string> | undefined;
  matchExpressions?: MatchExpression[] | undefined;
  projectRef?: { name: string } | undefined;
}

export interface IpClaimSpec {
  ipFamily: IpFamily;
  /** 1 to 32 or 128; derived when `requestedCIDR` is given. */
  prefixLength?: number | undefined;
  poolRef?: PoolRef | undefined;
  poolSelector?: PoolSelector | undefined;
  /** A specific block, without host bits. */
  requestedCIDR?: string | undefined;
  /** 1 to 256, default 1. Two or more: a batch with members `<name>-0` and so on. */
  count?: number | undefined;
  reclaimPolicy?: ReclaimPolicy | undefined;
  /** Length of the lease; absent: none. */
  ttlSeconds?: number | undefined;
}

export interface IpClaimInput {
  /** Tenant on whose behalf the claim is made; authenticated by whoever starts the run. */
  owner: string;
  actor?: string | undefined;
  namespace: string;
  name: string;
  spec: IpClaimSpec;
  /** Seconds to wait for capacity, 0 (default) to 3600. */
  waitSeconds?: number | undefined;
  /** Only say which block would be given. */
  dryRun?: boolean | undefined;
  /** `update`: do nothing until the update `claim` arrives. Default `result`. */
  answer?: 'update' | 'result' | undefined;
}

/** One block that was given. */
export interface BoundClaim {
  namespace: string;
  name: string;
  /** Version 7 UUID of this life of the claim. */
  uid: string;
  allocatedCIDR: string;
  boundAllocationRef: { name: string };
  /** The same answer as an earlier request had; nothing was consumed. */
  replayed: boolean;
  /** A retained block came back to its claim. */
  rebound: boolean;
  /** ISO 8601 in UTC, of the database's clock. */
  expiresAt?: string;
}

/** Of a batch, the first member's block; `allocations` has all, in index order. */
export interface IpClaimAnswer extends BoundClaim {
  phase: 'Bound';
  owner: string;
  ipFamily: IpFamily;
  prefixLength: number;
  pool: { owner: string; name: string };
  reclaimPolicy: ReclaimPolicy;
  dryRun: boolean;
  requestHash: string;
  /** Present for a batch. */
  allocations?: BoundClaim[];
}

export const ipReleaseModes = ['Policy', 'Delete'] as const;

export interface IpReleaseInput {
  owner: string;
  actor?: string | undefined;
  /** Of the life that is to end: a late release never frees what a later life holds. */
  uid: string;
  /** `Policy` (default) follows the claim's reclaim policy, `Delete` frees also a retained block. */
  mode?: (typeof ipReleaseModes)[number] | undefined;
}

export const ipReleaseOutcomes = ['released', 'cooling', 'retained', 'already', 'unknown'] as const;

export interface IpReleaseResult {
  uid: string;
  /** `already`: that life had ended before. `unknown`: the owner never had such a claim. */
  outcome: (typeof ipReleaseOutcomes)[number];
  /** What was released; absent for `already` and `unknown`. */
  claim?: { namespace: string; name: string; allocatedCIDR: string; pool: { owner: string; name: string } };
}

export interface IpRenewalInput {
  owner: string;
  actor?: string | undefined;
  uid: string;
  /** Seconds from now; default is the claim's own. */
  ttlSeconds?: number | undefined;
}

export interface IpRenewalResult {
  uid: string;
  expiresAt: string;
}

export const ipClaimPhases = ['Claiming', 'WaitingForCapacity', 'Bound', 'Refused', 'Abandoned'] as const;
/** Value of the search attribute `Phase` of `ipClaim`. */
export type IpClaimPhase = (typeof ipClaimPhases)[number];

/** The wait of a claim for room. Times are ISO 8601 in UTC. */
export interface CapacityWait {
  /** Pools that are waited for. */
  pools: string[];
  prefixLength: number;
  blocks: number;
  tries: number;
  since: string;
  until: string;
}

/** Answer of the query `getStatus` of `ipClaim`. */
export interface IpClaimStatus {
  owner: string;
  namespace: string;
  name: string;
  phase: IpClaimPhase;
  wait?: CapacityWait;
  answer?: IpClaimAnswer;
  failure?: Failure;
}

/** Result of a run whose update never came: nothing was claimed. */
export interface IpClaimAbandoned {
  phase: 'Abandoned';
  owner: string;
  namespace: string;
  name: string;
}
