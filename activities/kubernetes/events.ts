import type { CoreV1Event } from '@kubernetes/client-node';
import type { KubernetesGateway } from './gateway.ts';

/** An event of the cluster. */
export interface ClusterEvent {
  /** Of the object that it is about. */
  uid: string;
  kind: string;
  name: string;
  /** `Normal` or `Warning`. */
  type: string;
  reason: string;
  message: string;
  count: number;
  /** ISO time of the last occurrence. */
  lastSeen: string;
}

/** Warnings of a namespace whose last occurrence is at or after `since`, oldest first. */
export async function warningsSince(
  kubernetes: KubernetesGateway,
  namespace: string,
  since: string,
  accept: (event: ClusterEvent) => boolean,
): Promise<ClusterEvent[]> {
  const events = await kubernetes.list<CoreV1Event>(
    { apiVersion: 'v1', kind: 'Event' },
    { namespace, fieldSelector: 'type=Warning' },
  );
  return events
    .map(readEvent)
    .filter((event) => Date.parse(event.lastSeen) >= Date.parse(since) && accept(event))
    .sort((a, b) => a.lastSeen.localeCompare(b.lastSeen));
}

/** The last occurrence of an event stands in one of five fields, depending on who wrote it. */
export function readEvent(event: CoreV1Event): ClusterEvent {
  const last =
    event.series?.lastObservedTime ??
    event.lastTimestamp ??
    event.eventTime ??
    event.firstTimestamp ??
    event.metadata.creationTimestamp;
  return {
    uid: event.involvedObject.uid ?? '',
    kind: event.involvedObject.kind ?? '',
    name: event.involvedObject.name ?? '',
    type: event.type ?? '',
    reason: event.reason ?? '',
    message: event.message ?? '',
    count: event.count ?? event.series?.count ?? 1,
    lastSeen: last ? new Date(last).toISOString() : new Date(0).toISOString(),
  };
}
