import type { SimulatedClock } from '../../clock.ts';
import { isConflict, isNotFound, KubeApiError, type KubeClient } from '../client.ts';
import type { EventRecorder } from '../events.ts';
import {
  controllerOf,
  type Deployment,
  isBeingDeleted,
  pathOf,
  pathTo,
  type ReplicaSet,
  resources,
} from '../objects.ts';
import type { Reflector } from '../watch.ts';
import { deploymentStatus, sameStatus } from './deployment-status.ts';
import {
  currentReplicaSet,
  HASH_LABEL,
  nextScale,
  ownReplicaSets,
  REVISION_ANNOTATION,
  revisionOf,
  templateHash,
} from './rollout.ts';

const DEFAULT_DEADLINE_SECONDS = 600;

export interface DeploymentsOptions {
  client: KubeClient;
  clock: SimulatedClock;
  recorder: EventRecorder;
  deployments: Reflector<Deployment>;
  replicaSets: Reflector<ReplicaSet>;
}

/** The Deployment controller: one ReplicaSet per template, rolled out within maxSurge and maxUnavailable. */
export class Deployments {
  readonly #options: DeploymentsOptions;
  /** When each rollout last moved, in machine milliseconds: finer than the seconds of lastUpdateTime, which short simulated deadlines need. */
  readonly #progressedAt = new Map<string, number>();

  constructor(options: DeploymentsOptions) {
    this.#options = options;
  }

  /** Moves one Deployment a step on; returns after how many real milliseconds its deadline must be looked at. */
  async reconcile(namespace: string, name: string): Promise<number | undefined> {
    const { client, clock, deployments, replicaSets } = this.#options;
    const deployment = deployments.get(namespace, name);
    if (!deployment?.spec) return undefined;
    const own = ownReplicaSets(deployment, replicaSets.values());
    let current = currentReplicaSet(deployment, own);
    let found: 'NewReplicaSetCreated' | 'FoundNewReplicaSet' | undefined;
    if (!isBeingDeleted(deployment)) {
      if (!current && !deployment.spec.paused) {
        current = await this.#createReplicaSet(deployment, own);
        // The cache does not have it yet: counts are taken when it does.
        if (!current) return undefined;
        own.push(current);
        found = 'NewReplicaSetCreated';
      } else if (current && !deployment.spec.paused && (await this.#revise(deployment, current, own)))
        found = 'FoundNewReplicaSet';
      for (const [set, count] of nextScale(deployment, current, own)) {
        const target = own.find(({ metadata }) => metadata.name === set);
        if (target) await this.#scale(deployment, target, count);
      }
    }
    const now = clock.now();
    const deadlineMs = clock.toRealMs(deployment.spec.progressDeadlineSeconds ?? DEFAULT_DEADLINE_SECONDS);
    const result = deploymentStatus({
      deployment,
      current,
      own,
      found,
      now,
      deadlinePassed: this.#msLeft(deployment, deadlineMs) <= 0,
    });
    if (result.progressed) this.#progressedAt.set(deployment.metadata.uid, now.getTime());
    if (!sameStatus(deployment.status, result.status)) {
      await client.merge(pathTo(resources.deployments, deployment, 'status'), { status: result.status });
    }
    if (!isBeingDeleted(deployment)) await this.#trim(deployment, current, own);
    return result.underWay ? Math.max(1, this.#msLeft(deployment, deadlineMs)) : undefined;
  }

  forget(uid: string): void {
    this.#progressedAt.delete(uid);
  }

  #msLeft(deployment: Deployment, deadlineMs: number): number {
    const known = deployment.status?.conditions?.find(({ type }) => type === 'Progressing')?.lastUpdateTime;
    const from =
      this.#progressedAt.get(deployment.metadata.uid) ?? (known === undefined ? undefined : Date.parse(known));
    return from === undefined ? deadlineMs : from + deadlineMs - this.#options.clock.now().getTime();
  }

  async #createReplicaSet(deployment: Deployment, own: readonly ReplicaSet[]): Promise<ReplicaSet | undefined> {
    const { client, recorder } = this.#options;
    const { spec, metadata } = deployment;
    if (!spec) return undefined;
    const collisions = deployment.status?.collisionCount ?? 0;
    const hash = templateHash(spec.template, collisions);
    const name = `${metadata.name}-${hash}`;
    const labels = { ...spec.template.metadata?.labels, [HASH_LABEL]: hash };
    const revision = String(Math.max(0, ...own.map(revisionOf)) + 1);
    // A rollout starts with the Pods that its bounds allow: begin with none and scale in the next pass.
    const body = {
      apiVersion: 'apps/v1',
      kind: 'ReplicaSet',
      metadata: {
        name,
        namespace: metadata.namespace,
        labels,
        annotations: { ...plainAnnotations(metadata.annotations), [REVISION_ANNOTATION]: revision },
        ownerReferences: [
          {
            apiVersion: 'apps/v1',
            kind: 'Deployment',
            name: metadata.name,
            uid: metadata.uid,
            controller: true,
            blockOwnerDeletion: true,
          },
        ],
      },
      spec: {
        replicas: 0,
        ...(spec.minReadySeconds === undefined ? {} : { minReadySeconds: spec.minReadySeconds }),
        selector: { ...spec.selector, matchLabels: { ...spec.selector.matchLabels, [HASH_LABEL]: hash } },
        template: { ...spec.template, metadata: { ...spec.template.metadata, labels } },
      },
    };
    try {
      const created = await client.create<ReplicaSet>(pathOf(resources.replicaSets, metadata.namespace), body);
      await this.#annotate(deployment, revision);
      return created;
    } catch (error) {
      if (isConflict(error)) return this.#resolveCollision(deployment, name, collisions);
      if (error instanceof KubeApiError)
        recorder.warning(
          deployment,
          'ReplicaSetCreateError',
          `Failed to create new replica set "${name}": ${error.message}`,
        );
      throw error;
    }
  }

  /** The name is taken: by our own ReplicaSet that the cache does not have yet, or by a foreign one, which another hash avoids. */
  async #resolveCollision(deployment: Deployment, name: string, collisions: number): Promise<undefined> {
    const { client } = this.#options;
    const taken = await client.find<ReplicaSet>(pathOf(resources.replicaSets, deployment.metadata.namespace, name));
    if (!taken || controllerOf(taken)?.uid === deployment.metadata.uid) return;
    const path = pathTo(resources.deployments, deployment, 'status');
    await client.merge(path, { status: { collisionCount: collisions + 1 } });
  }

