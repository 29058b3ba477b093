import * as http from 'node:http';
import * as https from 'node:https';
import type { KubeConfig } from '@kubernetes/client-node';
import { type KubeObject, pathOf, type Resource } from './objects.ts';

/** An answer of the API server other than 2xx. `reason` is the machine-readable word of its Status, empty without one. */
export class KubeApiError extends Error {
  readonly status: number;
  readonly reason: string;
  constructor(status: number, reason: string, message: string) {
    super(message);
    this.name = 'KubeApiError';
    this.status = status;
    this.reason = reason;
  }
}

export const isNotFound = (error: unknown): boolean => error instanceof KubeApiError && error.status === 404;
export const isConflict = (error: unknown): boolean => error instanceof KubeApiError && error.status === 409;

/** A line of a watch stream. */
export interface WatchEvent {
  type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR';
  object: KubeObject;
}

type Query = Record<string, string | number | boolean | undefined>;

interface RequestOptions {
  query?: Query | undefined;
  body?: unknown;
  contentType?: string;
  accept?: string | undefined;
  signal?: AbortSignal | undefined;
}

/** No byte for so long ends a request: a hanging server must not hang a controller for ever. */
const REQUEST_IDLE_MS = 15_000;
/** Bookmarks come about once a minute; a watch that is silent for longer is dead. */
const WATCH_IDLE_MS = 120_000;

/** Metadata of the objects instead of the objects. */
export const METADATA_ONLY = {
  object: 'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1',
  list: 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1',
} as const;

/**
 * A plain REST client for the Kubernetes API: JSON in and out, untouched. The typed client of `@kubernetes/client-node` drops unknown fields and turns
 * timestamps into dates, which controllers that compare and write back whole objects cannot use; its KubeConfig does the authentication.
 */
export class KubeClient {
  readonly fieldManager: string;
  readonly #config: KubeConfig;
  readonly #server: URL;
  #connection: Promise<{ agent: http.Agent; headers: http.OutgoingHttpHeaders }> | undefined;

  constructor(config: KubeConfig, fieldManager: string) {
    const cluster = config.getCurrentCluster();
    if (!cluster) throw new Error('the kubeconfig has no current cluster');
    this.#config = config;
    this.#server = new URL(cluster.server);
    this.fieldManager = fieldManager;
  }

  get<T>(path: string, query?: Query, accept?: string): Promise<T> {
    return this.#json<T>('GET', path, { query, accept });
  }

