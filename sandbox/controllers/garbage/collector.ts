import type { SimulatedClock } from '../../clock.ts';
import { isConflict, isNotFound, type KubeClient, METADATA_ONLY } from '../client.ts';
import type { EventRecorder } from '../events.ts';
import { isBeingDeleted, type KubeObject, type OwnerReference, pathOf, type Resource } from '../objects.ts';
import type { Discovery } from './discovery.ts';

export const FOREGROUND = 'foregroundDeletion';
export const ORPHAN = 'orphan';

/** An object with the kind that it is served as. */
export interface Node {
  resource: Resource;
  object: KubeObject;
}

export interface CollectorOptions {
  client: KubeClient;
  clock: SimulatedClock;
  recorder: EventRecorder;
  discovery: Discovery;
  /** The graph of cached objects, by uid. */
  nodes: ReadonlyMap<string, Node>;
  dependentsOf: (uid: string) => Node[];
}

/**
 * Decides about one object at a time by its owner references. That an owner lives it takes from the cache, as the real one does: when the owner goes, its
 * dependents are looked at again. That an owner is gone only a live read says, so that nothing is deleted because a cache is behind.
 */
export class Collector {
  readonly #options: CollectorOptions;

  constructor(options: CollectorOptions) {
    this.#options = options;
  }

  /** Returns true when it must be looked at again later. */
  async collect(node: Node): Promise<boolean> {
    const finalizers = node.object.metadata.finalizers ?? [];
    if (isBeingDeleted(node.object)) {
      if (finalizers.includes(ORPHAN)) return this.#orphan(node);
      if (finalizers.includes(FOREGROUND)) return this.#foreground(node);
      return false;
    }
    return this.#background(node);
  }

  /** Deletes the object when it has owners and none of them lives. */
  async #background({ resource, object }: Node): Promise<boolean> {
    const owners = object.metadata.ownerReferences ?? [];
    if (owners.length === 0) return false;
    const states = await Promise.all(owners.map((owner) => this.#stateOf(object, owner)));
    const waiting = owners.some((owner, index) => states[index] === 'deleting-dependents' && owner.blockOwnerDeletion);
    if (states.some((state) => state === 'unknown')) return true;
    if (states.some((state) => state === 'living')) {
      const gone = owners.filter((_owner, index) => states[index] !== 'living');
      if (gone.length > 0) await this.#dropReferences(resource, object, gone);
      return false;
    }
    const hasOrphan = object.metadata.finalizers?.includes(ORPHAN);
    const hasDependents = this.#options.dependentsOf(object.metadata.uid).length > 0;
    // Below an owner that goes in the foreground a dependent with dependents goes in the foreground too.
    const propagationPolicy = hasOrphan ? 'Orphan' : waiting && hasDependents ? 'Foreground' : 'Background';
    await this.#remove(resource, object, propagationPolicy);
    return false;
  }

  async #stateOf(
    object: KubeObject,
    owner: OwnerReference,
  ): Promise<'living' | 'deleting-dependents' | 'absent' | 'unknown'> {
    const { client, discovery, recorder, nodes } = this.#options;
    const { namespace } = object.metadata;
    const cached = nodes.get(owner.uid)?.object;
    if (cached && isMeant(cached, owner, namespace) && !waitsForDependents(cached)) return 'living';
    const kind = await discovery.find(owner.apiVersion, owner.kind);
    if (!kind) return 'unknown';
    if (kind.namespaced && namespace === undefined) return 'unknown';
    if (kind.namespaced && cached && cached.metadata.namespace !== namespace) {
      const text = `ownerRef [${owner.apiVersion}/${owner.kind}, namespace: ${namespace}, name: ${owner.name}, uid: ${owner.uid}] does not exist in namespace "${namespace}"`;
      recorder.warning(object, 'OwnerRefInvalidNamespace', text);
    }
    const live = await client.find<KubeObject>(
      pathOf(kind, kind.namespaced ? namespace : undefined, owner.name),
      METADATA_ONLY.object,
    );
    if (!live || live.metadata.uid !== owner.uid) return 'absent';
    return waitsForDependents(live) ? 'deleting-dependents' : 'living';
  }

