import type { InstanceCounts } from '../../contract/deployment/status.ts';

/** Whether the instances of a side are ready (specs: deployment, section 8). */

/** A Deployment as the API server gives it, as far as counting goes. */
export interface FoundDeployment {
  metadata?: { name?: string; generation?: number };
  spec?: { replicas?: number };
  status?: {
    observedGeneration?: number;
    replicas?: number;
    readyReplicas?: number;
    availableReplicas?: number;
    updatedReplicas?: number;
    conditions?: { type: string; status: string; reason?: string; message?: string }[];
  };
}

export type InstancesVerdict =
  | { kind: 'ready'; counts: InstanceCounts }
  | { kind: 'waiting'; counts: InstanceCounts; words: string }
  /** No time will cure it. */
  | { kind: 'failed'; counts: InstanceCounts; words: string };

const NONE: InstanceCounts = { desired: 0, launched: 0, ready: 0, available: 0, updated: 0 };

/** Status fields that are missing count 0. */
export function countsOf({ spec, status }: FoundDeployment): InstanceCounts {
  return {
    desired: spec?.replicas ?? 1,
    launched: status?.replicas ?? 0,
    ready: status?.readyReplicas ?? 0,
    available: status?.availableReplicas ?? 0,
    updated: status?.updatedReplicas ?? 0,
  };
}

/** `planned`: the count that was asked for; an autoscaler may want more. Undefined: the Deployment does not exist. */
export function judgeInstances(found: FoundDeployment | undefined, planned: number): InstancesVerdict {
  if (!found)
    return { kind: 'failed', counts: NONE, words: 'the Deployment was deleted while its instances were awaited' };
  const counts = countsOf(found);
  const { desired, ready, available, updated } = counts;
  const observed = (found.status?.observedGeneration ?? 0) >= (found.metadata?.generation ?? 0);
  const failing = found.status?.conditions?.find(({ type, status }) => type === 'Progressing' && status === 'False');
  // Until the generation is observed the conditions speak of the one before: of what a corrected repeat has replaced.
  if (observed && failing?.reason === 'ProgressDeadlineExceeded') {
    return { kind: 'failed', counts, words: `the Deployment makes no progress: ${failing.message ?? failing.reason}` };
  }
  const complete = desired > 0 && desired >= planned && [available, updated, ready].every((count) => count === desired);
  if (observed && complete) return { kind: 'ready', counts };
  return { kind: 'waiting', counts, words: observed ? sayCounts(counts) : 'the Deployment is not observed yet' };
}

/** `3/5 ready, 3 available, 4 updated, 5 launched`. */
export function sayCounts({ desired, launched, ready, available, updated }: InstanceCounts): string {
  return `${ready}/${desired} ready, ${available} available, ${updated} updated, ${launched} launched`;
}

/** A new count for a side: the autoscaler's minimum when there is one, which it would undo on the Deployment. */
export function scalePatch(
  autoscaler: { minReplicas?: number; maxReplicas: number } | undefined,
  count: number,
):
  | { of: 'HorizontalPodAutoscaler'; spec: { minReplicas: number; maxReplicas: number } }
  | { of: 'Deployment'; spec: { replicas: number } } {
  if (!autoscaler) return { of: 'Deployment', spec: { replicas: count } };
  const maxReplicas = Math.max(autoscaler.maxReplicas, count);
  return { of: 'HorizontalPodAutoscaler', spec: { minReplicas: count, maxReplicas } };
}
