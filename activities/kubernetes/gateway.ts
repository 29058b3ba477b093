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

export interface RemoveOptions {
  /** Only the object with this uid: one that took its place is left alone. */
  uid?: string;
  /** `Foreground`: the object stays until what it owns is gone. */
  propagation?: 'Background' | 'Foreground';
  graceSeconds?: number;
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

  /** JSON merge patch of what exists already; undefined when it does not. Twice is harmless: the same values. */
  async merge(ref: ObjectRef, patch: Record<string, unknown>): Promise<LiveObject | undefined> {
    const { apiVersion, kind, name, namespace } = ref;
    const object = { ...patch, apiVersion, kind, metadata: { name, ...(namespace ? { namespace } : {}) } };
    try {
      return await this.#call('patch', ref, () =>
        this.#api.patch<KubernetesObject>(
          object,
          undefined,
          undefined,
          FIELD_MANAGER,
          undefined,
          PatchStrategy.MergePatch,
        ),
      );
    } catch (error) {
      if (error instanceof KubernetesCallError && error.kind === 'absent') return undefined;
      throw error;
    }
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

  /** Deletes in the background unless told otherwise; answers whether there was anything to delete. */
  async remove(ref: ObjectRef, options: RemoveOptions = {}): Promise<'deleting' | 'absent' | 'replaced'> {
    const { name, namespace } = ref;
    const object = {
      apiVersion: ref.apiVersion,
      kind: ref.kind,
      metadata: { name, ...(namespace ? { namespace } : {}) },
    };
    const { uid, propagation = 'Background', graceSeconds } = options;
    // The API server ignores the options of the query when there is a body.
    const body = {
      propagationPolicy: propagation,
      ...(graceSeconds === undefined ? {} : { gracePeriodSeconds: graceSeconds }),
      ...(uid === undefined ? {} : { preconditions: { uid } }),
    };
    try {
      await this.#call('delete', ref, () =>
        this.#api.delete(object, undefined, undefined, undefined, undefined, undefined, body),
      );
      return 'deleting';
    } catch (error) {
      if (error instanceof KubernetesCallError && error.kind === 'absent') return 'absent';
      if (error instanceof KubernetesCallError && error.kind === 'conflict' && uid !== undefined) return 'replaced';
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
