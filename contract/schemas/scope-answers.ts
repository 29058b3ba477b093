import { z } from 'zod';
import type { Failure } from '../failures.ts';
import type { RetryNow } from '../scope/messages.ts';
import {
  type BalancerEntry,
  type DriftReport,
  driftKinds,
  type InventoryPage,
  type RetirementResult,
  type RetirementStatus,
  retirementPhases,
} from '../scope/retirement.ts';
import {
  type ScopeCreationResult,
  type ScopeDeletionResult,
  type ScopePlan,
  type ScopeStatus,
  scopePhases,
} from '../scope/status.ts';
import { scopeIdSchema } from './scope.ts';

/** What the scope room answers, for callers in other languages. Later versions may add fields: ignore what you do not know. */

export const time = z.iso.datetime().describe('ISO 8601 in UTC');
const origin = z.enum(['declared', 'autocreated']);
export const count = z.int().min(0);

export const warning = z.object({ code: z.string().describe('CamelCase and stable'), message: z.string() });

export const failureSchema = z
  .object({
    type: z.string().describe('From the closed list of failure types'),
    message: z.string().describe('What happened, with which value, and what to do'),
    details: z.record(z.string(), z.unknown()).exactOptional(),
  })
  .meta({ title: 'Failure' }) satisfies z.ZodType<Failure>;

export const candidateLoad = z.object({
  name: z.string(),
  origin,
  state: z.enum(['provisioning', 'active', 'active_impaired', 'failed', 'absent', 'unreadable']),
  rules: count,
  maxRules: count,
  targetGroups: count,
  maxTargetGroups: count,
  listeners: count,
  maxListeners: count,
  certificates: count.exactOptional(),
  maxCertificates: count.exactOptional(),
  hasRoom: z.boolean(),
  reason: z.string().exactOptional(),
});

const dnsRecord = z.object({
  zoneId: z.string(),
  name: z.string(),
  type: z.enum(['A', 'CNAME']),
  target: z.string(),
  state: z.enum(['planned', 'pending', 'in-sync', 'removed', 'deferred']),
  origin: z.enum(['made', 'adopted']).exactOptional(),
});

export const waitingFor = z.object({
  what: z.string(),
  since: time,
  until: time.exactOptional(),
  lastSeen: z.string().exactOptional(),
});

const placedBalancer = z.object({
  name: z.string(),
  origin,
  state: z.string(),
  created: z.boolean().describe('Whether this run made the balancer'),
  arn: z.string().exactOptional(),
  dnsName: z.string().exactOptional(),
});

export const scopeStatusSchema = z
  .object({
    scopeId: z.string(),
    kind: z.enum(['creation', 'deletion', 'plan']),
    phase: z.enum(scopePhases),
    inputDigest: z
      .string()
      .describe('SHA-256 of the accepted input in canonical form: sorted keys, no blanks')
      .exactOptional(),
    hosts: z.array(z.string()),
    domain: z.string().exactOptional(),
    visibility: z.enum(['public', 'private']).exactOptional(),
    balancer: placedBalancer.exactOptional(),
    candidates: z.array(candidateLoad),
    reason: z.string().exactOptional(),
    dns: z.array(dnsRecord),
    waitingFor: waitingFor.exactOptional(),
    made: z.array(z.string()).describe('What this run made, in order, in words'),
    warnings: z.array(warning),
    failure: failureSchema.exactOptional(),
  })
  .meta({ title: 'ScopeStatus' }) satisfies z.ZodType<ScopeStatus>;

export const scopeCreationResultSchema = z
  .object({
    scopeId: scopeIdSchema,
    domain: z.string(),
    hosts: z.array(z.string()),
    balancer: z.object({
      name: z.string(),
      arn: z.string().exactOptional(),
      dnsName: z.string().exactOptional(),
      canonicalHostedZoneId: z.string().exactOptional(),
      region: z.string(),
      scheme: z.enum(['internet-facing', 'internal']),
      origin,
      created: z.boolean(),
    }),
    dns: z.array(dnsRecord),
    repaired: z.array(z.string()).describe('What a repeated creation had to restore'),
    warnings: z.array(warning),
  })
  .meta({ title: 'ScopeCreationResult' }) satisfies z.ZodType<ScopeCreationResult>;

