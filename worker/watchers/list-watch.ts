import { setTimeout as delay } from 'node:timers/promises';
import { type KubeConfig, Watch } from '@kubernetes/client-node';
import type { CustomKind, CustomResources } from '../../activities/kubernetes/custom-resources.ts';
import type { ObjectMeta } from '../../contract/workshop/objects.ts';

export interface WatchedObject {
  metadata?: ObjectMeta;
}

/** What a watch tells. `listed` holds everything there is; it comes first, and again whenever changes may have been missed. */
export interface Listener<T> {
  listed(objects: T[]): void;
  changed(type: 'ADDED' | 'MODIFIED' | 'DELETED', object: T): void;
}

export interface ListWatchOptions {
  kubeConfig: KubeConfig;
  resources: CustomResources;
  /** Absent: all namespaces. */
  namespace?: string;
  /** Milliseconds before the first try after a failure; doubled with each further one. */
  firstBackOffMs: number;
  longestBackOffMs: number;
  onTrouble(message: string): void;
}

const EXPIRED = 410;
const SHORT_WATCH_MS = 1_000;

/**
 * Follows all objects of a kind by list and watch, for ever: a watch that ends goes on from its last version, one that
 * breaks does so after a while, and an expired version (410) begins anew with a list. The client's own informer stays dead
 * after a reset, lists without pages, and cannot be stopped while it waits.
 */
export class ListWatch<T extends WatchedObject> {
  readonly #kind: CustomKind;
  readonly #listener: Listener<T>;
  readonly #options: ListWatchOptions;
  readonly #watch: Watch;
  readonly #stopping = new AbortController();
  #running: Promise<void> | undefined;
  #request: AbortController | undefined;

  constructor(kind: CustomKind, listener: Listener<T>, options: ListWatchOptions) {
    this.#kind = kind;
    this.#listener = listener;
    this.#options = options;
    this.#watch = new Watch(options.kubeConfig);
  }

  start(): void {
    this.#running ??= this.#run();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#request?.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    const { firstBackOffMs, longestBackOffMs } = this.#options;
    let version: string | undefined;
    let backOff = firstBackOffMs;
    while (!signal.aborted) {
      try {
        version ??= await this.#list();
        const openedAt = Date.now();
        version = await this.#follow(version);
        backOff = firstBackOffMs;
        // A server that ends every watch at once must not make this loop spin.
        if (Date.now() - openedAt < SHORT_WATCH_MS) await this.#pause(firstBackOffMs);
      } catch (error) {
        if (signal.aborted) return;
        // Whatever broke the watch may have swallowed changes: a list tells.
        version = undefined;
        if (statusOf(error) !== EXPIRED)
          this.#options.onTrouble(
            `watch of ${this.#kind.plural}: ${error instanceof Error ? error.message : String(error)}`,
          );
        await this.#pause(backOff);
        backOff = Math.min(backOff * 2, longestBackOffMs);
      }
    }
  }

  async #pause(ms: number): Promise<void> {
    await delay(ms, undefined, { signal: this.#stopping.signal }).catch(() => undefined);
  }

  async #list(): Promise<string> {
    const { items, resourceVersion } = await this.#options.resources.listWithVersion<T>(this.#kind, {
      namespace: this.#options.namespace,
    });
    this.#listener.listed(items);
    return resourceVersion;
  }

  /** Watches until the server or the client's time-out ends it; answers the version to go on from. */
  #follow(from: string): Promise<string> {
    const query = { resourceVersion: from, allowWatchBookmarks: true };
    let version = from;
    let failure: unknown;
    const take = (type: string, object: T & { code?: number; message?: string }) => {
      if (type === 'ERROR') {
        failure = Object.assign(new Error(object.message ?? 'watch error'), { statusCode: object.code });
        return;
      }
      version = object.metadata?.resourceVersion ?? version;
      if (type !== 'BOOKMARK') this.#listener.changed(type as 'ADDED', object);
    };
    return new Promise((resolve, reject) => {
      const done = (error: unknown) => {
        const cause = failure ?? (isTimeout(error) ? undefined : error);
        if (cause) reject(cause);
        else resolve(version);
      };
      this.#watch.watch(this.#path(), query, take, done).then((request) => {
        this.#request = request;
        if (this.#stopping.signal.aborted) request.abort();
      }, reject);
    });
  }

  #path(): string {
    const { apiVersion, plural } = this.#kind;
    const { namespace } = this.#options;
    return namespace === undefined
      ? `/apis/${apiVersion}/${plural}`
      : `/apis/${apiVersion}/namespaces/${namespace}/${plural}`;
  }
}

/** The client ends a watch that is silent for 30 seconds: that is no trouble. */
function isTimeout(error: unknown): boolean {
  return (error as { name?: string } | null)?.name === 'TimeoutError';
}

function statusOf(error: unknown): number | undefined {
  const { statusCode, status } = error as { statusCode?: number; status?: number };
  return statusCode ?? status;
}
