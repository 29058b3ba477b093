import { z } from 'zod';
import type {
  DeploymentDeletionInput,
  DeploymentInput,
  DiagnosisInput,
  InstanceRestartInput,
} from '../deployment/input.ts';
import type { Finalize, Pause, Resume, Rollback, SwitchTraffic } from '../deployment/messages.ts';
import { hostedZones, objectModifiers, platformKnobs, scopeIdSchema, scopeKnobs, slug } from './scope.ts';

/** What a caller of the deployment room may send. Unknown fields are ignored, as in the scope room. */

export const deploymentIdSchema = z
  .string()
  .regex(
    /^[a-z0-9](?:[a-z0-9-]{0,22}[a-z0-9])?$/,
    'must be 1 to 24 of a-z, 0-9 and "-", beginning and ending with a letter or digit',
  )
  .regex(
    /^(?!.*-(?:http|grpc)-\d{4,5}$)/,
    'must not end like the Service of a port ("-http-" or "-grpc-" and 4 or 5 digits)',
  )
  .describe('The version; part of the names of its objects');

const text = z.string().nullish();
const number = z.number().nullish();
const figure = z.union([z.number(), z.string()]).nullish();
const secondsUpTo = (most: number) => z.number().max(most, `must be at most ${most} seconds`);
const probeSeconds = secondsUpTo(86_400).nullish();
const flag = z.boolean().nullish();
const texts = z.record(z.string(), z.string()).nullish();

const knobs = {
  deploymentMaxWaitSeconds: figure.describe('How long instances may take to become ready; at most a day'),
  deploymentStrategy: text,
  disruptionBudgetEnabled: flag,
  disruptionBudgetMaxUnavailable: figure,
  trafficManagerImage: text,
  trafficManagerPort: figure,
  trafficManagerConfigMap: text,
  trafficManagerMemoryMi: figure,
  trafficManagerCpuMillicores: figure,
  pullSecrets: z.array(z.string()).nullish(),
  serviceAccountPrefix: text,
  objectModifiers: objectModifiers.nullish(),
};

const networking = z
  .object({ scope: scopeKnobs.extend(knobs).nullish(), platform: platformKnobs.extend(knobs).nullish() })
  .nullish()
  .describe('Knobs of scope and platform; the scope outranks the platform, both outrank the worker');

const scope = z
  .object({
    slugs: z.object({ account: slug, namespace: slug, application: slug, scope: slug }),
    nrn: text,
    environment: z.string().max(63, 'must be at most 63 characters').nullish(),
    visibility: z.enum(['public', 'private', 'internal']).describe('"internal" means "private"'),
    region: text,
    dnsType: z
      .enum(['route53', 'external_dns', ''], {
        error: 'must be "route53" or "external_dns" (Azure DNS is not supported yet)',
      })
      .nullish(),
    hostedZones: hostedZones.nullish(),
    kubernetes: z.object({ namespace: text }).nullish(),
  })
  .describe('The scope, as it was created');

const secretRef = z.object({
  name: z.string(),
  as: z.enum(['env', 'files']),
  files: z.array(z.object({ key: z.string(), path: z.string() })).nullish(),
});

const workload = z.object({
  image: z.string(),
  replicas: number.describe('From 1; not together with autoscaling'),
  autoscaling: z
    .object({
      minReplicas: number,
      maxReplicas: number,
      targetCpuUtilization: number.describe('Percent of the request'),
      targetMemoryUtilization: number.describe('Percent of the request'),
    })
    .nullish(),
  resources: z
    .object({ cpuMillicores: number, cpuMillicoresLimit: number, memoryMi: number, memoryMiLimit: number })
    .nullish(),
  mainPort: number,
  protocol: z.enum(['http', 'web_sockets']).nullish(),
  additionalPorts: z
    .array(z.object({ port: z.number().describe('1024-55535'), type: z.enum(['HTTP', 'GRPC']) }))
    .nullish(),
  healthCheck: z
    .object({
      type: z.enum(['HTTP', 'TCP']).nullish(),
      path: text,
      initialDelaySeconds: probeSeconds,
      periodSeconds: probeSeconds,
      timeoutSeconds: probeSeconds.describe('Under periodSeconds'),
    })
    .nullish(),
  env: texts.describe('Not secret: it appears in histories'),
  secretRefs: z.array(secretRef).nullish().describe('Names of Kubernetes Secrets; their values never come here'),
  pullSecrets: z.array(z.string()).nullish(),
  serviceAccountName: text,
  disruptionBudget: z.object({ enabled: flag, maxUnavailable: figure }).nullish(),
  modifiers: objectModifiers.nullish(),
});

const trafficPlan = z.object({
  mode: z.enum(['manual', 'steps']),
  steps: z
    .array(
      z.object({
        percent: z.number().describe('1-100, rising'),
        holdSeconds: secondsUpTo(604_800).describe('Up to a week'),
      }),
    )
    .nullish(),
  autoFinalize: flag,
  onFailure: z.enum(['rollback', 'pause']).nullish(),
});

export const deploymentInputSchema = z
  .object({
    scopeId: scopeIdSchema,
    deploymentId: deploymentIdSchema,
    currentDeploymentId: deploymentIdSchema.or(z.literal('')).nullish().describe('The version that serves now'),
    strategy: z
      .enum(['initial', 'blue_green', 'blue-green', 'rolling', ''])
      .nullish()
      .describe('"initial" without a current deployment, else "blue_green"'),
    scope,
    hosts: z.object({ domain: z.string(), custom: z.array(z.string()).nullish() }),
    workload,
    trafficPlan: trafficPlan.nullish(),
    networking,
    adopt: z.enum(['ledger', 'ingress', 'alias']).nullish().describe('Who wins when they name different balancers'),
    dryRun: flag,
  })
  .meta({ title: 'DeploymentInput' }) satisfies z.ZodType<DeploymentInput>;

export const deploymentDeletionInputSchema = z
  .object({ scopeId: scopeIdSchema, scope, networking })
  .meta({ title: 'DeploymentDeletionInput' }) satisfies z.ZodType<DeploymentDeletionInput>;

export const instanceRestartInputSchema = z
  .object({
    scopeId: scopeIdSchema,
    deploymentId: deploymentIdSchema,
    instanceId: z.string().regex(/^[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?$/, 'must be the name of a pod'),
    scope,
    networking,
  })
  .meta({ title: 'InstanceRestartInput' }) satisfies z.ZodType<InstanceRestartInput>;

export const diagnosisInputSchema = z
  .object({ scopeId: scopeIdSchema, deploymentId: deploymentIdSchema.or(z.literal('')).nullish(), scope, networking })
  .meta({ title: 'DiagnosisInput' }) satisfies z.ZodType<DiagnosisInput>;

const by = z.string().describe('Who asks, for the record').exactOptional();

export const switchTrafficSchema = z
  .object({ percent: z.number().describe('Share of the new version, a whole number 0-100'), by })
  .meta({ title: 'SwitchTraffic' }) satisfies z.ZodType<SwitchTraffic>;

export const finalizeSchema = z.object({ by }).meta({ title: 'Finalize' }) satisfies z.ZodType<Finalize>;

export const rollbackSchema = z
  .object({ reason: z.string(), by })
  .meta({ title: 'Rollback' }) satisfies z.ZodType<Rollback>;

export const pauseSchema = z
  .object({ reason: z.string().exactOptional(), by })
  .meta({ title: 'Pause' }) satisfies z.ZodType<Pause>;

export const resumeSchema = z.object({ by }).meta({ title: 'Resume' }) satisfies z.ZodType<Resume>;
