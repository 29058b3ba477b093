import { isConflict, isNotFound, type KubeClient } from '../client.ts';
import { type KubeObject, type Namespace, pathOf, pathTo, resources } from '../objects.ts';
import { type DiscoveredResource, type Discovery, isNotServed } from './discovery.ts';

const AT_ONCE = 4;

/** Deletes everything in a Namespace that is to go, and finalizes it once it is empty. Returns whether something is left. */
export async function emptyNamespace(client: KubeClient, discovery: Discovery, namespace: Namespace): Promise<boolean> {
  discovery.forget();
  const kinds = (await discovery.resources()).filter(
    ({ namespaced, verbs }) => namespaced && verbs.includes('list') && verbs.includes('delete'),
  );
  let left = 0;
  const waiting = [...kinds];
  const work = async () => {
    for (let kind = waiting.shift(); kind; kind = waiting.shift())
      left += await emptyKind(client, kind, namespace.metadata.name);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  if (left > 0) return true;
  try {
    const body = { ...namespace, spec: { ...namespace.spec, finalizers: [] } };
    await client.replace(pathTo(resources.namespaces, namespace, 'finalize'), body);
  } catch (error) {
    if (isConflict(error)) return true;
    if (!isNotFound(error)) throw error;
  }
  return false;
}

/** Deletes what is there of one kind; returns how many there were. */
async function emptyKind(client: KubeClient, kind: DiscoveredResource, namespace: string): Promise<number> {
  try {
    const { items: found } = await client.list<KubeObject>(kind, { limit: 500 }, true, namespace);
    const items = found ?? [];
    const living = items.filter(({ metadata }) => metadata.deletionTimestamp === undefined);
    if (living.length > 0 && kind.verbs.includes('deletecollection'))
      await client.remove(pathOf(kind, namespace), { propagationPolicy: 'Background' });
    else {
      for (const { metadata } of living) {
        await client.remove(pathOf(kind, namespace, metadata.name)).catch((error: unknown) => {
          if (!isNotFound(error)) throw error;
        });
      }
    }
    return items.length;
  } catch (error) {
    if (isNotServed(error)) return 0;
    throw error;
  }
}
