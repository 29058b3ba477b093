import type { V1ReplicaSetStatus } from '@kubernetes/client-node';
import type { SimulatedClock } from '../../clock.ts';
import { isNotFound, KubeApiError, type KubeClient } from '../client.ts';
import type { EventRecorder } from '../events.ts';
import {
  canonicalJson,
  controllerOf,
  isBeingDeleted,
  isReady,
  type Pod,
  pathOf,
  pathTo,
  type ReplicaSet,
  resources,
  selects,
  type Wire,
} from '../objects.ts';
import type { Reflector } from '../watch.ts';

type Status = Wire<V1ReplicaSetStatus>;

export interface ReplicaSetsOptions {
  client: KubeClient;
  clock: SimulatedClock;
  recorder: EventRecorder;
  replicaSets: Reflector<ReplicaSet>;
  pods: Reflector<Pod>;
  /** A number in [0, 1), for Pod names. */
  random: () => number;
}

/** The ReplicaSet controller: as many Pods as desired, and their counts in the status. */
export class ReplicaSets {
  readonly #options: ReplicaSetsOptions;
  /** Since when each Pod is ready, in machine milliseconds: finer than the seconds of its conditions. */
  readonly #readySince = new Map<string, number>();

  constructor(options: ReplicaSetsOptions) {
    this.#options = options;
  }

  /** Moves one ReplicaSet to its count; returns after how many real milliseconds a Pod becomes available. */
  async reconcile(namespace: string, name: string): Promise<number | undefined> {
    const set = this.#options.replicaSets.get(namespace, name);
    if (!set?.spec) return undefined;
    const cached = activePods(set, this.#options.pods.values());
    let failure: string | undefined;
    const desired = set.spec.replicas ?? 1;
    if (cached.length !== desired && !isBeingDeleted(set)) failure = await this.#adjust(set, desired);
    // Counts come from the cache alone: what was just created or deleted is counted when its event arrives.
    const { status, availableInMs } = this.#statusOf(set, cached, failure);
    if (!sameStatus(set.status, status)) {
      await this.#options.client.merge(pathTo(resources.replicaSets, set, 'status'), { status });
    }
    if (failure !== undefined) throw new Error(failure);
    return availableInMs;
  }

  podGone(uid: string): void {
    this.#readySince.delete(uid);
  }

  /** Creates or deletes Pods. The cache may lag behind our own writes, so the API server is asked before anything is done. */
  async #adjust(set: ReplicaSet, desired: number): Promise<string | undefined> {
    const { client, recorder } = this.#options;
    const labelSelector = Object.entries(set.spec?.selector.matchLabels ?? {})
      .map(([key, value]) => `${key}=${value}`)
      .join(',');
    const page = await client.list<Pod>(resources.pods, { labelSelector }, false, set.metadata.namespace);
    const live = activePods(set, page.items ?? []);
    for (const pod of inDeletionOrder(live).slice(0, Math.max(0, live.length - desired))) {
      await client
        .remove(pathTo(resources.pods, pod), { preconditions: { uid: pod.metadata.uid } })
        .catch((error: unknown) => {
          if (!isNotFound(error)) throw error;
        });
      recorder.normal(set, 'SuccessfulDelete', `Deleted pod: ${pod.metadata.name}`);
    }
    for (let missing = desired - live.length; missing > 0; missing -= 1) {
      try {
        const pod = await client.create<Pod>(pathOf(resources.pods, set.metadata.namespace), this.#podOf(set));
        recorder.normal(set, 'SuccessfulCreate', `Created pod: ${pod.metadata.name}`);
      } catch (error) {
        if (!(error instanceof KubeApiError) || error.status === 404) throw error;
        if (/being terminated/.test(error.message)) return undefined;
        recorder.warning(set, 'FailedCreate', `Error creating: ${error.message}`);
        return error.message;
      }
    }
    return undefined;
  }

  #podOf(set: ReplicaSet): unknown {
    const { name, namespace, uid } = set.metadata;
    const template = set.spec?.template;
    return {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: {
        name: `${name}-${this.#suffix()}`,
        generateName: `${name}-`,
        namespace,
        labels: template?.metadata?.labels,
        annotations: template?.metadata?.annotations,
        ownerReferences: [
          { apiVersion: 'apps/v1', kind: 'ReplicaSet', name, uid, controller: true, blockOwnerDeletion: true },
        ],
      },
      spec: template?.spec,
    };
  }

