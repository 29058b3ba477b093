/** Pools: a CIDR that is given out in aligned blocks. Inputs as a caller sends them; the worker fills in defaults. */

export const ipFamilies = ['IPv4', 'IPv6'] as const;
export type IpFamily = (typeof ipFamilies)[number];

export const ipStrategies = ['FirstFit', 'BestFit', 'LeastUtilized', 'Sparse'] as const;
export type IpStrategy = (typeof ipStrategies)[number];

export const ipVisibilities = ['platform', 'consumer', 'shared'] as const;
export type IpVisibility = (typeof ipVisibilities)[number];

/** A pool by name; without `projectRef` it is looked for among the asking owner's own pools. */
export interface PoolRef {
  name: string;
  projectRef?: { name: string } | undefined;
}

/** Which blocks a pool gives out. A small prefix length is a big block. */
export interface AllocationRules {
  minPrefixLength?: number | undefined;
  maxPrefixLength?: number | undefined;
  strategy?: IpStrategy | undefined;
}

/** Blocks that are never given out: `leading` and `trailing` units at the edges, and ranges (`CIDR` or `first-last`). */
export interface Reservations {
  /** Default: the pool's `maxPrefixLength`. */
  unitPrefixLength?: number | undefined;
  leading?: number | undefined;
  trailing?: number | undefined;
  ranges?: string[] | undefined;
}

/** A root names `cidr` and `ipFamily`; a child names `parentPoolRef` and `prefixLength`. */
export interface IpPoolSpec {
  cidr?: string | undefined;
  ipFamily?: IpFamily | undefined;
  parentPoolRef?: PoolRef | undefined;
  prefixLength?: number | undefined;
  /** A specific block of the parent. */
  requestedCIDR?: string | undefined;
  allocation?: AllocationRules | undefined;
  visibility?: IpVisibility | undefined;
  /** 0 to 172800; default is the worker's setting. */
  cooldownSeconds?: number | undefined;
  /** Absent: retained blocks are kept for ever. */
  retentionSeconds?: number | undefined;
  reservations?: Reservations | undefined;
  /** Whether this root may overlap another root of its owner. */
  allowOverlap?: boolean | undefined;
}

export interface IpPoolCreationInput {
  owner: string;
  /** Person or program on whose word this is done, for the audit; at most 200 characters. */
  actor?: string | undefined;
  name: string;
  labels?: Record<string, string> | undefined;
  spec: IpPoolSpec;
}

export interface IpPoolDeletionInput {
  owner: string;
  actor?: string | undefined;
  name: string;
}

/** Addresses as decimal strings: an IPv6 pool has more than a JSON number can say. */
export interface Capacity {
  total: string;
  allocated: string;
  available: string;
}

/** What the allocated addresses are; they add up to `capacity.allocated`. */
export interface CapacityBreakdown {
  claims: string;
  children: string;
  reserved: string;
  retained: string;
  cooling: string;
}

/** `Pending` and `Error` are accepted from a mapping and never written. */
export const ipPoolPhases = ['Ready', 'Exhausted', 'Pending', 'Error'] as const;
export type IpPoolPhase = (typeof ipPoolPhases)[number];

export interface IpPoolStatus {
  phase: IpPoolPhase;
  allocatedCIDR: string;
  capacity: Capacity;
  /** allocated / total x 100, rounded half away from zero to 4 decimals. */
  utilizationPercent: number;
  breakdown: CapacityBreakdown;
  /** Prefix length of the largest free block; null when nothing is free. */
  largestFreePrefix: number | null;
  freeBlocks: number;
}

/** A pool as it is. `spec` has every default filled in. */
export interface IpPool {
  owner: string;
  name: string;
  labels: Record<string, string>;
  /** 0 for a root. */
  depth: number;
  ipFamily: IpFamily;
  parentPoolRef?: { name: string; owner: string };
  allocation: { minPrefixLength: number; maxPrefixLength: number; strategy: IpStrategy };
  visibility: IpVisibility;
  cooldownSeconds: number;
  retentionSeconds?: number;
  allowOverlap: boolean;
  /** ISO 8601 in UTC. */
  createdAt: string;
  status: IpPoolStatus;
}

export interface IpPoolCreationResult {
  pool: IpPool;
  /** Whether the pool was there already, with the same spec. */
  replayed: boolean;
  /** SHA-256 of the normalised spec: a caller that joined an open run compares it with its own. */
  specHash: string;
}

export interface IpPoolDeletionResult {
  owner: string;
  name: string;
  /** False when there was no such pool. */
  deleted: boolean;
  allocatedCIDR?: string;
}
