import type { BalancerOrigin, CandidateLoad, WaitingFor } from './status.ts';

/** What `balancerRetirement` and `balancerInventory` answer. */

export const retirementPhases = ['Releasing', 'Retiring', 'Reporting', 'Done', 'Failed', 'Cancelled'] as const;

/** Value of the search attribute `Phase` of a retirement. */
export type RetirementPhase = (typeof retirementPhases)[number];

/** A balancer, scope or zone that could not be dealt with; the next run tries again. */
export interface Trouble {
  what: string;
  message: string;
}

export interface RetirementResult {
  /** Balancers that are gone now. */
  retired: string[];
  /** Idle balancers that stay, and why. */
  kept: { balancer: string; reason: string }[];
  /** What ended runs had left and is undone now, in words. */
  released: string[];
  /** How many deviations stand in the ledger after this run. */
  drift: number;
  troubles: Trouble[];
}

/** Answer of the query `getStatus` of a retirement. */
export interface RetirementStatus extends RetirementResult {
  phase: RetirementPhase;
  waitingFor?: WaitingFor;
}

export const driftKinds = [
  'untracked-balancer',
  'missing-balancer',
  'missing-keeper',
  'host-elsewhere',
  'record-elsewhere',
  'record-missing',
] as const;

export type DriftKind = (typeof driftKinds)[number];

/** One way in which AWS, DNS or the cluster deviate from the ledger. Nothing repairs it unasked. */
export interface Drift {
  kind: DriftKind;
  /** The balancer, host or record that it is about. */
  subject: string;
  /** What was found, what the ledger says, and what to do. */
  message: string;
}

export interface DriftReport {
  /** When each region and zone was compared last, in ISO 8601; empty before the first retirement run. */
  checked: { source: string; at: string }[];
  /** `since`: when it was first found. */
  drift: (Drift & { since: string })[];
}

/** A balancer of the ledger with what stands on it. */
export interface BalancerEntry {
  account: string;
  region: string;
  name: string;
  scheme: 'internet-facing' | 'internal';
  origin: BalancerOrigin;
  /** In the ledger: reserved, provisioning, active, failed, retiring or retired. */
  state: string;
  arn?: string;
  dnsName?: string;
  createdForScope?: string;
  /** Since when nobody is placed on it. */
  idleSince?: string;
  /** What AWS showed last plus what is placed and not yet visible, against the worker's thresholds. */
  load: CandidateLoad;
  /** When AWS was read; absent: never yet. */
  observedAt?: string;
  placements: { scopeId: string; state: 'reserved' | 'bound'; hosts: string[] }[];
  records: {
    zoneId: string;
    name: string;
    type: string;
    target: string;
    origin: 'made' | 'adopted';
    scopeId: string;
  }[];
}

/** `page` is the opaque word of the previous page's `next`, or absent for the first. */
export interface InventoryInput {
  what: 'balancers' | 'drift';
  page?: string;
}

export interface InventoryPage {
  balancers: BalancerEntry[];
  next?: string;
}
