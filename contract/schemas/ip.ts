import { z } from 'zod';
import type { IpPoolChange, IpPoolChangeInput } from '../ip/change.ts';
import type {
  IpClaimInput,
  IpClaimSpec,
  IpReleaseInput,
  IpRenewalInput,
  MatchExpression,
  ReclaimPolicy,
} from '../ip/claim.ts';
import type { IpInventoryInput, IpInventoryQuery } from '../ip/inventory.ts';
import type { CancelWait } from '../ip/messages.ts';
import type { IpPoolCreationInput, IpPoolDeletionInput, IpPoolSpec } from '../ip/pool.ts';
import {
  actor,
  allocationRules,
  cidr,
  count,
  dnsLabel,
  dnsSubdomain,
  ipFamily,
  labels,
  poolRef,
  poolSelector,
  prefixLength,
  ranges,
  reservations,
  uuid,
  visibility,
  whenObject,
  wholeSeconds,
} from './parts/ip.ts';

/** What a caller of the IP room may send. Unknown fields are ignored. What needs CIDR arithmetic is checked by the worker. */

/** The words for a claim that names both or neither of pool and selector. */
export const MUTUALLY_EXCLUSIVE = 'poolRef and poolSelector are mutually exclusive: give exactly one of them';

type Issue = { path: PropertyKey[]; message: string };

/** Rules between the fields of a claim. Fields that are wrong in themselves are named already. */
function claimIssues(spec: Partial<IpClaimSpec>): Issue[] {
  const issues: Issue[] = [];
  const wrong = (path: string[], message: string) => issues.push({ path, message });
  if ((spec.poolRef === undefined) === (spec.poolSelector === undefined)) wrong(['poolRef'], MUTUALLY_EXCLUSIVE);
  if (spec.prefixLength === undefined && spec.requestedCIDR === undefined)
    wrong(['prefixLength'], 'is required unless requestedCIDR is given');
  if (spec.ipFamily === 'IPv4' && (spec.prefixLength ?? 0) > 32) wrong(['prefixLength'], 'must be 1 to 32 for IPv4');
  if (spec.requestedCIDR !== undefined && (spec.count ?? 1) > 1)
    wrong(['requestedCIDR'], 'cannot be given together with a count');
  const { matchLabels, matchExpressions } = spec.poolSelector ?? {};
  if (spec.poolSelector && Object.keys(matchLabels ?? {}).length + (matchExpressions ?? []).length === 0)
    wrong(['poolSelector'], 'must not be empty: give matchLabels or matchExpressions');
  const expressions: readonly unknown[] = Array.isArray(matchExpressions) ? matchExpressions : [];
  for (const [index, expression] of expressions.entries()) {
    const { operator, values } = (expression ?? {}) as Partial<MatchExpression>;
    const path = ['poolSelector', 'matchExpressions', String(index), 'values'];
    const some = (values ?? []).length > 0;
    if ((operator === 'In' || operator === 'NotIn') && !some) wrong(path, `must not be empty for ${operator}`);
    if ((operator === 'Exists' || operator === 'DoesNotExist') && some) wrong(path, `must be absent for ${operator}`);
  }
  return issues;
}

/** A check that reports what `issuesOf` finds, at the paths that it gives. */
const rules = <T>(issuesOf: (value: T) => Issue[]) =>
  z.superRefine<T>((value, context) => {
    for (const { path, message } of issuesOf(value)) context.addIssue({ code: 'custom', path, message });
  }, whenObject);

const claimSpec = z
  .object({
    ipFamily,
    prefixLength: prefixLength.optional().describe('Derived when requestedCIDR is given'),
    poolRef: poolRef.optional().describe('Exactly one of poolRef and poolSelector'),
    poolSelector: poolSelector.optional(),
    requestedCIDR: cidr.optional().describe('A specific block, without host bits'),
    count: count(1, 256).optional().describe('Two or more: a batch with members <name>-0 and so on'),
    reclaimPolicy: z.enum(['Delete', 'Retain']).optional(),
    ttlSeconds: wholeSeconds(1, 31_536_000).optional().describe('Length of the lease; absent: none'),
  })
  .check(rules<IpClaimSpec>(claimIssues)) satisfies z.ZodType<IpClaimSpec>;

