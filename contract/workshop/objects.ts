/** The Kubernetes objects of a workshop: groups, kinds, labels, annotations, and the fields that are read or written here. */

const BABYLON = 'babylon.gpte.redhat.com';
const DEMO = 'demo.redhat.com';
const POOLBOY = 'poolboy.gpte.redhat.com';

/** How a kind is addressed; all are namespaced, version v1. */
export const workshopKinds = {
  workshop: { apiVersion: `${BABYLON}/v1`, kind: 'Workshop', plural: 'workshops' },
  provision: { apiVersion: `${BABYLON}/v1`, kind: 'WorkshopProvision', plural: 'workshopprovisions' },
  seat: { apiVersion: `${BABYLON}/v1`, kind: 'WorkshopUserAssignment', plural: 'workshopuserassignments' },
  claim: { apiVersion: `${POOLBOY}/v1`, kind: 'ResourceClaim', plural: 'resourceclaims' },
} as const;

export type WorkshopKind = keyof typeof workshopKinds;

export const workshopLabels = {
  /** Name of the workshop, on provisions, claims and seats. */
  workshop: `${BABYLON}/workshop`,
  /** Six characters, on workshop, claims and seats. */
  workshopId: `${BABYLON}/workshop-id`,
  /** Name of the provision, on claims only: a seat reaches its provision through its claim. */
  provision: `${BABYLON}/workshop-provision`,
  userName: `${BABYLON}/user-name`,
  claim: `${POOLBOY}/resource-claim`,
  /** "true" on a locked workshop. */
  lock: `${DEMO}/lock-enabled`,
  /** Its presence hides a workshop or a provision from the autoscaler. */
  ignore: `${BABYLON}/ignore`,
} as const;

export const workshopAnnotations = {
  /** Id of the last operation that wrote the count: every count write tests it. */
  operation: `${BABYLON}/autoscaling-operation`,
  /** "true", or a time until which it holds, on a workshop or a provision. */
  paused: `${BABYLON}/autoscaling-paused`,
  pausedReason: `${BABYLON}/autoscaling-paused-reason`,
} as const;

export interface ObjectMeta {
  name?: string;
  namespace?: string;
  uid?: string;
  generation?: number;
  resourceVersion?: string;
  /** RFC 3339. */
  creationTimestamp?: string;
  deletionTimestamp?: string;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
}

interface Lifespan {
  start?: string;
  end?: string;
}

interface ActionSchedule {
  start?: string;
  stop?: string;
}

/** `spec.autoScaling` is unknown on purpose: a bypassed schema may leave anything there, and `readConfig` judges it. */
export interface Workshop {
  metadata?: ObjectMeta;
  spec?: {
    autoScaling?: unknown;
    multiuserServices?: boolean;
    openRegistration?: boolean;
    provisionDisabled?: boolean;
    lifespan?: Lifespan;
    actionSchedule?: ActionSchedule;
  };
  status?: { autoScaling?: { conditions?: Condition[] } };
}

export interface WorkshopProvision {
  metadata?: ObjectMeta;
  spec?: {
    workshopName?: string;
    count?: number;
    concurrency?: number;
    lifespan?: Lifespan;
    actionSchedule?: ActionSchedule;
  };
  status?: ProvisionStatusFields;
}

/** The keys of a provision's status that are ours; other controllers own the rest. */
export interface ProvisionStatusFields {
  /** True while an operation is under way; absent otherwise. The only key that others may rely on. */
  autoScalingActive?: boolean;
  autoScaling?: ProvisionAutoScaling;
  /** Assigned seats of the provision. */
  assignedCount?: number;
}

export interface Condition {
  type: string;
  status: 'True' | 'False';
  reason: string;
  message: string;
  observedGeneration?: number;
  lastTransitionTime: string;
}

/** `status.autoScaling` of a provision. Times are RFC 3339 in UTC. */
export interface ProvisionAutoScaling {
  operationId?: string;
  phase?: string;
  reason?: string;
  message?: string;
  fromCount?: number;
  targetCount?: number;
  startedAt?: string;
  deadline?: string;
  lastScaleTime?: string;
  lastResult?: string;
  /** 0 to 1, two decimals; absent without seats. */
  utilization?: number;
  assignedSeats?: number;
  totalSeats?: number;
  inFlightClaims?: number;
  observedGeneration?: number;
  /** Fingerprint of what the last look saw of provision, workshop, claims and seats; the sweep compares it. */
  observed?: string;
  workflowId?: string;
  conditions?: Condition[];
}

/** An element of a claim's `status.resources`. `state` is the resource itself, an AnarchySubject or another kind. */
export interface ClaimResource {
  name?: string;
  state?: {
    kind?: string;
    spec?: { vars?: { current_state?: string } };
    status?: { towerJobs?: { provision?: { completeTimestamp?: string } } };
  } | null;
}

export interface ResourceClaim {
  metadata?: ObjectMeta;
  status?: { resources?: ClaimResource[] };
}

/** A seat. Free when `assignment` is absent. */
export interface WorkshopUserAssignment {
  metadata?: ObjectMeta;
  spec?: {
    workshopName?: string;
    resourceClaimName?: string;
    userName?: string;
    assignment?: { email?: string };
  };
}
