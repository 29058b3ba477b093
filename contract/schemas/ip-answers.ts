import { z } from 'zod';
import { type IpImportReport, type IpPoolChangeResult, importConflictReasons } from '../ip/change.ts';
import {
  type IpClaimAbandoned,
  type IpClaimAnswer,
  type IpClaimStatus,
  type IpReleaseResult,
  type IpRenewalResult,
  ipClaimPhases,
  ipReleaseOutcomes,
  reclaimPolicies,
} from '../ip/claim.ts';
import {
  type IpInventoryResult,
  type IpPoolMap,
  type IpRunStatus,
  type IpSweepReport,
  ipClaimRowPhases,
  ipRunPhases,
} from '../ip/inventory.ts';
import { type IpPool, type IpPoolCreationResult, type IpPoolDeletionResult, ipPoolPhases } from '../ip/pool.ts';
import { ipFamily, strategy, visibility } from './parts/ip.ts';
import { failureSchema } from './scope-answers.ts';

/** What the IP room answers, for callers in other languages. Later versions may add fields: ignore what you do not know. */

const time = z.iso.datetime().describe('ISO 8601 in UTC');
const amount = z.string().regex(/^\d+$/).describe('Addresses, as a decimal string');
const count = z.int().min(0);
const named = z.object({ name: z.string() });
const ownPool = z.object({ owner: z.string(), name: z.string() });

const boundClaim = z.object({
  namespace: z.string(),
  name: z.string(),
  uid: z.string().describe('Version 7 UUID of this life of the claim'),
  allocatedCIDR: z.string(),
  boundAllocationRef: named,
  replayed: z.boolean().describe('The answer of an earlier request; nothing was consumed'),
  rebound: z.boolean().describe('A retained block came back to its claim'),
  expiresAt: time.exactOptional(),
});

export const ipClaimAnswerSchema = boundClaim
  .extend({
    phase: z.literal('Bound'),
    owner: z.string(),
    ipFamily,
    prefixLength: z.int(),
    pool: ownPool,
    reclaimPolicy: z.enum(reclaimPolicies),
    dryRun: z.boolean(),
    requestHash: z.string().describe('SHA-256 of the normalised spec'),
    allocations: z.array(boundClaim).exactOptional(),
  })
  .meta({ title: 'IpClaimAnswer' }) satisfies z.ZodType<IpClaimAnswer>;

export const ipClaimAbandonedSchema = z
  .object({ phase: z.literal('Abandoned'), owner: z.string(), namespace: z.string(), name: z.string() })
  .meta({ title: 'IpClaimAbandoned' }) satisfies z.ZodType<IpClaimAbandoned>;

const capacityWait = z.object({
  pools: z.array(z.string()),
  prefixLength: z.int(),
  blocks: z.int(),
  tries: count,
  since: time,
  until: time,
});

export const ipClaimStatusSchema = z
  .object({
    owner: z.string(),
    namespace: z.string(),
    name: z.string(),
    phase: z.enum(ipClaimPhases),
    wait: capacityWait.exactOptional(),
    answer: ipClaimAnswerSchema.exactOptional(),
    failure: failureSchema.exactOptional(),
  })
  .meta({ title: 'IpClaimStatus' }) satisfies z.ZodType<IpClaimStatus>;

export const ipReleaseResultSchema = z
  .object({
    uid: z.string(),
    outcome: z.enum(ipReleaseOutcomes),
    claim: z
      .object({ namespace: z.string(), name: z.string(), allocatedCIDR: z.string(), pool: ownPool })
      .exactOptional(),
  })
  .meta({ title: 'IpReleaseResult' }) satisfies z.ZodType<IpReleaseResult>;

export const ipRenewalResultSchema = z
  .object({ uid: z.string(), expiresAt: time })
  .meta({ title: 'IpRenewalResult' }) satisfies z.ZodType<IpRenewalResult>;

export const ipPoolSchema = z
  .object({
    owner: z.string(),
    name: z.string(),
    labels: z.record(z.string(), z.string()),
    depth: count.describe('0 for a root'),
    ipFamily,
    parentPoolRef: z.object({ name: z.string(), owner: z.string() }).exactOptional(),
    allocation: z.object({ minPrefixLength: z.int(), maxPrefixLength: z.int(), strategy }),
    visibility,
    cooldownSeconds: count,
    retentionSeconds: z.int().exactOptional(),
    allowOverlap: z.boolean(),
    createdAt: time,
    status: z.object({
      phase: z.enum(ipPoolPhases),
      allocatedCIDR: z.string(),
      capacity: z.object({ total: amount, allocated: amount, available: amount }),
      utilizationPercent: z.number(),
      breakdown: z.object({
        claims: amount,
        children: amount,
        reserved: amount,
        retained: amount,
        cooling: amount,
      }),
      largestFreePrefix: z.int().nullable(),
      freeBlocks: count,
    }),
  })
  .meta({ title: 'IpPool' }) satisfies z.ZodType<IpPool>;

export const ipPoolCreationResultSchema = z
  .object({ pool: ipPoolSchema, replayed: z.boolean(), specHash: z.string() })
  .meta({ title: 'IpPoolCreationResult' }) satisfies z.ZodType<IpPoolCreationResult>;

