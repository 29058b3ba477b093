import { setTimeout as delay } from 'node:timers/promises';
import { KubeApiError, type KubeClient, METADATA_ONLY, type WatchEvent } from './client.ts';
import { apiVersionOf, type KubeObject, keyOf, pathOf, type Resource } from './objects.ts';

/** What happened to one object. A `resync` repeats an unchanged object, so that a handler can repair what it missed. */
export interface Change<T> {
  type: 'added' | 'modified' | 'deleted' | 'resync';
  object: T;
  previous?: T;
}

export interface ReflectorOptions<T> {
  client: KubeClient;
  resource: Resource;
  /** Objects that it refuses are neither cached nor reported. */
  accept?: (object: T) => boolean;
  metadataOnly?: boolean;
  /** Real milliseconds between two resyncs (complete lists). */
  resyncMs?: number;
  log?: (line: string) => void;
}

/** Waits, or returns early when `signal` aborts. */
const pause = (ms: number, signal: AbortSignal) => delay(ms, undefined, { signal }).catch(() => undefined);

const FIRST_BACK_OFF_MS = 50;
const LONGEST_BACK_OFF_MS = 5_000;
const FIRST_LIST_MS = 30_000;
const PAGE = 500;

/**
 * A cache of one kind, kept fresh by list and watch. Any error restarts it with back-off and never ends it: a watch that breaks goes on from its last
 * resource version, an expired version (410) and every resync list anew and report as deleted what vanished meanwhile.
 */
export class Reflector<T extends KubeObject> {
  readonly resource: Resource;
  readonly #options: ReflectorOptions<T>;
  readonly #objects = new Map<string, T>();
  readonly #listeners = new Set<(change: Change<T>) => void>();
  readonly #stopping = new AbortController();
  readonly #firstList: Promise<void>;
  #listed: () => void = () => undefined;
  #failed: (error: unknown) => void = () => undefined;
  #loop: Promise<void> | undefined;
  #refreshed: (() => void)[] = [];
  /** Ends the present watch, or the wait for the next one. */
  #watching = new AbortController();

