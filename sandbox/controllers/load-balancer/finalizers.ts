import { isConflict, isNotFound, type KubeClient } from '../client.ts';
import { type Ingress, isBeingDeleted, pathTo, resources } from '../objects.ts';

const ATTEMPTS = 4;

/** Adds the finalizer; an Ingress that is gone or going is left alone. */
export function addFinalizer(client: KubeClient, ingress: Ingress, finalizer: string): Promise<void> {
  return change(client, ingress, (live, finalizers) =>
    isBeingDeleted(live) || finalizers.includes(finalizer) ? finalizers : [...finalizers, finalizer],
  );
}

/** Removes the finalizer; harmless when it or the Ingress is gone. */
export function removeFinalizer(client: KubeClient, ingress: Ingress, finalizer: string): Promise<void> {
  return change(client, ingress, (_live, finalizers) => finalizers.filter((candidate) => candidate !== finalizer));
}

/** Changes the list of finalizers under the version it was read with, again from the live object after a conflict. */
async function change(
  client: KubeClient,
  ingress: Ingress,
  next: (live: Ingress, finalizers: string[]) => string[],
): Promise<void> {
  let live: Ingress | undefined = ingress;
  for (let attempt = 1; live && live.metadata.uid === ingress.metadata.uid; attempt += 1) {
    const before = live.metadata.finalizers ?? [];
    const finalizers = next(live, before);
    if (finalizers.length === before.length) return;
    try {
      const { resourceVersion } = live.metadata;
      await client.merge(pathTo(resources.ingresses, ingress), { metadata: { resourceVersion, finalizers } });
      return;
    } catch (error) {
      if (isNotFound(error)) return;
      if (!isConflict(error) || attempt === ATTEMPTS) throw error;
      live = await client.find<Ingress>(pathTo(resources.ingresses, ingress));
    }
  }
}