  /** The object, or undefined when the server says 404. */
  async find<T>(path: string, accept?: string): Promise<T | undefined> {
    try {
      return await this.get<T>(path, undefined, accept);
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }

  create<T>(path: string, body: unknown): Promise<T> {
    return this.#json<T>('POST', path, { body, query: { fieldManager: this.fieldManager } });
  }

  replace<T>(path: string, body: unknown): Promise<T> {
    return this.#json<T>('PUT', path, { body, query: { fieldManager: this.fieldManager } });
  }

  /** JSON merge patch; with `metadata.resourceVersion` in the body a stale version is a 409. */
  merge<T>(path: string, body: unknown): Promise<T> {
    const query = { fieldManager: this.fieldManager };
    return this.#json<T>('PATCH', path, { body, query, contentType: 'application/merge-patch+json' });
  }

  remove(path: string, options: Record<string, unknown> = {}): Promise<unknown> {
    return this.#json('DELETE', path, { body: { apiVersion: 'v1', kind: 'DeleteOptions', ...options } });
  }

  /** One page of a collection; `continue` in the metadata asks for the next. */
  list<T extends KubeObject>(
    of: Resource,
    query: Query = {},
    metadataOnly = false,
    namespace?: string,
  ): Promise<KubeList<T>> {
    return this.get(pathOf(of, namespace), query, metadataOnly ? METADATA_ONLY.list : undefined);
  }

  /** The events of a watch until it ends (returns), breaks (throws) or `signal` aborts (returns). */
  async *watch(path: string, query: Query, signal: AbortSignal, accept?: string): AsyncGenerator<WatchEvent> {
    const options = { query: { ...query, watch: true, allowWatchBookmarks: true }, accept, signal };
    const response = await this.#send('GET', path, options, WATCH_IDLE_MS);
    if (response.statusCode !== 200) throw errorOf(response.statusCode ?? 0, await textOf(response));
    response.setEncoding('utf8');
    let rest = '';
    try {
      for await (const chunk of response) {
        const lines = (rest + String(chunk)).split('\n');
        rest = lines.pop() ?? '';
        for (const line of lines) if (line !== '') yield JSON.parse(line) as WatchEvent;
      }
    } finally {
      response.destroy();
    }
  }

  /** Closes idle connections; requests under way end by themselves. */
  async close(): Promise<void> {
    (await this.#connection)?.agent.destroy();
  }

  async #json<T>(method: string, path: string, options: RequestOptions): Promise<T> {
    const response = await this.#send(method, path, options, REQUEST_IDLE_MS);
    const status = response.statusCode ?? 0;
    const text = await textOf(response);
    if (status < 200 || status > 299) throw errorOf(status, text);
    return JSON.parse(text) as T;
  }

  async #send(method: string, path: string, options: RequestOptions, idleMs: number): Promise<http.IncomingMessage> {
    this.#connection ??= this.#connect();
    const { agent, headers } = await this.#connection;
    const url = new URL(this.#server.pathname.replace(/\/$/, '') + path, this.#server);
    for (const [name, value] of Object.entries(options.query ?? {})) {
      if (value !== undefined) url.searchParams.set(name, String(value));
    }
    const body = options.body === undefined ? undefined : JSON.stringify(options.body);
    const transport = url.protocol === 'https:' ? https : http;
    return new Promise((resolve, reject) => {
      const request = transport.request(
        url,
        {
          method,
          agent,
          headers: {
            ...headers,
            accept: options.accept ?? 'application/json',
            ...(body === undefined
              ? {}
              : {
                  'content-type': options.contentType ?? 'application/json',
                  'content-length': Buffer.byteLength(body),
                }),
          },
          ...(options.signal ? { signal: options.signal } : {}),
        },
        resolve,
      );
      request.setTimeout(idleMs, () =>
        request.destroy(new Error(`no answer for ${idleMs / 1000} s: ${method} ${path}`)),
      );
      request.on('error', reject);
      request.end(body);
    });
  }

  async #connect(): Promise<{ agent: http.Agent; headers: http.OutgoingHttpHeaders }> {
    const options: https.RequestOptions = {};
    await this.#config.applyToHTTPSOptions(options);
    const { ca, cert, key, pfx, passphrase, rejectUnauthorized, servername } = options;
    const tls = Object.fromEntries(
      Object.entries({ ca, cert, key, pfx, passphrase, rejectUnauthorized, servername }).filter(
        ([, value]) => value !== undefined,
      ),
    );
    const agent =
      this.#server.protocol === 'https:'
        ? new https.Agent({ keepAlive: true, ...tls })
        : new http.Agent({ keepAlive: true });
    return { agent, headers: { ...(options.headers as http.OutgoingHttpHeaders | undefined) } };
  }
}

export interface KubeList<T> {
  metadata: { resourceVersion: string; continue?: string };
  items: T[] | null;
}

async function textOf(response: http.IncomingMessage): Promise<string> {
  response.setEncoding('utf8');
  let text = '';
  for await (const chunk of response) text += String(chunk);
  return text;
}

function errorOf(status: number, text: string): KubeApiError {
  try {
    const body = JSON.parse(text) as { reason?: string; message?: string };
    return new KubeApiError(status, body.reason ?? '', body.message ?? text);
  } catch {
    return new KubeApiError(status, '', text.trim().slice(0, 200));
  }
}
