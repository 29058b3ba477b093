import type { Pod } from '../objects.ts';

/** Annotations of a Pod (put them into the Pod template) that choose how it behaves in the sandbox. */
export const BEHAVIOUR_PREFIX = 'sandbox.groundwork.dev/';

export type PodFailure = 'unschedulable' | 'image-pull' | 'crash-loop' | 'oom' | 'not-ready';
const FAILURES: readonly PodFailure[] = ['unschedulable', 'image-pull', 'crash-loop', 'oom', 'not-ready'];

/** All times in simulated seconds. */
export interface PodBehaviour {
  /** `failure`: what goes wrong. An image name that contains the word chooses it too, `crash-loop-<n>` with exit code n. */
  failure?: PodFailure;
  /** `exit-code` of a crash; default 1. */
  exitCode: number;
  /** `crash-after-seconds`: from start to crash; default 1. */
  crashAfterSeconds: number;
  /** `start-seconds`: from the start of the container to readiness, added to the probe's initial delay; an image name with `slow-start` means 120. */
  startSeconds?: number;
  /** `unready-after-seconds`: after so long of readiness the probe fails. */
  unreadyAfterSeconds?: number;
  /** `recover-after-seconds`: so long after the Pod's creation every failure ends. */
  recoverAfterSeconds?: number;
}

/** The behaviour that annotations, or without them the image name, ask for. Unknown words are ignored. */
export function behaviourOf(pod: Pod): PodBehaviour {
  const read = (name: string) => pod.metadata.annotations?.[BEHAVIOUR_PREFIX + name];
  const seconds = (name: string) => {
    const value = Number(read(name));
    return read(name) !== undefined && Number.isFinite(value) && value >= 0 ? value : undefined;
  };
  const images = (pod.spec?.containers ?? []).map(({ image }) => image ?? '');
  const word = read('failure');
  const failure = FAILURES.find((known) =>
    word === undefined ? images.some((image) => image.includes(known)) : word === known,
  );
  const code = images.map((image) => /crash-loop-(\d+)/.exec(image)?.[1]).find((found) => found !== undefined);
  const startSeconds =
    seconds('start-seconds') ?? (images.some((image) => image.includes('slow-start')) ? 120 : undefined);
  const unreadyAfterSeconds = seconds('unready-after-seconds');
  const recoverAfterSeconds = seconds('recover-after-seconds');
  return {
    ...(failure === undefined ? {} : { failure }),
    exitCode: seconds('exit-code') ?? Number(code ?? 1),
    crashAfterSeconds: seconds('crash-after-seconds') ?? 1,
    ...(startSeconds === undefined ? {} : { startSeconds }),
    ...(unreadyAfterSeconds === undefined ? {} : { unreadyAfterSeconds }),
    ...(recoverAfterSeconds === undefined ? {} : { recoverAfterSeconds }),
  };
}

/** A Secret or ConfigMap that a Pod cannot start without. */
export interface Reference {
  kind: 'Secret' | 'ConfigMap';
  name: string;
  /** The keys it must have. */
  keys: string[];
  /** A missing one stops the container from being created (env) or the volume from being mounted. */
  use: 'env' | 'volume';
}

/** Everything that is not optional in the Pod's environment and volumes. */
export function referencesOf(pod: Pod): Reference[] {
  const references: Reference[] = [];
  const containers = [...(pod.spec?.initContainers ?? []), ...(pod.spec?.containers ?? [])];
  for (const { env, envFrom } of containers) {
    for (const { valueFrom } of env ?? []) {
      const { secretKeyRef: secret, configMapKeyRef: map } = valueFrom ?? {};
      if (secret?.name && !secret.optional)
        references.push({ kind: 'Secret', name: secret.name, keys: [secret.key], use: 'env' });
      if (map?.name && !map.optional)
        references.push({ kind: 'ConfigMap', name: map.name, keys: [map.key], use: 'env' });
    }
    for (const { secretRef: secret, configMapRef: map } of envFrom ?? []) {
      if (secret?.name && !secret.optional)
        references.push({ kind: 'Secret', name: secret.name, keys: [], use: 'env' });
      if (map?.name && !map.optional) references.push({ kind: 'ConfigMap', name: map.name, keys: [], use: 'env' });
    }
  }
  for (const { secret, configMap: map } of pod.spec?.volumes ?? []) {
    if (secret?.secretName && !secret.optional) {
      references.push({
        kind: 'Secret',
        name: secret.secretName,
        keys: (secret.items ?? []).map(({ key }) => key),
        use: 'volume',
      });
    }
    if (map?.name && !map.optional) {
      references.push({
        kind: 'ConfigMap',
        name: map.name,
        keys: (map.items ?? []).map(({ key }) => key),
        use: 'volume',
      });
    }
  }
  return references;
}