/** `-255` is the longest that a batch adds to the name. */
const namesFit = ({ name, spec }: IpClaimInput): Issue[] =>
  typeof name === 'string' && name.length > 249 && (spec?.count ?? 1) > 1
    ? [{ path: ['name'], message: 'must be at most 249 characters for a batch' }]
    : [];

export const ipClaimInputSchema = z
  .object({
    owner: dnsLabel,
    actor,
    namespace: dnsLabel,
    name: dnsSubdomain,
    spec: claimSpec,
    waitSeconds: wholeSeconds(0, 3600).optional().describe('How long to wait for capacity'),
    dryRun: z.boolean().optional().describe('Only say which block would be given'),
    answer: z
      .enum(['update', 'result'])
      .optional()
      .describe('"update": nothing is done until the update "claim" arrives'),
  })
  .check(rules<IpClaimInput>(namesFit))
  .meta({ title: 'IpClaimInput' }) satisfies z.ZodType<IpClaimInput>;

export const ipReleaseInputSchema = z
  .object({ owner: dnsLabel, actor, uid: uuid, mode: z.enum(['Policy', 'Delete']).optional() })
  .meta({ title: 'IpReleaseInput' }) satisfies z.ZodType<IpReleaseInput>;

export const ipRenewalInputSchema = z
  .object({ owner: dnsLabel, actor, uid: uuid, ttlSeconds: wholeSeconds(1, 31_536_000).optional() })
  .meta({ title: 'IpRenewalInput' }) satisfies z.ZodType<IpRenewalInput>;

const RETENTION_MOST = 315_360_000;

const specFields = {
  cidr: cidr.optional().describe('Of a root'),
  ipFamily: ipFamily.optional().describe('Of a root'),
  parentPoolRef: poolRef.optional().describe('Of a child'),
  prefixLength: prefixLength.optional().describe('Of a child'),
  requestedCIDR: cidr.optional().describe('A specific block of the parent'),
  allocation: allocationRules.optional(),
  visibility: visibility.optional(),
  cooldownSeconds: wholeSeconds(0, 172_800).optional(),
  reservations: reservations.optional(),
  allowOverlap: z.boolean().optional().describe('Whether this root may overlap another of its owner'),
};

const rootOnly = ['cidr', 'ipFamily', 'allowOverlap'] as const;
const childOnly = ['prefixLength', 'requestedCIDR'] as const;

/** A pool is a root or a child, and each has fields of its own. */
function poolIssues(spec: Partial<IpPoolSpec>): Issue[] {
  const named = (fields: readonly (keyof IpPoolSpec)[], message: string) =>
    fields.filter((field) => spec[field] !== undefined).map((field) => ({ path: [field], message }));
  if (spec.parentPoolRef !== undefined) {
    const missing =
      spec.prefixLength === undefined ? [{ path: ['prefixLength'], message: 'is required with parentPoolRef' }] : [];
    return [...named(rootOnly, 'cannot be given together with parentPoolRef'), ...missing];
  }
  if (spec.cidr === undefined)
    return [{ path: ['cidr'], message: 'is required for a root (or parentPoolRef for a child)' }];
  const missing = spec.ipFamily === undefined ? [{ path: ['ipFamily'], message: 'is required for a root' }] : [];
  return [...named(childOnly, 'is for a child, which has parentPoolRef'), ...missing];
}

const poolSpec = z
  .object({ ...specFields, retentionSeconds: wholeSeconds(1, RETENTION_MOST).optional() })
  .check(rules<IpPoolSpec>(poolIssues)) satisfies z.ZodType<IpPoolSpec>;

export const ipPoolCreationInputSchema = z
  .object({ owner: dnsLabel, actor, name: dnsSubdomain, labels: labels.optional(), spec: poolSpec })
  .meta({ title: 'IpPoolCreationInput' }) satisfies z.ZodType<IpPoolCreationInput>;