  /** Deletes the dependents; once no blocking one is left the owner may go. */
  async #foreground(node: Node): Promise<boolean> {
    const { uid } = node.object.metadata;
    const dependents = this.#options.dependentsOf(uid);
    for (const { resource, object } of dependents) {
      if (isBeingDeleted(object)) continue;
      const hasDependents = this.#options.dependentsOf(object.metadata.uid).length > 0;
      const others = (object.metadata.ownerReferences ?? []).filter((owner) => owner.uid !== uid);
      const states = await Promise.all(others.map((owner) => this.#stateOf(object, owner)));
      const own = object.metadata.ownerReferences?.filter((owner) => owner.uid === uid) ?? [];
      if (states.includes('living') || states.includes('unknown')) await this.#dropReferences(resource, object, own);
      else await this.#remove(resource, object, hasDependents ? 'Foreground' : 'Background');
    }
    const blocking = dependents.some(({ object }) =>
      object.metadata.ownerReferences?.some((owner) => owner.uid === uid && owner.blockOwnerDeletion === true),
    );
    if (blocking) return true;
    await this.#dropFinalizer(node, FOREGROUND);
    return false;
  }

  async #orphan(node: Node): Promise<boolean> {
    const { uid } = node.object.metadata;
    for (const { resource, object } of this.#options.dependentsOf(uid)) {
      const own = object.metadata.ownerReferences?.filter((owner) => owner.uid === uid) ?? [];
      await this.#dropReferences(resource, object, own);
    }
    await this.#dropFinalizer(node, ORPHAN);
    return false;
  }

  async #remove(resource: Resource, object: KubeObject, propagationPolicy: string): Promise<void> {
    const { uid, resourceVersion } = object.metadata;
    const path = pathOf(resource, object.metadata.namespace, object.metadata.name);
    try {
      // The version too: whoever gave the object another owner meanwhile keeps it.
      await this.#options.client.remove(path, { propagationPolicy, preconditions: { uid, resourceVersion } });
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }

  async #dropReferences(resource: Resource, object: KubeObject, gone: readonly OwnerReference[]): Promise<void> {
    const { resourceVersion, ownerReferences = [] } = object.metadata;
    const kept = ownerReferences.filter((owner) => !gone.some(({ uid }) => uid === owner.uid));
    await this.#merge(resource, object, { metadata: { resourceVersion, ownerReferences: kept } });
  }

  async #dropFinalizer({ resource, object }: Node, finalizer: string): Promise<void> {
    const { resourceVersion, finalizers = [] } = object.metadata;
    const kept = finalizers.filter((candidate) => candidate !== finalizer);
    await this.#merge(resource, object, { metadata: { resourceVersion, finalizers: kept } });
  }

  async #merge(resource: Resource, object: KubeObject, body: unknown): Promise<void> {
    try {
      await this.#options.client.merge(pathOf(resource, object.metadata.namespace, object.metadata.name), body);
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }
}

/** Whether the reference, from an object in `namespace`, fits in all that it says, besides the uid. */
const isMeant = ({ apiVersion, kind, metadata }: KubeObject, owner: OwnerReference, namespace: string | undefined) =>
  apiVersion === owner.apiVersion &&
  kind === owner.kind &&
  metadata.name === owner.name &&
  (metadata.namespace === undefined || metadata.namespace === namespace);

const waitsForDependents = (owner: KubeObject) =>
  isBeingDeleted(owner) && owner.metadata.finalizers?.includes(FOREGROUND) === true;

/** A version that moved on is no failure: the change that moved it brings the object back here. */
export const isStale = isConflict;
