import { isNotFound, type KubeClient } from './client.ts';
import {
  canonicalJson,
  type EndpointSlice,
  isBeingDeleted,
  keyOf,
  type Pod,
  pathOf,
  resources,
  type Service,
  selects,
} from './objects.ts';
import { WorkQueue } from './queue.ts';
import type { Reflector } from './watch.ts';

export interface EndpointsOptions {
  client: KubeClient;
  services: Reflector<Service>;
  pods: Reflector<Pod>;
  log: (line: string) => void;
}

/**
 * The EndpointSlice controller: one slice per Service with a selector, with the addresses of its Pods and whether they are ready. It reads a slice when the
 * Service changes (a resync included) and after an error; changes of Pods are compared with what it read or wrote last.
 */
export class Endpoints {
  readonly #options: EndpointsOptions;
  readonly #queue: WorkQueue;
  /** The content of the slices as last read or written, by Service. */
  readonly #known = new Map<string, string>();

  constructor(options: EndpointsOptions) {
    this.#options = options;
    this.#queue = new WorkQueue({
      workers: 2,
      backOff: { firstMs: 10, longestMs: 2_000 },
      onError: (key, error) => options.log(`endpoints ${key}: ${String(error)}`),
      reconcile: (key) => this.#reconcile(key),
    });
    options.services.onChange(({ object }) => {
      this.#known.delete(keyOf(object));
      this.#queue.add(keyOf(object));
    });
    options.pods.onChange(({ object, previous }) => {
      if (previous && state(previous) === state(object)) return;
      for (const service of options.services.values()) if (has(service, object)) this.#queue.add(keyOf(service));
    });
  }

  pause(): Promise<void> {
    return this.#queue.pause();
  }

  resume(): void {
    this.#known.clear();
    for (const service of this.#options.services.values()) this.#queue.add(keyOf(service));
    this.#queue.resume();
  }

  /** Resolves once every change of the Pod has been looked at. */
  async followed(pod: Pod): Promise<void> {
    const services = this.#options.services.values().filter((service) => has(service, pod));
    await Promise.all([...services].map((service) => this.#queue.idle(keyOf(service))));
  }

  stop(): Promise<void> {
    return this.#queue.stop();
  }

  async #reconcile(key: string): Promise<undefined> {
    const { client, services, pods } = this.#options;
    const [namespace = '', name = ''] = key.split('/');
    const service = services.get(namespace, name);
    if (!service) await this.#remove(namespace, name);
    if (!service?.spec?.selector || isBeingDeleted(service)) return undefined;
    const wanted = sliceOf(
      service,
      pods.values().filter((pod) => has(service, pod)),
    );
    const { endpoints, ports } = wanted;
    const content = canonicalJson([endpoints, ports]);
    const path = pathOf(resources.endpointSlices, namespace, wanted.metadata.name);
    const known = this.#known.get(key) ?? contentOf(await client.find<EndpointSlice>(path));
    // Unknown until the write succeeded: a failed one may have arrived.
    this.#known.delete(key);
    const create = () => client.create(pathOf(resources.endpointSlices, namespace), wanted);
    if (known === undefined) await create();
    else if (known !== content)
      await client.merge(path, { endpoints, ports }).catch((error: unknown) => {
        // Somebody deleted it.
        if (isNotFound(error)) return create();
        throw error;
      });
    this.#known.set(key, content);
    return undefined;
  }

  /** The slice of a Service that is gone. By name: one of the same name that was made since gets it anew. */
  async #remove(namespace: string, service: string): Promise<void> {
    const path = pathOf(resources.endpointSlices, namespace, sliceName(service));
    await this.#options.client.remove(path).catch((error: unknown) => {
      if (!isNotFound(error)) throw error;
    });
  }
}

function has(service: Service, pod: Pod): boolean {
  return pod.metadata.namespace === service.metadata.namespace && selects(service.spec?.selector, pod.metadata.labels);
}

const contentOf = (slice: EndpointSlice | undefined) =>
  slice && canonicalJson([slice.endpoints ?? [], slice.ports ?? []]);

const sliceName = (service: string) => `${service}-sandbox`;

const isReady = (pod: Pod) =>
  !isBeingDeleted(pod) &&
  pod.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') === true;

const state = (pod: Pod) => `${pod.status?.podIP} ${isReady(pod)} ${isBeingDeleted(pod)}`;

function sliceOf(service: Service, pods: readonly Pod[]) {
  const { name, namespace, uid } = service.metadata;
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: {
      name: sliceName(name),
      namespace,
      labels: { 'kubernetes.io/service-name': name, 'endpointslice.kubernetes.io/managed-by': 'sandbox' },
      ownerReferences: [{ apiVersion: 'v1', kind: 'Service', name, uid, controller: true, blockOwnerDeletion: true }],
    },
    addressType: 'IPv4',
    endpoints: pods.flatMap((pod) =>
      pod.status?.podIP === undefined
        ? []
        : [
            {
              addresses: [pod.status.podIP],
              conditions: { ready: isReady(pod), serving: isReady(pod), terminating: isBeingDeleted(pod) },
              targetRef: { kind: 'Pod', name: pod.metadata.name, namespace, uid: pod.metadata.uid },
            },
          ],
    ),
    ports: (service.spec?.ports ?? []).map(({ name: port, port: number, targetPort, protocol }) => ({
      ...(port === undefined ? { name: '' } : { name: port }),
      port: typeof targetPort === 'number' ? targetPort : number,
      protocol: protocol ?? 'TCP',
    })),
  };
}
