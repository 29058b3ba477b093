import type { Failure } from '../failures.ts';
import type { CandidateLoad, WaitingFor, Warning } from '../scope/status.ts';
import type { DeploymentStrategy } from './input.ts';

export const deploymentPhases = [
  'Creating',
  'WaitingForInstances',
  'Verifying',
  'Running',
  'Finalizing',
  'RollingBack',
  'Cancelling',
  'Deleting',
  'Finalized',
  'RolledBack',
  'Cancelled',
  'Failed',
  'Deleted',
] as const;

/** Value of the search attribute `Phase`. `Deleting` and `Deleted` belong to `deploymentDeletion` only. */
export type DeploymentPhase = (typeof deploymentPhases)[number];

/** A version of the workload in a rollout: `blue` serves when the rollout begins, `green` is the new one. */
export type Side = 'blue' | 'green';

/** Counters of one side's Deployment; absent status fields count 0. */
export interface InstanceCounts {
  desired: number;
  /** Pods that exist, ready or not. */
  launched: number;
  ready: number;
  available: number;
  updated: number;
}

/** What one listener does with one host: percent per Service. An empty `weights` is "no rule forwards it". */
export interface HostRouting {
  host: string;
  /** Listener: 443 or an additional port. With external DNS 443, which stands for all listeners of the gateway. */
  port: number;
  /** Service name to percent; the values of an expected routing sum to 100. */
  weights: Record<string, number>;
}

export interface PlanStatus {
  /** From 1; 0 before the first step. */
  step: number;
  steps: number;
  holdUntil?: string;
}

/** Answer of the query `getStatus` of `deployment`, and the last status kept in the ledger. Times are ISO 8601 in UTC. */
export interface DeploymentStatus {
  scopeId: string;
  deploymentId: string;
  kind: 'deployment' | 'plan';
  strategy?: DeploymentStrategy;
  phase: DeploymentPhase;
  paused: boolean;
  /** Why it is paused, in words. */
  pauseReason?: string;
  blue?: string;
  green: string;
  balancer?: string;
  /** With external DNS, in the place of a balancer: `<namespace>/<name>`. */
  gateway?: string;
  /** Share of green that the balancer has confirmed, and the one that is aimed at. */
  percent: { confirmed: number; wanted: number };
  plan?: PlanStatus;
  expected: HostRouting[];
  actual: HostRouting[];
  /** Healthy targets per side, over all its target groups the smallest number; with external DNS ready endpoints. */
  healthyTargets: Partial<Record<Side, number>>;
  instances: Partial<Record<Side, InstanceCounts>>;
  waitingFor?: WaitingFor;
  /** SHA-256 of the accepted input. */
  inputDigest?: string;
  warnings: Warning[];
  failure?: Failure;
}

export interface DeploymentResult {
  scopeId: string;
  deploymentId: string;
  outcome: 'finalized' | 'rolled_back';
  reason?: string;
  /** Share of green at the end: 100 or 0. */
  percent: number;
  /** The deployment that serves each host; none after a rolled-back initial rollout. */
  hosts: { host: string; active?: string }[];
  /** Objects removed, as `Kind namespace/name`. */
  removed: string[];
  /** Objects of further deployments of the scope that were removed. */
  orphans: string[];
  warnings: Warning[];
}

/** Result of a dry run. */
export interface DeploymentPlan {
  scopeId: string;
  deploymentId: string;
  dryRun: true;
  strategy: DeploymentStrategy;
  balancer?: string;
  /** With external DNS, in the place of a balancer: `<namespace>/<name>`. */
  gateway?: string;
  /** The balancer's load without what is this scope's own. */
  load?: CandidateLoad;
  /** What this scope has there at the height of the rollout. */
  peak?: { targetGroups: number; listeners: number; rules: number };
  /** Objects that would be applied, in order, as Kubernetes objects. */
  objects: Record<string, unknown>[];
  /** Expected rules after each step. */
  steps: { what: string; percent: number; expected: HostRouting[] }[];
  warnings: Warning[];
}

export interface DeploymentDeletionResult {
  scopeId: string;
  removed: string[];
  absent: string[];
  warnings: Warning[];
}

/** Answer of the query `getStatus` of `deploymentDeletion`. */
export interface DeploymentDeletionStatus {
  scopeId: string;
  kind: 'deletion';
  phase: Extract<DeploymentPhase, 'Deleting' | 'Deleted' | 'Failed' | 'Cancelled'>;
  removed: string[];
  waitingFor?: WaitingFor;
  warnings: Warning[];
  failure?: Failure;
}

export interface InstanceRestartResult {
  scopeId: string;
  deploymentId: string;
  instanceId: string;
  deployment: Pick<InstanceCounts, 'desired' | 'ready' | 'available'>;
  warnings: Warning[];
}

export const diagnosisCheckNames = [
  'service_existence',
  'service_selector_match',
  'service_endpoints',
  'service_port_configuration',
  'service_type_validation',
  'ingress_existence',
  'ingress_class_validation',
  'ingress_controller_sync',
  'ingress_host_rules',
  'ingress_backend_service',
  'ingress_tls_configuration',
  'alb_capacity_check',
  'pod_existence',
  'container_crash_detection',
  'image_pull_status',
  'memory_limits_check',
  'pod_readiness',
  'resource_availability',
  'storage_mounting',
  'container_port_health',
  'health_probe_endpoints',
  'application_log_evidence',
] as const;

export type DiagnosisCheckName = (typeof diagnosisCheckNames)[number];

export interface DiagnosisCheck {
  name: DiagnosisCheckName;
  category: 'service' | 'networking' | 'scope' | 'logs';
  status: 'success' | 'warning' | 'failed' | 'skipped';
  evidence: {
    summary: string;
    severity: 'critical' | 'warning' | 'info';
    affected: string[];
    details: Record<string, unknown>;
    suggested_actions: string[];
  };
}

export interface DiagnosisResult {
  scopeId: string;
  checks: DiagnosisCheck[];
  /** How many checks ended with each status. */
  summary: Record<DiagnosisCheck['status'], number>;
}
