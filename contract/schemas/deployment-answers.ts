import { z } from 'zod';
import {
  type DeploymentDeletionResult,
  type DeploymentDeletionStatus,
  type DeploymentPlan,
  type DeploymentResult,
  type DeploymentStatus,
  type DiagnosisResult,
  deploymentPhases,
  diagnosisCheckNames,
  type InstanceRestartResult,
} from '../deployment/status.ts';
import { candidateLoad, count, failureSchema, time, waitingFor, warning } from './scope-answers.ts';

/** What the deployment room answers. Later versions may add fields: ignore what you do not know. */

const strategy = z.enum(['initial', 'blue_green', 'rolling']);
const percent = z.number().min(0).max(100).describe('Share of the new version');
const routing = z.object({
  host: z.string(),
  port: z.int().describe('Listener: 443 or an additional port; with external DNS 443 for all of the gateway'),
  weights: z.record(z.string(), z.number()).describe('Service name to percent'),
});

const instances = z.object({ desired: count, launched: count, ready: count, available: count, updated: count });

export const deploymentStatusSchema = z
  .object({
    scopeId: z.string(),
    deploymentId: z.string(),
    kind: z.enum(['deployment', 'plan']),
    strategy: strategy.exactOptional(),
    phase: z.enum(deploymentPhases),
    paused: z.boolean(),
    pauseReason: z.string().exactOptional(),
    blue: z.string().exactOptional(),
    green: z.string(),
    balancer: z.string().exactOptional(),
    gateway: z.string().exactOptional().describe('With external DNS: namespace/name'),
    percent: z.object({ confirmed: percent, wanted: percent }),
    plan: z.object({ step: count, steps: count, holdUntil: time.exactOptional() }).exactOptional(),
    expected: z.array(routing),
    actual: z.array(routing),
    healthyTargets: z.object({ blue: count.exactOptional(), green: count.exactOptional() }),
    instances: z.object({ blue: instances.exactOptional(), green: instances.exactOptional() }),
    waitingFor: waitingFor.exactOptional(),
    inputDigest: z.string().exactOptional(),
    warnings: z.array(warning),
    failure: failureSchema.exactOptional(),
  })
  .meta({ title: 'DeploymentStatus' }) satisfies z.ZodType<DeploymentStatus>;

export const deploymentResultSchema = z
  .object({
    scopeId: z.string(),
    deploymentId: z.string(),
    outcome: z.enum(['finalized', 'rolled_back']),
    reason: z.string().exactOptional(),
    percent,
    hosts: z.array(z.object({ host: z.string(), active: z.string().exactOptional() })),
    removed: z.array(z.string()).describe('Kind namespace/name'),
    orphans: z.array(z.string()).describe('Removed objects of further deployments'),
    warnings: z.array(warning),
  })
  .meta({ title: 'DeploymentResult' }) satisfies z.ZodType<DeploymentResult>;

export const deploymentPlanSchema = z
  .object({
    scopeId: z.string(),
    deploymentId: z.string(),
    dryRun: z.literal(true),
    strategy,
    balancer: z.string().exactOptional(),
    gateway: z.string().exactOptional().describe('With external DNS: namespace/name'),
    load: candidateLoad.exactOptional(),
    peak: z.object({ targetGroups: count, listeners: count, rules: count }).exactOptional(),
    objects: z.array(z.record(z.string(), z.unknown())).describe('Kubernetes objects in the order they are applied'),
    steps: z.array(z.object({ what: z.string(), percent, expected: z.array(routing) })),
    warnings: z.array(warning),
  })
  .meta({ title: 'DeploymentPlan' }) satisfies z.ZodType<DeploymentPlan>;

const removed = z.array(z.string());

export const deploymentDeletionResultSchema = z
  .object({ scopeId: z.string(), removed, absent: z.array(z.string()), warnings: z.array(warning) })
  .meta({ title: 'DeploymentDeletionResult' }) satisfies z.ZodType<DeploymentDeletionResult>;

export const deploymentDeletionStatusSchema = z
  .object({
    scopeId: z.string(),
    kind: z.literal('deletion'),
    phase: z.enum(['Deleting', 'Deleted', 'Failed', 'Cancelled']),
    removed,
    waitingFor: waitingFor.exactOptional(),
    warnings: z.array(warning),
    failure: failureSchema.exactOptional(),
  })
  .meta({ title: 'DeploymentDeletionStatus' }) satisfies z.ZodType<DeploymentDeletionStatus>;

export const instanceRestartResultSchema = z
  .object({
    scopeId: z.string(),
    deploymentId: z.string(),
    instanceId: z.string(),
    deployment: z.object({ desired: count, ready: count, available: count }),
    warnings: z.array(warning),
  })
  .meta({ title: 'InstanceRestartResult' }) satisfies z.ZodType<InstanceRestartResult>;

const checkStatus = z.enum(['success', 'warning', 'failed', 'skipped']);

export const diagnosisResultSchema = z
  .object({
    scopeId: z.string(),
    checks: z.array(
      z.object({
        name: z.enum(diagnosisCheckNames),
        category: z.enum(['service', 'networking', 'scope', 'logs']),
        status: checkStatus,
        evidence: z.object({
          summary: z.string(),
          severity: z.enum(['critical', 'warning', 'info']),
          affected: z.array(z.string()),
          details: z.record(z.string(), z.unknown()),
          suggested_actions: z.array(z.string()),
        }),
      }),
    ),
    summary: z.object({ success: count, warning: count, failed: count, skipped: count }),
  })
  .meta({ title: 'DiagnosisResult' }) satisfies z.ZodType<DiagnosisResult>;
