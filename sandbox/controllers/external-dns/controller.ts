import type { KubeConfig } from '@kubernetes/client-node';
import type { SimulatedClock } from '../../clock.ts';
import { isNotFound, KubeClient } from '../client.ts';
import type { SimulatedController } from '../index.ts';
import { isBeingDeleted, type KubeObject, keyOf, pathTo, type Resource } from '../objects.ts';
import { WorkQueue } from '../queue.ts';
import { Reflector } from '../watch.ts';

/** DNSEndpoints as external-dns treats them: once the records are written, the status tells the generation. */

export interface ExternalDnsKnobs {
  /** Simulated seconds until a generation is observed; external-dns looks once a minute by default. */
  observeSeconds: number;
  /** Objects whose `namespace/name` it accepts are never observed. */
  ignores: (key: string) => boolean;
}

export interface ExternalDnsOptions {
  /** An identity that may do everything. */
  kubeConfig: KubeConfig;
  clock: SimulatedClock;
  /** Only these namespaces are its business; default all. */
  namespaces?: (name: string) => boolean;
  log?: (line: string) => void;
}

interface DnsEndpoint extends KubeObject {
  status?: { observedGeneration?: number };
}

export const dnsEndpoints: Resource = {
  group: 'externaldns.k8s.io',
  version: 'v1alpha1',
  plural: 'dnsendpoints',
  kind: 'DNSEndpoint',
  namespaced: true,
};

/** Starts the simulation; the cluster must serve DNSEndpoint (sandbox/kubernetes/crds). */
export async function startExternalDns(options: ExternalDnsOptions): Promise<SimulatedController<ExternalDnsKnobs>> {
  const { clock } = options;
  const log = options.log ?? (() => undefined);
  const client = new KubeClient(options.kubeConfig, 'external-dns');
  const accept = ({ metadata }: KubeObject) => options.namespaces?.(metadata.namespace ?? '') ?? true;
  const objects = new Reflector<DnsEndpoint>({ client, resource: dnsEndpoints, accept, log });
  const knobs: ExternalDnsKnobs = { observeSeconds: 60, ignores: () => false };
  const queue = new WorkQueue({
    workers: 2,
    backOff: { firstMs: 10, longestMs: 5_000 },
    onError: (key, error) => log(`external-dns: ${key}: ${String(error)}`),
    reconcile: async (key) => {
      const [namespace, name = ''] = key.split('/');
      const object = objects.get(namespace, name);
      if (!object || isBeingDeleted(object) || knobs.ignores(key)) return undefined;
      const { generation } = object.metadata;
      if (generation === undefined || object.status?.observedGeneration === generation) return undefined;
      await client
        .merge(pathTo(dnsEndpoints, object, 'status'), { status: { observedGeneration: generation } })
        .catch((error: unknown) => {
          if (!isNotFound(error)) throw error;
        });
      return undefined;
    },
  });
  objects.onChange(({ type, object }) => {
    if (type !== 'deleted') queue.addAfter(keyOf(object), clock.toRealMs(knobs.observeSeconds));
  });
  await objects.start();
  const resume = async () => {
    queue.resume();
    for (const object of objects.values()) queue.add(keyOf(object));
  };
  return {
    knobs,
    pause: () => queue.pause(),
    resume,
    restart: async () => {
      await queue.pause();
      queue.clear();
      await resume();
    },
    stop: async () => {
      await queue.stop();
      await objects.stop();
      await client.close();
    },
  };
}