  constructor(options: ReflectorOptions<T>) {
    this.#options = options;
    this.resource = options.resource;
    this.#firstList = new Promise((resolve, reject) => {
      this.#listed = resolve;
      this.#failed = reject;
    });
    this.#firstList.catch(() => undefined);
  }

  onChange(listener: (change: Change<T>) => void): void {
    this.#listeners.add(listener);
  }

  /** Begins to list and watch; resolves after the first complete list, rejects with the last error when there is none within 30 s. */
  start(): Promise<void> {
    this.#loop ??= this.#run();
    return this.#firstList;
  }

  /** Lists anew: when it resolves, the cache shows at least what was there at the call. After `stop` it resolves at once. */
  refresh(): Promise<void> {
    if (this.#stopping.signal.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      this.#refreshed.push(resolve);
      this.#watching.abort();
    });
  }

  get(namespace: string | undefined, name: string): T | undefined {
    return this.#objects.get(namespace === undefined ? name : `${namespace}/${name}`);
  }

  values(): T[] {
    return [...this.#objects.values()];
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#listed();
    for (const resolve of this.#refreshed.splice(0)) resolve();
    await this.#loop;
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    let version: string | undefined;
    let listedAt = 0;
    let backOff = FIRST_BACK_OFF_MS;
    const startedAt = Date.now();
    while (!signal.aborted) {
      this.#watching = new AbortController();
      const interrupt = AbortSignal.any([signal, this.#watching.signal]);
      try {
        const resyncMs = this.#options.resyncMs ?? 600_000;
        const asked = this.#refreshed.length;
        const isResync = listedAt > 0 && (version === undefined || Date.now() - listedAt >= resyncMs);
        if (version === undefined || isResync || asked > 0) {
          version = await this.#relist(isResync);
          listedAt = Date.now();
          this.#listed();
          for (const resolve of this.#refreshed.splice(0, asked)) resolve();
        }
        const seconds = Math.max(1, Math.ceil((listedAt + resyncMs - Date.now()) / 1000));
        const query = {
          resourceVersion: version,
          timeoutSeconds: Math.min(seconds, 290 + Math.floor(Math.random() * 20)),
        };
        const accept = this.#options.metadataOnly ? METADATA_ONLY.object : undefined;
        const openedAt = Date.now();
        for await (const event of this.#options.client.watch(pathOf(this.resource), query, interrupt, accept)) {
          version = this.#take(event);
          backOff = FIRST_BACK_OFF_MS;
          if (interrupt.aborted || Date.now() - listedAt >= resyncMs) break;
        }
        // A server that ends every watch at once must not make this loop spin.
        if (Date.now() - openedAt < 1000) await pause(FIRST_BACK_OFF_MS, interrupt);
      } catch (error) {
        if (signal.aborted) break;
        if (this.#watching.signal.aborted && version !== undefined) continue;
        if (error instanceof KubeApiError && error.status === 410) version = undefined;
        else {
          this.#options.log?.(`watch of ${this.resource.plural} broke, again in ${backOff} ms: ${String(error)}`);
          if (listedAt === 0 && Date.now() - startedAt > FIRST_LIST_MS) this.#failed(error);
          await pause(backOff, interrupt);
          backOff = Math.min(backOff * 2, LONGEST_BACK_OFF_MS);
        }
      }
    }
  }

  async #relist(isResync: boolean): Promise<string> {
    const found = new Map<string, T>();
    let next: string | undefined;
    let version = '';
    do {
      const query = { limit: PAGE, continue: next };
      const page = await this.#options.client.list<T>(this.resource, query, this.#options.metadataOnly);
      // An empty list of metadata comes with `items: null`.
      for (const item of page.items ?? []) {
        const object = this.#typed(item);
        if (this.#accepts(object)) found.set(keyOf(object), object);
      }
      version = page.metadata.resourceVersion;
      next = page.metadata.continue || undefined;
    } while (next !== undefined);
    for (const [key, object] of [...this.#objects]) {
      if (found.get(key)?.metadata.uid !== object.metadata.uid) this.#remove(object);
    }
    for (const object of found.values()) this.#store(object, isResync);
    return version;
  }

  /** Applies one event and returns the version to go on from. */
  #take(event: WatchEvent): string {
    if (event.type === 'ERROR') {
      const status = event.object as unknown as { code?: number; reason?: string; message?: string };
      throw new KubeApiError(status.code ?? 500, status.reason ?? '', status.message ?? 'watch error');
    }
    if (event.type !== 'BOOKMARK') {
      const object = this.#typed(event.object as T);
      if (this.#accepts(object)) {
        if (event.type === 'DELETED') this.#remove(object);
        else this.#store(object, false);
      }
    }
    return event.object.metadata.resourceVersion;
  }

  #store(object: T, isResync: boolean): void {
    const key = keyOf(object);
    const previous = this.#objects.get(key);
    this.#objects.set(key, object);
    if (previous === undefined) this.#tell({ type: 'added', object });
    else if (previous.metadata.resourceVersion !== object.metadata.resourceVersion)
      this.#tell({ type: 'modified', object, previous });
    else if (isResync) this.#tell({ type: 'resync', object });
  }

  #remove(object: T): void {
    if (this.#objects.delete(keyOf(object))) this.#tell({ type: 'deleted', object });
  }

  #tell(change: Change<T>): void {
    for (const listener of this.#listeners) {
      try {
        listener(change);
      } catch (error) {
        this.#options.log?.(`handler of ${this.resource.plural} failed: ${String(error)}`);
      }
    }
  }

  #accepts(object: T): boolean {
    return this.#options.accept?.(object) ?? true;
  }

  /** Items of a list come without kind and version, and metadata-only ones with those of their wrapper. */
  #typed(object: T): T {
    return { ...object, apiVersion: apiVersionOf(this.resource), kind: this.resource.kind };
  }
}
