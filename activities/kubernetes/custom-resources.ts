import { CustomObjectsApi, type KubeConfig, PatchStrategy, setHeaderOptions } from '@kubernetes/client-node';
import { FIELD_MANAGER } from '../../contract/names.ts';
import type { JsonPatch } from '../../domain/workshop/patches.ts';
import { beat } from '../signal.ts';
import { boundedCalls } from './bounded-calls.ts';
import { KubernetesCallError, kubernetesError } from './errors.ts';

/** A namespaced kind of a custom resource. */
export interface CustomKind {
  /** `<group>/<version>`. */
  apiVersion: string;
  kind: string;
  plural: string;
}

interface ListOptions {
  namespace?: string | undefined;
  labelSelector?: string;
}

interface Page<T> {
  items: T[];
  metadata?: { continue?: string; resourceVersion?: string };
}

const PAGE = 500;

/** A list whose pages expire again and again is on a server that keeps no history. */
const MOST_RESTARTS = 5;

const AS_JSON_PATCH = setHeaderOptions('Content-Type', PatchStrategy.JsonPatch);

/**
 * Custom resources as plain JSON, untouched: times stay text. Throws `KubernetesCallError`; every call has a time-out and
 * ends with its activity.
 */
export class CustomResources {
  readonly #api: CustomObjectsApi;

  constructor(kubeConfig: KubeConfig, requestTimeoutMs = 10_000) {
    this.#api = new CustomObjectsApi(boundedCalls(kubeConfig, requestTimeoutMs));
  }

  /** The object, or undefined when the API says that it does not exist. */
  async read<T>(kind: CustomKind, namespace: string, name: string): Promise<T | undefined> {
    try {
      return await this.#call('get', kind, [namespace, name], () =>
        this.#api.getNamespacedCustomObject({ ...where(kind), namespace, name }),
      );
    } catch (error) {
      if (error instanceof KubernetesCallError && error.kind === 'absent') return undefined;
      throw error;
    }
  }

  /**
   * All objects of one moment, in pages of 500; `namespace` absent: of all namespaces. When the moment expires between two
   * pages (410) the list begins anew, so that no object is counted twice or missed.
   */
  async list<T>(kind: CustomKind, options: ListOptions = {}): Promise<T[]> {
    return (await this.listWithVersion<T>(kind, options)).items;
  }

  /** The same, with the version from which a watch goes on. */
  async listWithVersion<T>(
    kind: CustomKind,
    options: ListOptions = {},
  ): Promise<{ items: T[]; resourceVersion: string }> {
    for (let restarts = 0; ; restarts++) {
      try {
        return await this.#listOnce<T>(kind, options);
      } catch (error) {
        if (!(error instanceof KubernetesCallError) || error.status !== 410 || restarts === MOST_RESTARTS) throw error;
      }
    }
  }

  /** JSON Patch on the object, or on its status, as field manager `groundwork`. Answers the object as it is after the patch. */
  async patch<T>(
    kind: CustomKind,
    namespace: string,
    name: string,
    body: JsonPatch,
    options: { status?: boolean; dryRun?: boolean } = {},
  ): Promise<T> {
    const request = {
      ...where(kind),
      namespace,
      name,
      body,
      fieldManager: FIELD_MANAGER,
      fieldValidation: 'Strict',
      ...(options.dryRun ? { dryRun: 'All' } : {}),
    };
    const subresource = options.status ? `${kind.plural}/status` : kind.plural;
    return this.#call('patch', { ...kind, plural: subresource }, [namespace, name], () =>
      options.status
        ? this.#api.patchNamespacedCustomObjectStatus(request, AS_JSON_PATCH)
        : this.#api.patchNamespacedCustomObject(request, AS_JSON_PATCH),
    );
  }

  /** Deletes in the background what still is the given object. `changed`: it is another one, or was written since. */
  async remove(
    kind: CustomKind,
    namespace: string,
    name: string,
    preconditions: { uid: string; resourceVersion?: string },
  ): Promise<'deleted' | 'absent' | 'changed'> {
    try {
      const body = { preconditions, propagationPolicy: 'Background' };
      await this.#call('delete', kind, [namespace, name], () =>
        this.#api.deleteNamespacedCustomObject({ ...where(kind), namespace, name, body }),
      );
      return 'deleted';
    } catch (error) {
      if (error instanceof KubernetesCallError && error.kind === 'absent') return 'absent';
      if (error instanceof KubernetesCallError && error.kind === 'conflict') return 'changed';
      throw error;
    }
  }

  async #listOnce<T>(kind: CustomKind, { namespace, labelSelector }: ListOptions) {
    const items: T[] = [];
    for (let token: string | undefined; ; ) {
      beat();
      const query = {
        ...where(kind),
        limit: PAGE,
        ...(labelSelector ? { labelSelector } : {}),
        ...(token ? { _continue: token } : {}),
      };
      const page = await this.#call<Page<T>>('list', kind, [namespace], () =>
        namespace === undefined
          ? this.#api.listCustomObjectForAllNamespaces({ ...query, resourcePlural: kind.plural })
          : this.#api.listNamespacedCustomObject({ ...query, namespace }),
      );
      items.push(...page.items);
      token = page.metadata?.continue || undefined;
      if (token === undefined) return { items, resourceVersion: page.metadata?.resourceVersion ?? '' };
    }
  }

  async #call<T>(
    verb: string,
    kind: CustomKind,
    place: readonly (string | undefined)[],
    run: () => Promise<unknown>,
  ): Promise<T> {
    try {
      return (await run()) as T;
    } catch (error) {
      const resource = `${kind.plural}.${where(kind).group} ${place.filter(Boolean).join('/')}`.trim();
      throw kubernetesError(error, verb, resource);
    }
  }
}

function where({ apiVersion, plural }: CustomKind) {
  const [group = '', version = ''] = apiVersion.split('/');
  return { group, version, plural };
}
