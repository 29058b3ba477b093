import type { V1DeploymentCondition, V1DeploymentStatus } from '@kubernetes/client-node';
import { canonicalJson, type Deployment, type ReplicaSet, type Wire } from '../objects.ts';
import { boundsOf } from './rollout.ts';

export type DeploymentStatus = Wire<V1DeploymentStatus>;
type Condition = Wire<V1DeploymentCondition>;

export interface StatusInput {
  deployment: Deployment;
  current: ReplicaSet | undefined;
  own: readonly ReplicaSet[];
  /** What happened to the current ReplicaSet in this very pass. */
  found?: 'NewReplicaSetCreated' | 'FoundNewReplicaSet' | undefined;
  now: Date;
  /** Whether the progress deadline has passed since the last progress. */
  deadlinePassed: boolean;
}

export interface StatusResult {
  status: DeploymentStatus;
  /** The rollout moved on, so its deadline begins anew. */
  progressed: boolean;
  /** The rollout is neither complete nor failed: its deadline must be watched. */
  underWay: boolean;
}

/** The status of a Deployment from its ReplicaSets, with conditions as the Deployment controller sets them. Pure. */
export function deploymentStatus(input: StatusInput): StatusResult {
  const { deployment, current, own } = input;
  const before = deployment.status ?? {};
  const replicas = deployment.spec?.replicas ?? 1;
  const total = (of: (set: ReplicaSet) => number | undefined) => own.reduce((count, set) => count + (of(set) ?? 0), 0);
  const counts = {
    replicas: total((set) => set.status?.replicas),
    updatedReplicas: current?.status?.replicas ?? 0,
    readyReplicas: total((set) => set.status?.readyReplicas),
    availableReplicas: total((set) => set.status?.availableReplicas),
    unavailableReplicas: 0,
  };
  counts.unavailableReplicas = Math.max(0, total((set) => set.spec?.replicas) - counts.availableReplicas);
  const conditions = new Map((before.conditions ?? []).map((condition) => [condition.type, condition]));
  const at = input.now.toISOString().replace(/\.\d+Z$/, 'Z');
  const set = (type: string, status: 'True' | 'False', reason: string, message: string, touch = false) => {
    const known = conditions.get(type);
    if (known?.status === status && known.reason === reason && known.message === message && !touch) return;
    const lastTransitionTime = known?.status === status && known.lastTransitionTime ? known.lastTransitionTime : at;
    conditions.set(type, { type, status, reason, message, lastUpdateTime: at, lastTransitionTime });
  };

  const enough =
    counts.availableReplicas >= replicas - (isRolling(deployment) ? boundsOf(deployment).maxUnavailable : 0);
  if (enough) set('Available', 'True', 'MinimumReplicasAvailable', 'Deployment has minimum availability.');
  else set('Available', 'False', 'MinimumReplicasUnavailable', 'Deployment does not have minimum availability.');

  const failure = own
    .flatMap((set) => set.status?.conditions ?? [])
    .find(({ type, status }) => type === 'ReplicaFailure' && status === 'True');
  if (failure) set('ReplicaFailure', 'True', failure.reason ?? '', failure.message ?? '');
  else conditions.delete('ReplicaFailure');

  const progress = progressOf(input, counts, conditions.get('Progressing'));
  if (progress.condition) set('Progressing', ...progress.condition, progress.touch);

  const { collisionCount } = before;
  const status: DeploymentStatus = {
    ...(collisionCount === undefined ? {} : { collisionCount }),
    observedGeneration: deployment.metadata.generation ?? 0,
    ...counts,
    conditions: [...conditions.values()],
  };
  return { status, progressed: progress.touch, underWay: progress.underWay };
}

interface Progress {
  condition?: ['True' | 'False', string, string];
  touch: boolean;
  underWay: boolean;
}

function progressOf(
  { deployment, current, found, deadlinePassed }: StatusInput,
  counts: Counts,
  known: Condition | undefined,
): Progress {
  const name = current?.metadata.name ?? '';
  const has = `ReplicaSet "${name}"`;
  if (deployment.spec?.paused) {
    if (known?.reason === 'DeploymentPaused') return { touch: false, underWay: false };
    return { condition: ['True', 'DeploymentPaused', 'Deployment is paused'], touch: true, underWay: false };
  }
  if (known?.reason === 'DeploymentPaused') {
    return { condition: ['True', 'DeploymentResumed', 'Deployment is resumed'], touch: true, underWay: true };
  }
  if (!current) return { touch: false, underWay: true };
  if (found === 'NewReplicaSetCreated') {
    return { condition: ['True', found, `Created new replica set "${name}"`], touch: true, underWay: true };
  }
  if (found === 'FoundNewReplicaSet') {
    return { condition: ['True', found, `Found new replica set "${name}"`], touch: true, underWay: true };
  }
  // After a completed rollout neither lost Pods nor a changed count begin another one.
  if (known?.reason === 'NewReplicaSetAvailable' && counts.replicas === counts.updatedReplicas)
    return { touch: false, underWay: false };
  if (isComplete(deployment, counts)) {
    return {
      condition: ['True', 'NewReplicaSetAvailable', `${has} has successfully progressed.`],
      touch: true,
      underWay: false,
    };
  }
  if (hasProgressed(deployment.status ?? {}, counts)) {
    return { condition: ['True', 'ReplicaSetUpdated', `${has} is progressing.`], touch: true, underWay: true };
  }
  if (deadlinePassed && known?.reason !== 'NewReplicaSetAvailable') {
    const condition: Progress['condition'] = ['False', 'ProgressDeadlineExceeded', `${has} has timed out progressing.`];
    return { condition, touch: false, underWay: false };
  }
  return { touch: false, underWay: known?.reason !== 'ProgressDeadlineExceeded' };
}

type Counts = { replicas: number; updatedReplicas: number; readyReplicas: number; availableReplicas: number };

function isComplete(deployment: Deployment, counts: Counts): boolean {
  const replicas = deployment.spec?.replicas ?? 1;
  return counts.updatedReplicas === replicas && counts.replicas === replicas && counts.availableReplicas >= replicas;
}

function hasProgressed(before: DeploymentStatus, now: Counts): boolean {
  const old = (before.replicas ?? 0) - (before.updatedReplicas ?? 0);
  return (
    now.updatedReplicas > (before.updatedReplicas ?? 0) ||
    now.replicas - now.updatedReplicas < old ||
    now.readyReplicas > (before.readyReplicas ?? 0) ||
    now.availableReplicas > (before.availableReplicas ?? 0)
  );
}

const isRolling = (deployment: Deployment) => deployment.spec?.strategy?.type !== 'Recreate';

/** Whether writing the status would change anything; zero counts and absent ones are the same. */
export function sameStatus(a: DeploymentStatus | undefined, b: DeploymentStatus): boolean {
  const plain = (status: DeploymentStatus | undefined) =>
    canonicalJson(
      Object.fromEntries(Object.entries(status ?? {}).filter(([, value]) => value !== 0 && value !== undefined)),
    );
  return plain(a) === plain(b);
}