  /** Gives a template that is used again the highest revision. Returns whether it was an old one. */
  async #revise(deployment: Deployment, current: ReplicaSet, own: readonly ReplicaSet[]): Promise<boolean> {
    const highest = Math.max(0, ...own.filter((set) => set !== current).map(revisionOf));
    const isOld = revisionOf(current) < highest;
    const revision = String(isOld ? highest + 1 : revisionOf(current));
    if (isOld) {
      const annotations = { [REVISION_ANNOTATION]: revision };
      await this.#options.client.merge(pathTo(resources.replicaSets, current), { metadata: { annotations } });
    }
    await this.#annotate(deployment, revision);
    return isOld;
  }

  async #annotate(deployment: Deployment, revision: string): Promise<void> {
    if (deployment.metadata.annotations?.[REVISION_ANNOTATION] === revision) return;
    const annotations = { [REVISION_ANNOTATION]: revision };
    await this.#options.client.merge(pathTo(resources.deployments, deployment), { metadata: { annotations } });
  }

  async #scale(deployment: Deployment, set: ReplicaSet, count: number): Promise<void> {
    const { client, recorder } = this.#options;
    const before = set.spec?.replicas ?? 1;
    const { resourceVersion } = set.metadata;
    await client.merge(pathTo(resources.replicaSets, set), {
      metadata: { resourceVersion },
      spec: { replicas: count },
    });
    const direction = count > before ? 'up' : 'down';
    recorder.normal(
      deployment,
      'ScalingReplicaSet',
      `Scaled ${direction} replica set ${set.metadata.name} from ${before} to ${count}`,
    );
  }

  /** Old ReplicaSets without Pods go beyond revisionHistoryLimit, oldest first. */
  async #trim(deployment: Deployment, current: ReplicaSet | undefined, own: readonly ReplicaSet[]): Promise<void> {
    const limit = deployment.spec?.revisionHistoryLimit ?? 10;
    const idle = own.filter(
      (set) =>
        set !== current && (set.spec?.replicas ?? 1) === 0 && (set.status?.replicas ?? 0) === 0 && !isBeingDeleted(set),
    );
    for (const set of idle.slice(0, Math.max(0, idle.length - limit))) {
      const options = { propagationPolicy: 'Background', preconditions: { uid: set.metadata.uid } };
      await this.#options.client.remove(pathTo(resources.replicaSets, set), options).catch((error: unknown) => {
        if (!isNotFound(error)) throw error;
      });
    }
  }
}

/** What a ReplicaSet takes over of the Deployment's annotations. */
function plainAnnotations(annotations: Record<string, string> | undefined): Record<string, string> {
  const {
    'kubectl.kubernetes.io/last-applied-configuration': _applied,
    [REVISION_ANNOTATION]: _revision,
    ...rest
  } = annotations ?? {};
  return rest;
}
