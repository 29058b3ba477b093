import type { IpPoolChangeKind } from './change.ts';
import type { ReclaimPolicy } from './claim.ts';
import type { IpFamily, IpPool, PoolRef } from './pool.ts';

/** Reading: pools, claims, allocations, events, the map of a pool, and the proof that a pool is sound. */

/** Of the owner; with a pool of its own, of everybody in it. */
export interface HeldFilter {
  namespace?: string | undefined;
  name?: string | undefined;
  pool?: PoolRef | undefined;
  after?: string | undefined;
  limit?: number | undefined;
}

export type IpInventoryQuery =
  /** `after`: the `next` of the page before. Pools of the owner, and with `granted` those shared with it. */
  | { kind: 'pools'; granted?: boolean | undefined; after?: string | undefined; limit?: number | undefined }
  | { kind: 'pool'; pool: PoolRef }
  | ({ kind: 'claims' } & HeldFilter)
  | ({ kind: 'allocations' } & HeldFilter)
  /** Newest first. `cidr`: of every block that overlaps it. */
  | {
      kind: 'events';
      cidr?: string | undefined;
      pool?: PoolRef | undefined;
      after?: string | undefined;
      limit?: number | undefined;
    }
  | { kind: 'blocks'; pool: PoolRef; cells?: number | undefined }
  /** Without a pool: every pool of the owner. */
  | { kind: 'verify'; pool?: PoolRef | undefined };

export interface IpInventoryInput {
  owner: string;
  query: IpInventoryQuery;
}

/** `Pending` claims are runs, not rows: they are listed by Temporal. */
export const ipClaimRowPhases = ['Bound', 'Retained'] as const;

/** A claim as it is. Times are ISO 8601 in UTC. */
export interface IpClaim {
  owner: string;
  namespace: string;
  name: string;
  uid: string;
  phase: (typeof ipClaimRowPhases)[number];
  allocatedCIDR: string;
  boundAllocationRef: { name: string };
  ipFamily: IpFamily;
  prefixLength: number;
  pool: { owner: string; name: string };
  reclaimPolicy: ReclaimPolicy;
  /** Members of the batch that it was claimed in; absent for a claim made or imported alone. */
  batchCount?: number;
  createdAt: string;
  expiresAt?: string;
  retainedAt?: string;
}

/** The same row seen as the block that a claim holds. */
export interface IpAllocation {
  name: string;
  namespace: string;
  owner: string;
  poolRef: { name: string; owner: string };
  allocatedCIDR: string;
  phase: 'Ready';
  claimRef: { namespace: string; name: string; uid: string };
}

export interface IpEvent {
  id: string;
  at: string;
  kind: string;
  pool?: string;
  uid?: string;
  owner?: string;
  namespace?: string;
  name?: string;
  cidr?: string;
  actor?: string;
  workflowId?: string;
  reason?: string;
  detail?: unknown;
}

/** Share of a cell that is in each state, 0 to 1. */
export interface CellShares {
  free: number;
  claims: number;
  children: number;
  reserved: number;
  retained: number;
  cooling: number;
}

/** One of the equal parts that a map cuts a pool into. */
export interface MapCell {
  cidr: string;
  shares: CellShares;
  /** Who holds it, when one block covers the whole cell or is all that is in it; `others` counts what is not named. */
  holder?: string;
  others?: number;
}

export interface IpPoolMap {
  pool: IpPool;
  /** Prefix length of one cell. */
  cellPrefixLength: number;
  cells: MapCell[];
}

/** One thing that is wrong with a pool. */
export interface IpProblem {
  pool: string;
  problem: string;
  cidr?: string;
  detail?: string;
}

export type IpInventoryResult =
  | { kind: 'pools'; pools: IpPool[]; next?: string }
  | { kind: 'pool'; pool: IpPool; grants?: string[]; children: string[] }
  | { kind: 'claims'; claims: IpClaim[]; next?: string }
  | { kind: 'allocations'; allocations: IpAllocation[]; next?: string }
  | { kind: 'events'; events: IpEvent[]; next?: string }
  | { kind: 'blocks'; map: IpPoolMap }
  | { kind: 'verify'; verified: string[]; problems: IpProblem[] };

/** What one pass of the sweep did; zeros mean that it ran and had nothing to do. */
export interface IpSweepReport {
  pools: number;
  candidates: number;
  expired: number;
  coolingEnded: number;
  marked: number;
  released: number;
  /** Retained blocks that no retention ends. */
  withoutRetention: number;
  /** Rows and whole pools that somebody else held; the next pass takes them. */
  skippedLocked: number;
  /** Pools that could not be swept: the run fails and names them. */
  failedPools: number;
  waitersDropped: number;
  eventsDropped: number;
  /** Claims that were told of new room. */
  signalled: number;
}

/** Answer of the query `getStatus` of every run of the room but `ipClaim`. */
export interface IpRunStatus {
  kind: 'release' | 'renewal' | 'pool-creation' | 'pool-deletion' | 'pool-change' | 'inventory' | 'sweep';
  /** What it is about, in words. */
  subject: string;
  phase: (typeof ipRunPhases)[number];
  change?: IpPoolChangeKind;
  failure?: { type: string; message: string; details?: Record<string, unknown> };
  report?: IpSweepReport;
}

/** Value of the search attribute `Phase` of every run of the room but `ipClaim`. */
export const ipRunPhases = ['Working', 'Done', 'Failed'] as const;