export const ipPoolDeletionInputSchema = z
  .object({ owner: dnsLabel, actor, name: dnsSubdomain })
  .meta({ title: 'IpPoolDeletionInput' }) satisfies z.ZodType<IpPoolDeletionInput>;

/**
 * Rows are judged one by one by the worker, which reports each with its line; here only that each is a row of single values. The
 * types are what the worker takes without a complaint.
 */
const cell = z.union([z.string(), z.number(), z.boolean(), z.null()]);
const text = cell as z.ZodType<string>;
const importRow = z.object({
  namespace: text,
  name: text,
  cidr: text,
  owner: text.optional(),
  reclaimPolicy: (cell as z.ZodType<ReclaimPolicy>).optional().describe('Delete or Retain'),
  ttlSeconds: (cell as z.ZodType<number>).optional().describe('Whole seconds, 1 to 31536000'),
  line: z.int().optional(),
});

const poolChange = z.discriminatedUnion(
  'kind',
  [
    z.object({
      kind: z.literal('settings'),
      spec: z
        .object({
          ...specFields,
          retentionSeconds: wholeSeconds(1, RETENTION_MOST).nullish().describe('null: retained blocks stay for ever'),
        })
        .optional(),
      labels: labels.optional(),
    }),
    z.object({ kind: z.literal('reserve'), ranges: ranges.min(1, 'must name at least one range') }),
    z.object({ kind: z.literal('unreserve'), ranges: ranges.min(1, 'must name at least one range') }),
    z.object({ kind: z.literal('grant'), grantee: dnsLabel }),
    z.object({ kind: z.literal('revoke'), grantee: dnsLabel }),
    z.object({
      kind: z.literal('import'),
      rows: z.array(importRow).min(1, 'must hold at least one row').max(5000, 'must be at most 5000 rows'),
      atomic: z.boolean().optional().describe('All rows or none'),
      dryRun: z.boolean().optional(),
    }),
    z.object({ kind: z.literal('rebuild') }),
  ],
  { error: 'kind must be settings, reserve, unreserve, grant, revoke, import or rebuild' },
) satisfies z.ZodType<IpPoolChange>;

/** Where the rows of an import are in the input of a change. */
export const IMPORT_ROWS = 'change.rows';

export const ipPoolChangeInputSchema = z
  .object({ owner: dnsLabel, actor, name: dnsSubdomain, change: poolChange })
  .meta({ title: 'IpPoolChangeInput' }) satisfies z.ZodType<IpPoolChangeInput>;

const page = { after: z.string().max(2000).optional(), limit: count(1, 500).optional() };
const held = {
  namespace: dnsLabel.optional(),
  name: dnsSubdomain.optional(),
  pool: poolRef.optional(),
  ...page,
};

const inventoryQuery = z.discriminatedUnion(
  'kind',
  [
    z.object({ kind: z.literal('pools'), granted: z.boolean().optional(), ...page }),
    z.object({ kind: z.literal('pool'), pool: poolRef }),
    z.object({ kind: z.literal('claims'), ...held }),
    z.object({ kind: z.literal('allocations'), ...held }),
    z.object({ kind: z.literal('events'), cidr: cidr.optional(), pool: poolRef.optional(), ...page }),
    z.object({ kind: z.literal('blocks'), pool: poolRef, cells: count(1, 1024).optional() }),
    z.object({ kind: z.literal('verify'), pool: poolRef.optional() }),
  ],
  { error: 'kind must be pools, pool, claims, allocations, events, blocks or verify' },
) satisfies z.ZodType<IpInventoryQuery>;

export const ipInventoryInputSchema = z
  .object({ owner: dnsLabel, query: inventoryQuery })
  .meta({ title: 'IpInventoryInput' }) satisfies z.ZodType<IpInventoryInput>;

export const cancelWaitSchema = z
  .object({ by: z.string().describe('Who asks, for the record').exactOptional() })
  .meta({ title: 'CancelWait' }) satisfies z.ZodType<CancelWait>;
