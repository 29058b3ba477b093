import { shortPodName } from './names.ts';
import { type ProbeFailure, readProbe, sayModes } from './probes.ts';

/** Events of instances while they are awaited (specs: deployment, section 8). */

export interface FoundEvent {
  type?: string;
  reason?: string;
  message?: string;
  /** Kind and name of what it is about. */
  involvedObject?: { kind?: string; name?: string };
  count?: number;
  series?: { count?: number; lastObservedTime?: string };
  lastTimestamp?: string;
  eventTime?: string;
  firstTimestamp?: string;
  metadata?: { uid?: string; creationTimestamp?: string };
}

/** When it occurred last, in ms; 0 when it does not say. */
export function lastOccurrence(event: FoundEvent): number {
  const time =
    event.series?.lastObservedTime ??
    event.lastTimestamp ??
    event.eventTime ??
    event.firstTimestamp ??
    event.metadata?.creationTimestamp;
  const ms = time === undefined || time === null ? Number.NaN : Date.parse(time);
  return Number.isNaN(ms) ? 0 : ms;
}

/** Events since `since` (ms), oldest first; event times have whole seconds. */
export function eventsSince(events: readonly FoundEvent[], since: number): FoundEvent[] {
  const from = Math.floor(since / 1000) * 1000;
  return events.filter((event) => lastOccurrence(event) >= from).sort((a, b) => lastOccurrence(a) - lastOccurrence(b));
}

export interface ShownLine {
  warning: boolean;
  text: string;
}

/** Every event once, in words; failing probes as one line for each pod. `side`: name of the Deployment. */
export function eventLines(events: readonly FoundEvent[], side: string): ShownLine[] {
  const probes = new Map<string, FoundEvent[]>();
  const lines: ShownLine[] = [];
  const seen = new Set<string>();
  for (const event of events) {
    if (event.reason === 'Unhealthy') {
      const pod = event.involvedObject?.name ?? '';
      probes.set(pod, [...(probes.get(pod) ?? []), event]);
      continue;
    }
    const { kind = 'Object', name = '' } = event.involvedObject ?? {};
    const text = `${kind}/${shortPodName(name, side)} ${event.reason ?? ''}: ${event.message ?? ''}`;
    if (!seen.has(text)) lines.push({ warning: event.type === 'Warning', text });
    seen.add(text);
  }
  const ofProbes = [...probes].flatMap(([pod, list]) => probeLines(pod, list, side));
  return [...lines, ...ofProbes.map((text) => ({ warning: true, text }))];
}

/** `Pod/...abc Readiness probe failing on /health - responded HTTP 502 (expected 2xx)`; raw lines when one cannot be read. */
function probeLines(pod: string, events: readonly FoundEvent[], side: string): string[] {
  const messages = [...new Set(events.map(({ message }) => message ?? ''))];
  const read = messages.map(readProbe);
  const name = `Pod/${shortPodName(pod, side)}`;
  if (read.some((failure) => failure === undefined)) return messages.map((message) => `${name} ${message}`);
  const byProbe = new Map<string, ProbeFailure[]>();
  for (const failure of read as ProbeFailure[]) {
    const key = `${failure.kind} probe failing${failure.path === '' ? '' : ` on ${failure.path}`}`;
    byProbe.set(key, [...(byProbe.get(key) ?? []), failure]);
  }
  return [...byProbe].map(([words, failures]) => `${name} ${words} - ${sayModes(failures)}`);
}

/** The most frequent Warning reasons with their counts; Normal events never. */
export function topWarnings(events: readonly FoundEvent[], limit = 3): { reason: string; count: number }[] {
  const counts = new Map<string, number>();
  for (const event of events) {
    if (event.type !== 'Warning' || !event.reason) continue;
    counts.set(event.reason, (counts.get(event.reason) ?? 0) + (event.series?.count ?? event.count ?? 1));
  }
  return [...counts]
    .map(([reason, count]) => ({ reason, count }))
    .sort((a, b) => b.count - a.count)
    .slice(0, limit);
}