  #suffix(): string {
    const alphabet = 'bcdfghjklmnpqrstvwxz2456789';
    return Array.from({ length: 5 }, () => alphabet[Math.floor(this.#options.random() * alphabet.length)]).join('');
  }

  #statusOf(
    set: ReplicaSet,
    pods: readonly Pod[],
    failure: string | undefined,
  ): { status: Status; availableInMs?: number } {
    const { clock } = this.#options;
    const now = clock.now();
    const minReadyMs = clock.toRealMs(set.spec?.minReadySeconds ?? 0);
    const waits: number[] = [];
    let ready = 0;
    let available = 0;
    for (const pod of pods) {
      if (!isReady(pod)) {
        this.#readySince.delete(pod.metadata.uid);
        continue;
      }
      ready += 1;
      const since = this.#readySince.get(pod.metadata.uid) ?? now.getTime();
      this.#readySince.set(pod.metadata.uid, since);
      const left = since + minReadyMs - now.getTime();
      if (left <= 0) available += 1;
      else waits.push(left);
    }
    const labels = set.spec?.template?.metadata?.labels;
    const known = set.status?.conditions?.find(({ type }) => type === 'ReplicaFailure');
    const status: Status = {
      replicas: pods.length,
      fullyLabeledReplicas: pods.filter((pod) => selects(labels, pod.metadata.labels)).length,
      readyReplicas: ready,
      availableReplicas: available,
      observedGeneration: set.metadata.generation ?? 0,
      conditions:
        failure === undefined
          ? []
          : [
              {
                type: 'ReplicaFailure',
                status: 'True',
                reason: 'FailedCreate',
                message: failure,
                lastTransitionTime: known?.lastTransitionTime ?? now.toISOString().replace(/\.\d+Z$/, 'Z'),
              },
            ],
    };
    return waits.length > 0 ? { status, availableInMs: Math.min(...waits) } : { status };
  }
}

/** The Pods that count: controlled by the set, not finished and not on their way out. */
export function activePods(set: ReplicaSet, all: readonly Pod[]): Pod[] {
  return all.filter(
    (pod) =>
      controllerOf(pod)?.uid === set.metadata.uid &&
      !isBeingDeleted(pod) &&
      pod.status?.phase !== 'Succeeded' &&
      pod.status?.phase !== 'Failed',
  );
}

/** Least loss first: not scheduled, not running, not ready, cheaper by `pod-deletion-cost`, younger. */
export function inDeletionOrder(pods: readonly Pod[]): Pod[] {
  const cost = (pod: Pod) => Number(pod.metadata.annotations?.['controller.kubernetes.io/pod-deletion-cost'] ?? 0);
  const rank = (pod: Pod): number[] => [
    pod.spec?.nodeName === undefined ? 0 : 1,
    pod.status?.phase === 'Running' ? 1 : 0,
    isReady(pod) ? 1 : 0,
    cost(pod),
    -Date.parse(pod.metadata.creationTimestamp),
  ];
  return [...pods].sort((a, b) => {
    const ranks = rank(b);
    for (const [index, value] of rank(a).entries()) {
      const difference = value - (ranks[index] ?? 0);
      if (difference !== 0) return difference;
    }
    return a.metadata.name < b.metadata.name ? -1 : 1;
  });
}

function sameStatus(a: Status | undefined, b: Status): boolean {
  const plain = (status: Status | undefined) =>
    canonicalJson([
      status?.replicas ?? 0,
      status?.fullyLabeledReplicas ?? 0,
      status?.readyReplicas ?? 0,
      status?.availableReplicas ?? 0,
      status?.observedGeneration ?? 0,
      status?.conditions ?? [],
    ]);
  return plain(a) === plain(b);
}
