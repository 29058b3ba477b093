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

interface Recorded {
  name: string;
  namespace: string;
  count: number;
}

/**
 * Writes core/v1 Events as client-go's recorder does: equal events are one object whose count and lastTimestamp move, many similar ones are folded under
 * "(combined from similar events)", and an object that gets too many loses the rest silently. Writing is in order, in the background, and never fails its caller.
 */
export class EventRecorder {
  readonly #client: KubeClient;
  readonly #clock: SimulatedClock;
  readonly #component: string;
  readonly #log: (line: string) => void;
  readonly #recorded = new Map<string, Recorded>();
  readonly #buckets = new Map<string, { tokens: number; at: number }>();
  readonly #similar = new Map<string, { messages: Set<string>; at: number }>();
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
  flushed(): Promise<void> {
    return this.#tail;
  }

  /** Forgets counts and limits, as a new process would. */
  forget(): void {
    this.#recorded.clear();
    this.#buckets.clear();
    this.#similar.clear();
  }

  #record(object: KubeObject, type: 'Normal' | 'Warning', reason: string, message: string): void {
    const folded = this.#fold(object, type, reason, message);
    if (!this.#takeToken(object)) return;
    const at = this.#clock
      .now()
      .toISOString()
      .replace(/\.\d+Z$/, 'Z');
    this.#tail = this.#tail
      .then(() => this.#write(object, type, reason, folded, at))
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
      try {
        known.count += 1;
        const patch = { count: known.count, lastTimestamp: at, message };
        await this.#client.merge(pathOf(resources.events, known.namespace, known.name), patch);
        return;
      } catch (error) {
        if (!isNotFound(error)) throw error;
      }
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
    this.#recorded.set(key, { name, namespace, count: 1 });
  }
}
