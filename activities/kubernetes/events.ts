import type { CoreV1Event } from '@kubernetes/client-node';

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
