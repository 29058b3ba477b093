import type { KubeClient } from '../client.ts';
import { type Autoscaler, type Deployment, isBeingDeleted, keyOf, pathTo, resources } from '../objects.ts';
import { WorkQueue } from '../queue.ts';
import type { Reflector } from '../watch.ts';

export interface AutoscalersOptions {
  client: KubeClient;
  autoscalers: Reflector<Autoscaler>;
  deployments: Reflector<Deployment>;
  log: (line: string) => void;
}

/**
 * The horizontal pod autoscaler of a cluster without load: it keeps the count of its Deployment between minimum and maximum
 * and writes it, as the real one does, through the scale subresource.
 */
export class Autoscalers {
  readonly #options: AutoscalersOptions;
  readonly #queue: WorkQueue;

  constructor(options: AutoscalersOptions) {
    this.#options = options;
    this.#queue = new WorkQueue({
      workers: 2,
      backOff: { firstMs: 10, longestMs: 2_000 },
      onError: (key, error) => options.log(`autoscaler ${key}: ${String(error)}`),
      reconcile: (key) => this.#reconcile(key),
    });
    options.autoscalers.onChange(({ type, object }) => {
      if (type !== 'deleted') this.#queue.add(keyOf(object));
    });
    options.deployments.onChange(({ type, object }) => {
      if (type === 'deleted') return;
      for (const autoscaler of options.autoscalers.values())
        if (targets(autoscaler, object)) this.#queue.add(keyOf(autoscaler));
    });
  }

  pause(): Promise<void> {
    return this.#queue.pause();
  }

  resume(): void {
    for (const autoscaler of this.#options.autoscalers.values()) this.#queue.add(keyOf(autoscaler));
    this.#queue.resume();
  }

  stop(): Promise<void> {
    return this.#queue.stop();
  }

  async #reconcile(key: string): Promise<undefined> {
    const { client, autoscalers, deployments } = this.#options;
    const [namespace = '', name = ''] = key.split('/');
    const autoscaler = autoscalers.get(namespace, name);
    if (!autoscaler?.spec || isBeingDeleted(autoscaler)) return undefined;
    const deployment = deployments.values().find((candidate) => targets(autoscaler, candidate));
    if (!deployment || isBeingDeleted(deployment)) return undefined;
    const { minReplicas = 1, maxReplicas } = autoscaler.spec;
    const now = deployment.spec?.replicas ?? 1;
    const wanted = Math.min(Math.max(now, minReplicas), maxReplicas);
    // Zero replicas switch the real autoscaler off.
    if (now === 0 || wanted === now) return undefined;
    await client.merge(pathTo(resources.deployments, deployment, 'scale'), { spec: { replicas: wanted } });
    return undefined;
  }
}

function targets(autoscaler: Autoscaler, deployment: Deployment): boolean {
  const { kind, name } = autoscaler.spec?.scaleTargetRef ?? {};
  return (
    kind === 'Deployment' &&
    name === deployment.metadata.name &&
    autoscaler.metadata.namespace === deployment.metadata.namespace
  );
}
