import { type KubeConfig, type KubernetesObject, KubernetesObjectApi, PatchStrategy } from '@kubernetes/client-node';
import { FIELD_MANAGER } from '../../contract/names.ts';
import { boundedCalls } from './bounded-calls.ts';
import { KubernetesCallError, kubernetesError } from './errors.ts';

export interface ObjectRef {
  apiVersion: string;
  kind: string;
  name: string;
  namespace?: string;
}

/** An object as the API gives it, with the fields that every kind has. */
export interface LiveObject extends KubernetesObject {
  metadata?: KubernetesObject['metadata'] & { deletionTimestamp?: Date };
}

/**
 * The few verbs that Groundwork uses, for any kind. Throws `KubernetesCallError`; every call has a time-out and ends with
 * its activity. The client itself retries nothing.
 */
export class KubernetesGateway {
  readonly #api: KubernetesObjectApi;

  constructor(kubeConfig: KubeConfig, requestTimeoutMs = 10_000) {
    this.#api = new KubernetesObjectApi(boundedCalls(kubeConfig, requestTimeoutMs));
  }

  /** Server-side apply as field manager `groundwork`, taking fields from other owners. Twice is harmless: the same object. */
  async apply<T extends KubernetesObject>(object: T): Promise<LiveObject> {
    return this.#call('patch', refOf(object), () =>
      this.#api.patch<KubernetesObject>(
        object,
        undefined,
        undefined,
        FIELD_MANAGER,
        true,
        PatchStrategy.ServerSideApply,
      ),
    );
  }

  /** Creates; an object that exists already is an answer, not an error. */
  async createIfAbsent<T extends KubernetesObject>(object: T): Promise<'created' | 'exists'> {
    try {
      await this.#call('create', refOf(object), () =>
        this.#api.create<KubernetesObject>(object, undefined, undefined, FIELD_MANAGER),
      );
      return 'created';
    } catch (error) {
      if (error instanceof KubernetesCallError && error.kind === 'conflict') return 'exists';
      throw error;
    }
  }

  /** The object, or undefined when the API says that it does not exist. */
  async read(ref: ObjectRef): Promise<LiveObject | undefined> {
    const { name, namespace } = ref;
    const header = {
      apiVersion: ref.apiVersion,
      kind: ref.kind,
      metadata: { name, ...(namespace ? { namespace } : {}) },
    };
    try {
      return await this.#call('get', ref, () => this.#api.read<KubernetesObject>(header));
    } catch (error) {
      if (error instanceof KubernetesCallError && error.kind === 'absent') return undefined;
      throw error;
    }
  }

  /** Deletes in the background; answers whether there was anything to delete. */
  async remove(ref: ObjectRef): Promise<'deleting' | 'absent'> {
    const { name, namespace } = ref;
    const object = {
      apiVersion: ref.apiVersion,
      kind: ref.kind,
      metadata: { name, ...(namespace ? { namespace } : {}) },
    };
    try {
      await this.#call('delete', ref, () =>
        this.#api.delete(object, undefined, undefined, undefined, undefined, 'Background'),
      );
      return 'deleting';
    } catch (error) {
      if (error instanceof KubernetesCallError && error.kind === 'absent') return 'absent';
      throw error;
    }
  }

  /** All objects of a kind, every page; `namespace` absent: of all namespaces. An unknown kind is an error of kind `absent`. */
  async list<T extends KubernetesObject>(
    kind: { apiVersion: string; kind: string },
    options: { namespace?: string; labelSelector?: string; fieldSelector?: string } = {},
  ): Promise<T[]> {
    const items: T[] = [];
    let token: string | undefined;
    do {
      const page = await this.#call(
        'list',
        { ...kind, name: '', ...(options.namespace ? { namespace: options.namespace } : {}) },
        () =>
          this.#api.list<T>(
            kind.apiVersion,
            kind.kind,
            options.namespace,
            undefined,
            undefined,
            undefined,
            options.fieldSelector,
            options.labelSelector,
            500,
            token,
          ),
      );
      items.push(...page.items);
      token = page.metadata?._continue || undefined;
    } while (token);
    return items;
  }

  async #call<T>(verb: string, ref: ObjectRef, run: () => Promise<T>): Promise<T> {
    try {
      return await run();
    } catch (error) {
      throw kubernetesError(error, verb, describeRef(ref));
    }
  }
}

function refOf(object: KubernetesObject): ObjectRef {
  const namespace = object.metadata?.namespace;
  return {
    apiVersion: object.apiVersion ?? '',
    kind: object.kind ?? '',
    name: object.metadata?.name ?? '',
    ...(namespace ? { namespace } : {}),
  };
}

function describeRef(ref: ObjectRef): string {
  const group = ref.apiVersion.includes('/') ? `.${ref.apiVersion.split('/')[0]}` : '';
  return [`${ref.kind}${group}`, [ref.namespace, ref.name].filter(Boolean).join('/')].filter(Boolean).join(' ');
}