export const scopePlanSchema = z
  .object({
    scopeId: scopeIdSchema,
    dryRun: z.literal(true),
    domain: z.string(),
    hosts: z.array(z.string()),
    dnsType: z.enum(['route53', 'external_dns']),
    balancer: z.object({ name: z.string(), origin, wouldBeCreated: z.boolean() }),
    reason: z.string(),
    candidates: z.array(candidateLoad),
    dns: z.array(dnsRecord),
    kubernetesObjects: z.array(z.string()).describe('Kind namespace/name'),
    warnings: z.array(warning),
  })
  .meta({ title: 'ScopePlan' }) satisfies z.ZodType<ScopePlan>;

export const scopeDeletionResultSchema = z
  .object({
    scopeId: scopeIdSchema,
    removed: z.array(z.string()),
    absent: z.array(z.string()),
    warnings: z.array(warning),
  })
  .meta({ title: 'ScopeDeletionResult' }) satisfies z.ZodType<ScopeDeletionResult>;

const retirement = {
  retired: z.array(z.string()).describe('Balancers that are gone now'),
  kept: z.array(z.object({ balancer: z.string(), reason: z.string() })),
  released: z.array(z.string()).describe('What ended runs had left and is undone now, in words'),
  drift: count.describe('How many deviations the ledger holds'),
  troubles: z.array(z.object({ what: z.string(), message: z.string() })),
};

export const retirementResultSchema = z
  .object(retirement)
  .meta({ title: 'RetirementResult' }) satisfies z.ZodType<RetirementResult>;

export const retirementStatusSchema = z
  .object({ ...retirement, phase: z.enum(retirementPhases), waitingFor: waitingFor.exactOptional() })
  .meta({ title: 'RetirementStatus' }) satisfies z.ZodType<RetirementStatus>;

export const driftReportSchema = z
  .object({
    checked: z.array(z.object({ source: z.string(), at: time })),
    drift: z.array(z.object({ kind: z.enum(driftKinds), subject: z.string(), message: z.string(), since: time })),
  })
  .meta({ title: 'DriftReport' }) satisfies z.ZodType<DriftReport>;

const balancerEntry = z.object({
  account: z.string(),
  region: z.string(),
  name: z.string(),
  scheme: z.enum(['internet-facing', 'internal']),
  origin,
  state: z.string().describe('In the ledger: reserved, provisioning, active, failed, retiring or retired'),
  arn: z.string().exactOptional(),
  dnsName: z.string().exactOptional(),
  createdForScope: z.string().exactOptional(),
  idleSince: time.exactOptional(),
  load: candidateLoad,
  observedAt: time.exactOptional(),
  placements: z.array(
    z.object({ scopeId: z.string(), state: z.enum(['reserved', 'bound']), hosts: z.array(z.string()) }),
  ),
  records: z.array(
    z.object({
      zoneId: z.string(),
      name: z.string(),
      type: z.string(),
      target: z.string(),
      origin: z.enum(['made', 'adopted']),
      scopeId: z.string(),
    }),
  ),
}) satisfies z.ZodType<BalancerEntry>;

export const inventoryPageSchema = z
  .object({ balancers: z.array(balancerEntry), next: z.string().exactOptional() })
  .meta({ title: 'InventoryPage' }) satisfies z.ZodType<InventoryPage>;

export const retryNowSchema = z
  .object({ by: z.string().describe('Who asks, for the record').exactOptional() })
  .meta({ title: 'RetryNow' }) satisfies z.ZodType<RetryNow>;
