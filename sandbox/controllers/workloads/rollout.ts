import { createHash } from 'node:crypto';
import { canonicalJson, controllerOf, type Deployment, type PodTemplate, type ReplicaSet } from '../objects.ts';

export const HASH_LABEL = 'pod-template-hash';
export const REVISION_ANNOTATION = 'deployment.kubernetes.io/revision';

/** How far a rolling update may deviate from the desired count, in Pods. */
export interface Bounds {
  maxSurge: number;
  maxUnavailable: number;
}

/** maxSurge rounds up, maxUnavailable down; both zero would never move, so then one may be unavailable. */
export function boundsOf(deployment: Deployment): Bounds {
  const replicas = deployment.spec?.replicas ?? 1;
  const rolling = deployment.spec?.strategy?.rollingUpdate;
  const share = (value: number | string | undefined, round: (count: number) => number) =>
    typeof value === 'number' ? value : round((Number.parseInt(value ?? '25%', 10) / 100) * replicas);
  const maxSurge = share(rolling?.maxSurge, Math.ceil);
  const maxUnavailable = Math.min(share(rolling?.maxUnavailable, Math.floor), replicas);
  return maxSurge === 0 && maxUnavailable === 0 ? { maxSurge, maxUnavailable: 1 } : { maxSurge, maxUnavailable };
}

/** Ten characters that are equal for equal templates. A collision count makes another hash of the same template. */
export function templateHash(template: PodTemplate, collisionCount: number): string {
  const digest = createHash('sha256')
    .update(canonicalJson([plain(template), collisionCount]))
    .digest();
  // Letters and digits that make no words, as Kubernetes names things.
  const alphabet = 'bcdfghjklmnpqrstvwxz2456789';
  return [...digest.subarray(0, 10)].map((byte) => alphabet[byte % alphabet.length]).join('');
}

function plain(template: PodTemplate): unknown {
  const { [HASH_LABEL]: _hash, ...labels } = template.metadata?.labels ?? {};
  const { creationTimestamp: _created, ...metadata } = template.metadata ?? {};
  return { ...template, metadata: { ...metadata, labels } };
}

/** The ReplicaSets that the Deployment controls, oldest first. */
export function ownReplicaSets(deployment: Deployment, all: readonly ReplicaSet[]): ReplicaSet[] {
  return all
    .filter((set) => controllerOf(set)?.uid === deployment.metadata.uid)
    .sort((a, b) => revisionOf(a) - revisionOf(b) || (a.metadata.name < b.metadata.name ? -1 : 1));
}

/** The ReplicaSet of the present template, undefined when it must be created. */
export function currentReplicaSet(deployment: Deployment, own: readonly ReplicaSet[]): ReplicaSet | undefined {
  const wanted = deployment.spec ? canonicalJson(plain(deployment.spec.template)) : '';
  return own.find((set) => set.spec?.template && canonicalJson(plain(set.spec.template)) === wanted);
}

export function revisionOf(object: ReplicaSet | Deployment): number {
  return Number(object.metadata.annotations?.[REVISION_ANNOTATION] ?? 0);
}

/** The next counts of the ReplicaSets, by name; empty when nothing is to change until Pods have moved on. Pure. */
export function nextScale(
  deployment: Deployment,
  current: ReplicaSet | undefined,
  own: readonly ReplicaSet[],
): Map<string, number> {
  const replicas = deployment.spec?.replicas ?? 1;
  const old = own.filter((set) => set !== current);
  if (deployment.spec?.paused) return scaleWhilePaused(replicas, current, own);
  if (!current) return new Map();
  if (deployment.spec?.strategy?.type === 'Recreate') return recreate(replicas, current, old);
  return rollingUpdate(replicas, boundsOf(deployment), current, old);
}

const desired = (set: ReplicaSet) => set.spec?.replicas ?? 1;
const present = (set: ReplicaSet) => set.status?.replicas ?? 0;
const available = (set: ReplicaSet) => set.status?.availableReplicas ?? 0;
const sum = (sets: readonly ReplicaSet[], of: (set: ReplicaSet) => number) =>
  sets.reduce((total, set) => total + of(set), 0);
const one = (set: ReplicaSet, count: number) =>
  desired(set) === count ? new Map<string, number>() : new Map([[set.metadata.name, count]]);

/** A paused rollout still follows the count, with the ReplicaSet that is active, if there is just one. */
function scaleWhilePaused(
  replicas: number,
  current: ReplicaSet | undefined,
  own: readonly ReplicaSet[],
): Map<string, number> {
  const active = own.filter((set) => desired(set) > 0);
  const [only] = active.length === 0 && current ? [current] : active;
  return active.length <= 1 && only ? one(only, replicas) : new Map();
}

function recreate(replicas: number, current: ReplicaSet, old: readonly ReplicaSet[]): Map<string, number> {
  const active = old.filter((set) => desired(set) > 0);
  if (active.length > 0) return new Map(active.map((set) => [set.metadata.name, 0]));
  return sum(old, present) > 0 ? new Map() : one(current, replicas);
}

function rollingUpdate(
  replicas: number,
  bounds: Bounds,
  current: ReplicaSet,
  old: readonly ReplicaSet[],
): Map<string, number> {
  if (desired(current) > replicas) return one(current, replicas);
  const all = [current, ...old];
  const room = replicas + bounds.maxSurge - sum(all, desired);
  const growth = Math.min(room, replicas - desired(current));
  if (growth > 0) return one(current, desired(current) + growth);
  return shrinkOld(replicas - bounds.maxUnavailable, current, old);
}

/** Old Pods go as far as the minimum of available ones allows: those that are not available first. */
function shrinkOld(minimum: number, current: ReplicaSet, old: readonly ReplicaSet[]): Map<string, number> {
  const notYetAvailable = desired(current) - available(current);
  let mayGo = sum([current, ...old], desired) - minimum - notYetAvailable;
  const counts = new Map(old.map((set) => [set.metadata.name, desired(set)]));
  if (mayGo <= 0) return new Map();
  for (const set of old) {
    const unhealthy = Math.min(mayGo, Math.max(0, desired(set) - available(set)));
    counts.set(set.metadata.name, desired(set) - unhealthy);
    mayGo -= unhealthy;
  }
  let surplus = sum([current, ...old], available) - minimum;
  for (const set of old) {
    const left = counts.get(set.metadata.name) ?? 0;
    const step = Math.max(0, Math.min(surplus, mayGo, left));
    counts.set(set.metadata.name, left - step);
    surplus -= step;
    mayGo -= step;
  }
  return new Map(
    [...counts].filter(([name, count]) => old.some((set) => set.metadata.name === name && desired(set) !== count)),
  );
}
