import { isNotFound, KubeApiError, type KubeClient } from '../client.ts';
import type { Resource } from '../objects.ts';

/** A kind as discovery shows it. */
export interface DiscoveredResource extends Resource {
  verbs: string[];
}

interface AggregatedDiscovery {
  items: {
    metadata?: { name?: string };
    versions: {
      version: string;
      resources?: { resource: string; scope: string; verbs: string[]; responseKind?: { kind: string } }[];
    }[];
  }[];
}

const ACCEPT = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList';

/** Every kind that the API server serves, each in its preferred version, by two requests. */
export async function discover(client: KubeClient): Promise<DiscoveredResource[]> {
  const lists = await Promise.all(
    ['/api', '/apis'].map((path) => client.get<AggregatedDiscovery>(path, undefined, ACCEPT)),
  );
  const found = new Map<string, DiscoveredResource>();
  for (const { items } of lists) {
    for (const { metadata, versions } of items) {
      const group = metadata?.name ?? '';
      for (const { version, resources = [] } of versions) {
        for (const { resource, scope, verbs, responseKind } of resources) {
          const key = `${group}/${resource}`;
          if (found.has(key)) continue;
          found.set(key, {
            group,
            version,
            plural: resource,
            kind: responseKind?.kind ?? '',
            namespaced: scope === 'Namespaced',
            verbs,
          });
        }
      }
    }
  }
  return [...found.values()];
}

/** Discovery that is asked again when a kind is missing or after `maxAgeMs`. */
export class Discovery {
  readonly #client: KubeClient;
  readonly #maxAgeMs: number;
  #known: { at: number; resources: Promise<DiscoveredResource[]> } | undefined;

  constructor(client: KubeClient, maxAgeMs = 30_000) {
    this.#client = client;
    this.#maxAgeMs = maxAgeMs;
  }

  resources(): Promise<DiscoveredResource[]> {
    if (!this.#known || Date.now() - this.#known.at > this.#maxAgeMs) {
      const resources = discover(this.#client);
      this.#known = { at: Date.now(), resources };
      resources.catch(() => this.forget());
    }
    return this.#known.resources;
  }

  forget(): void {
    this.#known = undefined;
  }

  /** The kind of an owner reference, undefined when the server does not serve it. */
  async find(apiVersion: string, kind: string): Promise<DiscoveredResource | undefined> {
    const [first = '', second] = apiVersion.split('/');
    const group = second === undefined ? '' : first;
    const version = second ?? first;
    const search = async () =>
      (await this.resources()).find((candidate) => candidate.group === group && candidate.kind === kind);
    let found = await search();
    if (!found) {
      this.forget();
      found = await search();
    }
    return found && { ...found, version };
  }
}

/** Whether a call failed because its kind is no longer served. */
export const isNotServed = (error: unknown): boolean =>
  isNotFound(error) || (error instanceof KubeApiError && error.status === 405);
