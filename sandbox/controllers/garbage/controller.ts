import type { SimulatedClock } from '../../clock.ts';
import type { KubeClient } from '../client.ts';
import type { EventRecorder } from '../events.ts';
import type { KubeObject, Namespace, Resource } from '../objects.ts';
import { WorkQueue } from '../queue.ts';
import { type Change, Reflector } from '../watch.ts';
import { Collector, isStale, type Node } from './collector.ts';
import { Discovery } from './discovery.ts';
import { emptyNamespace } from './namespaces.ts';

export interface GarbageKnobs {
  /** How long after a change an object is looked at, in simulated seconds; default 1. */
  lagSeconds: number;
}

export interface GarbageOptions {
  client: KubeClient;
  clock: SimulatedClock;
  recorder: EventRecorder;
  namespaces: Reflector<Namespace>;
  customResourceDefinitions: Reflector<KubeObject>;
  /** Caches of other controllers, used here too. */
  shared: readonly Reflector<KubeObject>[];
  accepts: (namespace: string | undefined) => boolean;
  log: (line: string) => void;
}

/** Built-in kinds that are watched for owners and dependents, besides those whose caches are shared and all custom ones. */
const BUILT_IN: readonly (readonly [group: string, plural: string])[] = [
  ['', 'configmaps'],
  ['', 'secrets'],
  ['', 'serviceaccounts'],
  ['', 'persistentvolumeclaims'],
  ['apps', 'statefulsets'],
  ['apps', 'daemonsets'],
  ['batch', 'jobs'],
  ['batch', 'cronjobs'],
  ['autoscaling', 'horizontalpodautoscalers'],
  ['policy', 'poddisruptionbudgets'],
  ['networking.k8s.io', 'networkpolicies'],
  ['rbac.authorization.k8s.io', 'roles'],
  ['rbac.authorization.k8s.io', 'rolebindings'],
];
const WORKERS = 4;

/** Garbage collection by owner references, and the deletion of Namespaces. */
export class GarbageController {
  readonly knobs: GarbageKnobs = { lagSeconds: 1 };
  readonly #options: GarbageOptions;
  readonly #discovery: Discovery;
  readonly #collector: Collector;
  readonly #objects: WorkQueue;
  readonly #namespaces: WorkQueue;
  readonly #kinds: WorkQueue;
  readonly #nodes = new Map<string, Node>();
  readonly #dependents = new Map<string, Set<string>>();
  /** Reflectors of our own, by group and plural. */
  readonly #watched = new Map<string, Reflector<KubeObject>>();
  #down = false;