export const ipPoolDeletionResultSchema = z
  .object({ owner: z.string(), name: z.string(), deleted: z.boolean(), allocatedCIDR: z.string().exactOptional() })
  .meta({ title: 'IpPoolDeletionResult' }) satisfies z.ZodType<IpPoolDeletionResult>;

const importReport = z.object({
  imported: count,
  unchanged: count,
  conflicts: count,
  conflictList: z.array(z.object({ line: z.int(), reason: z.enum(importConflictReasons), message: z.string() })),
  atomic: z.boolean(),
  dryRun: z.boolean(),
}) satisfies z.ZodType<IpImportReport>;

export const ipPoolChangeResultSchema = z
  .object({
    kind: z.enum(['settings', 'reserve', 'unreserve', 'grant', 'revoke', 'import', 'rebuild']),
    pool: ipPoolSchema,
    changed: z.array(z.string()).describe('One line for each value that differs now: old => new'),
    import: importReport.exactOptional(),
  })
  .meta({ title: 'IpPoolChangeResult' }) satisfies z.ZodType<IpPoolChangeResult>;

const next = z.string().exactOptional().describe('`after` of the next page; absent on the last one');

const claim = z.object({
  owner: z.string(),
  namespace: z.string(),
  name: z.string(),
  uid: z.string(),
  phase: z.enum(ipClaimRowPhases),
  allocatedCIDR: z.string(),
  boundAllocationRef: named,
  ipFamily,
  prefixLength: z.int(),
  pool: ownPool,
  reclaimPolicy: z.enum(reclaimPolicies),
  batchCount: z.int().exactOptional().describe('Members of the batch that it was claimed in'),
  createdAt: time,
  expiresAt: time.exactOptional(),
  retainedAt: time.exactOptional(),
});

const allocation = z.object({
  name: z.string(),
  namespace: z.string(),
  owner: z.string(),
  poolRef: z.object({ name: z.string(), owner: z.string() }),
  allocatedCIDR: z.string(),
  phase: z.literal('Ready'),
  claimRef: z.object({ namespace: z.string(), name: z.string(), uid: z.string() }),
});

const event = z.object({
  id: z.string(),
  at: time,
  kind: z.string(),
  pool: z.string().exactOptional(),
  uid: z.string().exactOptional(),
  owner: z.string().exactOptional(),
  namespace: z.string().exactOptional(),
  name: z.string().exactOptional(),
  cidr: z.string().exactOptional(),
  actor: z.string().exactOptional(),
  workflowId: z.string().exactOptional(),
  reason: z.string().exactOptional(),
  detail: z.unknown(),
});

const share = z.number().min(0).max(1);

const poolMap = z.object({
  pool: ipPoolSchema,
  cellPrefixLength: z.int(),
  cells: z.array(
    z.object({
      cidr: z.string(),
      shares: z.object({
        free: share,
        claims: share,
        children: share,
        reserved: share,
        retained: share,
        cooling: share,
      }),
      holder: z.string().exactOptional(),
      others: count.exactOptional(),
    }),
  ),
}) satisfies z.ZodType<IpPoolMap>;

const problem = z.object({
  pool: z.string(),
  problem: z.string(),
  cidr: z.string().exactOptional(),
  detail: z.string().exactOptional(),
});

export const ipInventoryResultSchema = z
  .discriminatedUnion('kind', [
    z.object({ kind: z.literal('pools'), pools: z.array(ipPoolSchema), next }),
    z.object({
      kind: z.literal('pool'),
      pool: ipPoolSchema,
      grants: z.array(z.string()).exactOptional().describe('For the owner only'),
      children: z.array(z.string()),
    }),
    z.object({ kind: z.literal('claims'), claims: z.array(claim), next }),
    z.object({ kind: z.literal('allocations'), allocations: z.array(allocation), next }),
    z.object({ kind: z.literal('events'), events: z.array(event), next }),
    z.object({ kind: z.literal('blocks'), map: poolMap }),
    z.object({ kind: z.literal('verify'), verified: z.array(z.string()), problems: z.array(problem) }),
  ])
  .meta({ title: 'IpInventoryResult' }) satisfies z.ZodType<IpInventoryResult>;

export const ipSweepReportSchema = z
  .object({
    pools: count,
    candidates: count,
    expired: count,
    coolingEnded: count,
    marked: count,
    released: count,
    withoutRetention: count,
    skippedLocked: count,
    failedPools: count,
    waitersDropped: count,
    eventsDropped: count,
    signalled: count,
  })
  .meta({ title: 'IpSweepReport' }) satisfies z.ZodType<IpSweepReport>;

export const ipRunStatusSchema = z
  .object({
    kind: z.enum(['release', 'renewal', 'pool-creation', 'pool-deletion', 'pool-change', 'inventory', 'sweep']),
    subject: z.string(),
    phase: z.enum(ipRunPhases),
    change: z.enum(['settings', 'reserve', 'unreserve', 'grant', 'revoke', 'import', 'rebuild']).exactOptional(),
    failure: failureSchema.exactOptional(),
    report: ipSweepReportSchema.exactOptional(),
  })
  .meta({ title: 'IpRunStatus' }) satisfies z.ZodType<IpRunStatus>;
