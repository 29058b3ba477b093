import type { Failure } from '../../contract/failures.ts';
import { DEPLOYMENT_ID_LABEL, SCOPE_ID_LABEL } from '../../contract/names.ts';

/** What is removed with a side, and how its end is judged (specs: deployment, section 10). */

/** Kinds that carry `deployment_id`, in the order of removal: what leads to pods first, the pods' owner last. */
export const sideKinds = [
  { apiVersion: 'networking.k8s.io/v1', kind: 'Ingress' },
  { apiVersion: 'v1', kind: 'Service' },
  { apiVersion: 'autoscaling/v2', kind: 'HorizontalPodAutoscaler' },
  { apiVersion: 'policy/v1', kind: 'PodDisruptionBudget' },
  { apiVersion: 'apps/v1', kind: 'Deployment' },
] as const;

/** One object that will be deleted: only the one with this uid is ours to delete. */
export interface InventoryItem {
  apiVersion: string;
  kind: string;
  namespace: string;
  name: string;
  uid: string;
}

export interface FoundObject {
  apiVersion?: string;
  kind?: string;
  metadata?: {
    name?: string;
    namespace?: string;
    uid?: string;
    labels?: Record<string, string>;
    finalizers?: string[];
    deletionTimestamp?: string | Date;
  };
}

/** Label selector of the objects of one side; without an id, of all sides of the scope. */
export function sideSelector(scopeId: string, deploymentId?: string): string {
  const side = deploymentId === undefined ? DEPLOYMENT_ID_LABEL : `${DEPLOYMENT_ID_LABEL}=${deploymentId}`;
  return `${SCOPE_ID_LABEL}=${scopeId},${side}`;
}

/** The found objects that belong to the given sides of the scope, by their labels, in the order of removal. */
export function inventory(
  scopeId: string,
  deploymentIds: readonly string[],
  found: readonly FoundObject[],
): InventoryItem[] {
  const items = found.flatMap(({ apiVersion = '', kind = '', metadata }) => {
    const labels = metadata?.labels ?? {};
    const own = labels[SCOPE_ID_LABEL] === scopeId && deploymentIds.includes(labels[DEPLOYMENT_ID_LABEL] ?? '');
    const { name, namespace, uid } = metadata ?? {};
    if (!own || name === undefined || namespace === undefined || uid === undefined) return [];
    return sideKinds.some((one) => one.kind === kind) ? [{ apiVersion, kind, namespace, name, uid }] : [];
  });
  const rank = (kind: string) => sideKinds.findIndex((one) => one.kind === kind);
  return items.sort((a, b) => rank(a.kind) - rank(b.kind) || (a.name < b.name ? -1 : 1));
}

/** Both, each object once: what an earlier look found counts also when it is gone by now. */
export function united(earlier: readonly InventoryItem[], found: readonly InventoryItem[]): InventoryItem[] {
  const known = new Set(earlier.map(({ uid }) => uid));
  return [...earlier, ...found.filter(({ uid }) => !known.has(uid))];
}

/** Deployment ids on objects of the scope. */
export function deploymentIdsOf(scopeId: string, found: readonly FoundObject[]): string[] {
  const ids = found.flatMap(({ metadata }) => {
    const id = metadata?.labels?.[DEPLOYMENT_ID_LABEL];
    return metadata?.labels?.[SCOPE_ID_LABEL] === scopeId && id ? [id] : [];
  });
  return [...new Set(ids)].sort();
}

/** Whether an object of the inventory is gone: absent, or replaced by one that is not ours. */
export function isGone(item: InventoryItem, live: FoundObject | undefined): boolean {
  return live?.metadata?.uid !== item.uid;
}

/** `RemovalTimeout` with every object that is still there and what holds it. */
export function removalTimeout(
  stuck: readonly { item: InventoryItem; live: FoundObject }[],
  seconds: number,
  controllerSaid?: string,
): Failure {
  const objects = stuck.map(({ item, live }) => ({
    object: `${item.kind} ${item.namespace}/${item.name}`,
    finalizers: live.metadata?.finalizers ?? [],
  }));
  const words = objects.map(({ object, finalizers }) => `${object} (finalizers: ${finalizers.join(', ') || 'none'})`);
  const said = controllerSaid === undefined ? '' : `. Its controller said last: ${controllerSaid}`;
  return {
    type: 'RemovalTimeout',
    message: `still there after ${seconds} s: ${words.join('; ')}${said}. Free what holds them and repeat; finalizers are never edited`,
    details: { objects, ...(controllerSaid === undefined ? {} : { controllerSaid }) },
  };
}
