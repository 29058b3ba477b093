import type { ObjectModifiers } from '../modifiers.ts';
import type { DnsType, HostedZoneIds, PlatformKnobs, ScopeKnobs, ScopeSlugs, Visibility } from '../scope/input.ts';

/** Inputs of the deployment room. Values are as a caller sends them; defaults are filled in by the worker. */

export type DeploymentStrategy = 'initial' | 'blue_green' | 'rolling';

/** Who wins when ledger, Ingress and DNS alias name different balancers. */
export type AdoptFrom = 'ledger' | 'ingress' | 'alias';

/** The scope that a deployment belongs to, as the scope room knows it. */
export interface DeploymentScope {
  slugs: ScopeSlugs;
  /** `key=id:key=id:...`; the ids of account, namespace and application become labels. */
  nrn?: string | null | undefined;
  environment?: string | null | undefined;
  /** `internal` is accepted for `private`. */
  visibility: Visibility | 'internal';
  region?: string | null | undefined;
  dnsType?: DnsType | '' | null | undefined;
  hostedZones?: HostedZoneIds | null | undefined;
  kubernetes?: { namespace?: string | null | undefined } | null | undefined;
}

export interface AutoscalingInput {
  minReplicas?: number | null | undefined;
  maxReplicas?: number | null | undefined;
  /** Percent of the request. */
  targetCpuUtilization?: number | null | undefined;
  targetMemoryUtilization?: number | null | undefined;
}

export interface ResourcesInput {
  cpuMillicores?: number | null | undefined;
  /** Absent, null or below the request: the request. */
  cpuMillicoresLimit?: number | null | undefined;
  memoryMi?: number | null | undefined;
  memoryMiLimit?: number | null | undefined;
}

export interface AdditionalPort {
  /** 1024-55535: its sidecar port is 10000 higher. */
  port: number;
  type: 'HTTP' | 'GRPC';
}

/** Durations in seconds. */
export interface HealthCheckInput {
  type?: 'HTTP' | 'TCP' | null | undefined;
  path?: string | null | undefined;
  initialDelaySeconds?: number | null | undefined;
  periodSeconds?: number | null | undefined;
  timeoutSeconds?: number | null | undefined;
}

/** A Kubernetes Secret by name; its values never pass through Groundwork. */
export interface SecretRef {
  name: string;
  as: 'env' | 'files';
  /** Which keys become which files (absolute paths). */
  files?: { key: string; path: string }[] | null | undefined;
}

export interface WorkloadInput {
  image: string;
  /** Whole number from 1; excludes `autoscaling`. */
  replicas?: number | null | undefined;
  autoscaling?: AutoscalingInput | null | undefined;
  resources?: ResourcesInput | null | undefined;
  mainPort?: number | null | undefined;
  protocol?: 'http' | 'web_sockets' | null | undefined;
  additionalPorts?: AdditionalPort[] | null | undefined;
  healthCheck?: HealthCheckInput | null | undefined;
  /** Not secret: it appears in histories. */
  env?: Record<string, string> | null | undefined;
  secretRefs?: SecretRef[] | null | undefined;
  /** Names of Secrets; this list wins over the configured ones. */
  pullSecrets?: string[] | null | undefined;
  serviceAccountName?: string | null | undefined;
  disruptionBudget?:
    | { enabled?: boolean | null | undefined; maxUnavailable?: number | string | null | undefined }
    | null
    | undefined;
  modifiers?: ObjectModifiers | null | undefined;
}

export interface TrafficStep {
  /** Share of the new version, 1-100; strictly rising from step to step. */
  percent: number;
  holdSeconds: number;
}

export interface TrafficPlanInput {
  mode: 'manual' | 'steps';
  steps?: TrafficStep[] | null | undefined;
  autoFinalize?: boolean | null | undefined;
  onFailure?: 'rollback' | 'pause' | null | undefined;
}

/** Knobs of a deployment that scope and platform may set; they outrank the worker's. `null` and `''` count as not set. */
export interface DeploymentKnobs {
  deploymentMaxWaitSeconds?: number | string | null | undefined;
  deploymentStrategy?: string | null | undefined;
  disruptionBudgetEnabled?: boolean | null | undefined;
  disruptionBudgetMaxUnavailable?: number | string | null | undefined;
  trafficManagerImage?: string | null | undefined;
  trafficManagerPort?: number | string | null | undefined;
  /** Name of a ConfigMap with `nginx.conf` and `default.conf`. */
  trafficManagerConfigMap?: string | null | undefined;
  trafficManagerMemoryMi?: number | string | null | undefined;
  trafficManagerCpuMillicores?: number | string | null | undefined;
  pullSecrets?: string[] | null | undefined;
  serviceAccountPrefix?: string | null | undefined;
  objectModifiers?: ObjectModifiers | null | undefined;
}

export interface ScopeLevelKnobs extends ScopeKnobs, DeploymentKnobs {}
export interface PlatformLevelKnobs extends PlatformKnobs, DeploymentKnobs {}

export interface DeploymentNetworking {
  scope?: ScopeLevelKnobs | null | undefined;
  platform?: PlatformLevelKnobs | null | undefined;
}

export interface DeploymentInput {
  scopeId: string;
  /** 1-24 of `[a-z0-9-]`; the new version, green. */
  deploymentId: string;
  /** The version that serves now, blue. */
  currentDeploymentId?: string | null | undefined;
  strategy?: DeploymentStrategy | 'blue-green' | '' | null | undefined;
  scope: DeploymentScope;
  hosts: { domain: string; custom?: string[] | null | undefined };
  workload: WorkloadInput;
  trafficPlan?: TrafficPlanInput | null | undefined;
  networking?: DeploymentNetworking | null | undefined;
  adopt?: AdoptFrom | null | undefined;
  /** Reads and decides only; nothing is changed. */
  dryRun?: boolean | null | undefined;
}

export interface DeploymentDeletionInput {
  scopeId: string;
  scope: DeploymentScope;
  networking?: DeploymentNetworking | null | undefined;
}

export interface InstanceRestartInput {
  scopeId: string;
  deploymentId: string;
  /** Name of the pod. */
  instanceId: string;
  scope: DeploymentScope;
  networking?: DeploymentNetworking | null | undefined;
}

export interface DiagnosisInput {
  scopeId: string;
  /** Absent: every deployment of the scope. */
  deploymentId?: string | null | undefined;
  scope: DeploymentScope;
  networking?: DeploymentNetworking | null | undefined;
}
