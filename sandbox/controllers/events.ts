import { createHash, randomBytes } from 'node:crypto';
import type { SimulatedClock } from '../clock.ts';
import { isNotFound, type KubeClient } from './client.ts';
import { type KubeObject, pathOf, resources } from './objects.ts';

/** client-go's limits: a burst of 25 events per source and object, then one in 300 s. */
const BURST = 25;
const REFILL_SECONDS = 300;
/** More than so many different messages of one reason within the window are folded into one event. */
const SIMILAR_LIMIT = 10;
const SIMILAR_WINDOW_SECONDS = 600;
/** How long repeats of a Normal event are collected: each reconciliation tells every member of a group that it went well. */
const COLLECT_SECONDS = 300;

interface Recorded {
  key: string;
  name: string;
  namespace: string;
  count: number;
  lastTimestamp: string;
  message: string;
}

/**
 * Writes core/v1 Events as client-go's recorder does: equal events are one object whose count and lastTimestamp move, many similar ones are folded under
 * "(combined from similar events)", and an object that gets too many loses the rest silently. Writing is in order, in the background, and never fails its caller.
 * Unlike there, repeats of a Normal event are written once for five simulated minutes: in scaled time they would be most of what the API server does.
 */
export class EventRecorder {
  readonly #client: KubeClient;
  readonly #clock: SimulatedClock;
  readonly #component: string;
  readonly #log: (line: string) => void;
  readonly #recorded = new Map<string, Recorded>();
  readonly #buckets = new Map<string, { tokens: number; at: number }>();
  readonly #similar = new Map<string, { messages: Set<string>; at: number }>();
  readonly #repeated = new Set<Recorded>();
  #collecting: NodeJS.Timeout | undefined;
  #stopped = false;
  #tail: Promise<void> = Promise.resolve();

  constructor(options: { client: KubeClient; clock: SimulatedClock; component: string; log?: (line: string) => void }) {
    this.#client = options.client;
    this.#clock = options.clock;
    this.#component = options.component;
    this.#log = options.log ?? (() => undefined);
  }

  normal(object: KubeObject, reason: string, message: string): void {
    this.#record(object, 'Normal', reason, message);
  }

  warning(object: KubeObject, reason: string, message: string): void {
    this.#record(object, 'Warning', reason, message);
  }

  /** Resolves when everything recorded so far is written. */
  async flushed(): Promise<void> {
    await this.#tail;
    this.#writeRepeats();
    await this.#tail;
  }

  /** Forgets counts and limits, as a new process would. */
  forget(): void {
    this.#writeRepeats();
    this.#recorded.clear();
    this.#buckets.clear();
    this.#similar.clear();
  }

  /** Nothing is written from now on but what is on its way. */
  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#collecting);
  }

  #record(object: KubeObject, type: 'Normal' | 'Warning', reason: string, message: string): void {
    const folded = this.#fold(object, type, reason, message);
    if (!this.#takeToken(object)) return;
    const at = this.#clock
      .now()
      .toISOString()
      .replace(/\.\d+Z$/, 'Z');
    this.#inOrder(reason, () => this.#write(object, type, reason, folded, at));
  }

  #inOrder(reason: string, write: () => Promise<void>): void {
    this.#tail = this.#tail
      .then(write)
      .catch((error: unknown) => this.#log(`event ${reason} was not written: ${String(error)}`));
  }

  #fold(object: KubeObject, type: string, reason: string, message: string): string {
    const key = `${object.metadata.uid} ${type} ${reason}`;
    const now = this.#clock.now().getTime();
    let similar = this.#similar.get(key);
    if (!similar || now - similar.at > this.#clock.toRealMs(SIMILAR_WINDOW_SECONDS))
      similar = { messages: new Set(), at: now };
    similar.at = now;
    similar.messages.add(message);
    this.#similar.set(key, similar);
    return similar.messages.size > SIMILAR_LIMIT ? `(combined from similar events): ${message}` : message;
  }

  #takeToken(object: KubeObject): boolean {
    const now = this.#clock.now().getTime();
    const bucket = this.#buckets.get(object.metadata.uid) ?? { tokens: BURST, at: now };
    const refill = (now - bucket.at) / this.#clock.toRealMs(REFILL_SECONDS);
    bucket.tokens = Math.min(BURST, bucket.tokens + refill);
    bucket.at = now;
    this.#buckets.set(object.metadata.uid, bucket);
    if (bucket.tokens < 1) return false;
    bucket.tokens -= 1;
    return true;
  }

  async #write(object: KubeObject, type: string, reason: string, message: string, at: string): Promise<void> {
    const shared = message.startsWith('(combined') ? '(combined)' : message;
    const key = createHash('sha256').update([object.metadata.uid, type, reason, shared].join('\n')).digest('hex');
    const known = this.#recorded.get(key);
    if (known) {
      known.count += 1;
      known.lastTimestamp = at;
      known.message = message;
      if (type === 'Normal') return this.#collect(known);
      if (await this.#update(known)) return;
    }
    const namespace = object.metadata.namespace ?? 'default';
    const name = `${object.metadata.name}.${randomBytes(8).toString('hex')}`;
    await this.#client.create(pathOf(resources.events, namespace), {
      apiVersion: 'v1',
      kind: 'Event',
      metadata: { name, namespace },
      involvedObject: {
        apiVersion: object.apiVersion,
        kind: object.kind,
        namespace: object.metadata.namespace,
        name: object.metadata.name,
        uid: object.metadata.uid,
        resourceVersion: object.metadata.resourceVersion,
      },
      type,
      reason,
      message,
      count: 1,
      firstTimestamp: at,
      lastTimestamp: at,
      source: { component: this.#component },
      reportingComponent: this.#component,
      reportingInstance: '',
    });
    this.#recorded.set(key, { key, name, namespace, count: 1, lastTimestamp: at, message });
  }

  #collect(repeated: Recorded): void {
    this.#repeated.add(repeated);
    if (this.#stopped) return;
    this.#collecting ??= setTimeout(() => this.#writeRepeats(), this.#clock.toRealMs(COLLECT_SECONDS)).unref();
  }

  #writeRepeats(): void {
    clearTimeout(this.#collecting);
    this.#collecting = undefined;
    const repeated = [...this.#repeated];
    this.#repeated.clear();
    for (const one of repeated) this.#inOrder(`repeat of ${one.name}`, async () => void (await this.#update(one)));
  }

  /** False when the event is gone, as it is after an hour: then the next one is a new object. */
  async #update({ key, namespace, name, count, lastTimestamp, message }: Recorded): Promise<boolean> {
    try {
      await this.#client.merge(pathOf(resources.events, namespace, name), { count, lastTimestamp, message });
      return true;
    } catch (error) {
      if (!isNotFound(error)) throw error;
      this.#recorded.delete(key);
      return false;
    }
  }
}