  constructor(options: GarbageOptions) {
    this.#options = options;
    const { client, clock, recorder, log } = options;
    this.#discovery = new Discovery(client);
    this.#collector = new Collector({
      client,
      clock,
      recorder,
      discovery: this.#discovery,
      nodes: this.#nodes,
      dependentsOf: (uid) => this.#dependentsOf(uid),
    });
    const backOff = { firstMs: 20, longestMs: 5_000 };
    const onError = (key: string, error: unknown) => {
      if (!isStale(error)) log(`garbage collector: ${key}: ${String(error)}`);
    };
    this.#objects = new WorkQueue({ workers: WORKERS, backOff, onError, reconcile: (uid) => this.#collect(uid) });
    this.#namespaces = new WorkQueue({ workers: 2, backOff, onError, reconcile: (name) => this.#empty(name) });
    this.#kinds = new WorkQueue({
      workers: 1,
      backOff,
      onError,
      reconcile: async () => void (await this.#watchKinds()),
    });
    for (const reflector of options.shared) this.#follow(reflector);
    options.namespaces.onChange(({ type, object }) => {
      if (type !== 'deleted' && object.status?.phase === 'Terminating') this.#namespaces.add(object.metadata.name);
    });
    options.customResourceDefinitions.onChange((change) => {
      if (change.type === 'modified' || change.type === 'deleted') this.#discovery.forget();
      if (change.type !== 'resync') this.#kinds.addAfter('kinds', 50);
    });
  }

  /** Resolves when every kind is watched. Call it once the shared caches run. */
  start(): Promise<void> {
    return this.#watchKinds();
  }

  async pause(): Promise<void> {
    this.#down = true;
    await Promise.all([this.#objects.pause(), this.#namespaces.pause()]);
  }

  async resume(): Promise<void> {
    this.#down = false;
    this.#objects.resume();
    this.#namespaces.resume();
    for (const [uid, { object }] of this.#nodes) if (isInteresting(object)) this.#objects.add(uid);
    for (const { metadata, status } of this.#options.namespaces.values()) {
      if (status?.phase === 'Terminating') this.#namespaces.add(metadata.name);
    }
  }

  async restart(): Promise<void> {
    await this.pause();
    this.#objects.clear();
    this.#namespaces.clear();
    this.#discovery.forget();
    await this.resume();
  }

  async stop(): Promise<void> {
    await Promise.all([this.#objects.stop(), this.#namespaces.stop(), this.#kinds.stop()]);
    await Promise.all([...this.#watched.values()].map((reflector) => reflector.stop()));
  }

  /** Watches custom kinds that appeared and leaves those that went. */
  async #watchKinds(): Promise<void> {
    const shared = new Set(this.#options.shared.map(({ resource }) => nameOf(resource)));
    // A definition is named after the kind that it defines.
    const custom = new Set(this.#options.customResourceDefinitions.values().map(({ metadata }) => metadata.name));
    this.#discovery.forget();
    const wanted = (await this.#discovery.resources()).filter(
      ({ group, plural, verbs }) =>
        verbs.includes('watch') &&
        verbs.includes('delete') &&
        !shared.has(`${plural}.${group}`) &&
        (custom.has(`${plural}.${group}`) || BUILT_IN.some(([g, p]) => g === group && p === plural)),
    );
    const names = new Set(wanted.map(nameOf));
    for (const [name, reflector] of this.#watched) {
      if (names.has(name)) continue;
      this.#watched.delete(name);
      // First no more changes: an object that came after the drop would count as present for ever.
      await reflector.stop();
      for (const object of reflector.values()) this.#drop(object);
    }
    const { client, accepts, log } = this.#options;
    const started = wanted.flatMap((resource) => {
      if (this.#watched.has(nameOf(resource))) return [];
      const accept = ({ metadata }: KubeObject) => accepts(metadata.namespace);
      const reflector = new Reflector<KubeObject>({ client, resource, accept, metadataOnly: true, log });
      this.#watched.set(nameOf(resource), reflector);
      this.#follow(reflector);
      return [reflector.start()];
    });
    await Promise.all(started);
  }

  #follow(reflector: Reflector<KubeObject>): void {
    reflector.onChange((change) => this.#changed(reflector.resource, change));
  }

  #changed(resource: Resource, { type, object, previous }: Change<KubeObject>): void {
    const { uid } = object.metadata;
    if (previous && previous.metadata.uid !== uid) this.#drop(previous);
    if (type === 'deleted') {
      this.#drop(object);
      return;
    }
    this.#unlink(uid);
    this.#nodes.set(uid, { resource, object });
    for (const owner of object.metadata.ownerReferences ?? []) {
      const dependents = this.#dependents.get(owner.uid) ?? new Set();
      this.#dependents.set(owner.uid, dependents.add(uid));
    }
    if (isInteresting(object)) this.#later(uid);
  }

  /** An object is gone: its dependents have lost an owner, and an owner that waits for it may go. */
  #drop(object: KubeObject): void {
    const { uid } = object.metadata;
    this.#unlink(uid);
    this.#nodes.delete(uid);
    for (const dependent of this.#dependents.get(uid) ?? []) this.#later(dependent);
    for (const owner of object.metadata.ownerReferences ?? []) this.#later(owner.uid);
  }

  #unlink(uid: string): void {
    for (const owner of this.#nodes.get(uid)?.object.metadata.ownerReferences ?? []) {
      const dependents = this.#dependents.get(owner.uid);
      dependents?.delete(uid);
      if (dependents?.size === 0) this.#dependents.delete(owner.uid);
    }
  }

  #later(uid: string): void {
    if (!this.#down) this.#objects.addAfter(uid, this.#options.clock.toRealMs(this.knobs.lagSeconds));
  }

  #dependentsOf(uid: string): Node[] {
    return [...(this.#dependents.get(uid) ?? [])].flatMap((dependent) => this.#nodes.get(dependent) ?? []);
  }

  async #collect(uid: string): Promise<number | undefined> {
    const node = this.#nodes.get(uid);
    if (!node) return undefined;
    const again = await this.#collector.collect(node);
    return again ? Math.max(200, this.#options.clock.toRealMs(5)) : undefined;
  }

  async #empty(name: string): Promise<number | undefined> {
    const namespace = this.#options.namespaces.get(undefined, name);
    if (namespace?.status?.phase !== 'Terminating') return undefined;
    const left = await emptyNamespace(this.#options.client, this.#discovery, namespace);
    return left ? Math.max(100, this.#options.clock.toRealMs(1)) : undefined;
  }
}

const nameOf = ({ group, plural }: Resource) => `${plural}.${group}`;
/** Whether an object can be a case for the collector: it has owners, or it goes and waits for something. */
const isInteresting = ({ metadata }: KubeObject) =>
  (metadata.ownerReferences?.length ?? 0) > 0 ||
  (metadata.deletionTimestamp !== undefined && (metadata.finalizers?.length ?? 0) > 0);
