/** How a queue waits between failures of one key, in real milliseconds. */
export interface BackOff {
  firstMs: number;
  longestMs: number;
}

export interface WorkQueueOptions {
  workers: number;
  backOff: BackOff;
  /** Brings the key to its desired state; a returned number asks to be called again after so many real milliseconds. */
  reconcile: (key: string) => Promise<number | undefined>;
  onError?: (key: string, error: unknown) => void;
}

/**
 * A queue of keys with `workers` reconciliations at a time, one key never in parallel with itself. A key that is added while it is being worked on runs once more
 * afterwards; a failure is repeated with exponential back-off; an addition from outside does not wait for the back-off and does not reset it.
 */
export class WorkQueue {
  readonly #options: WorkQueueOptions;
  readonly #ready = new Set<string>();
  readonly #running = new Map<string, Promise<void>>();
  readonly #timers = new Map<string, { at: number; timer: NodeJS.Timeout }>();
  readonly #failures = new Map<string, number>();
  #paused = false;
  #stopped = false;

  constructor(options: WorkQueueOptions) {
    this.#options = options;
  }

  add(key: string): void {
    if (this.#stopped) return;
    this.#ready.add(key);
    this.#pump();
  }

  /** Adds the key after a time; of several pending times of one key the earliest counts. */
  addAfter(key: string, ms: number): void {
    if (this.#stopped) return;
    const at = Date.now() + ms;
    const pending = this.#timers.get(key);
    if (pending && pending.at <= at) return;
    if (pending) clearTimeout(pending.timer);
    const timer = setTimeout(
      () => {
        this.#timers.delete(key);
        this.add(key);
      },
      Math.min(ms, 2 ** 31 - 1),
    );
    this.#timers.set(key, { at, timer });
  }

  /** Resolves once the key neither waits nor is worked on: done, or failed until its back-off is over, or the queue is at rest. */
  async idle(key: string): Promise<void> {
    const isBusy = () => this.#ready.has(key) || this.#running.has(key);
    while (!this.#paused && !this.#stopped && isBusy()) await Promise.race(this.#running.values());
  }

  /** Takes no more keys; what runs ends. Keys added meanwhile wait. */
  async pause(): Promise<void> {
    this.#paused = true;
    await Promise.all(this.#running.values());
  }

  resume(): void {
    this.#paused = false;
    this.#pump();
  }

  /** Forgets every waiting key and all back-off, as a new process would. */
  clear(): void {
    this.#ready.clear();
    for (const { timer } of this.#timers.values()) clearTimeout(timer);
    this.#timers.clear();
    this.#failures.clear();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.clear();
    await Promise.all(this.#running.values());
  }

  #pump(): void {
    if (this.#paused || this.#stopped) return;
    for (const key of this.#ready) {
      if (this.#running.size >= this.#options.workers) return;
      if (this.#running.has(key)) continue;
      this.#ready.delete(key);
      const run = this.#work(key).finally(() => {
        this.#running.delete(key);
        this.#pump();
      });
      this.#running.set(key, run);
    }
  }

  async #work(key: string): Promise<void> {
    const { reconcile, onError, backOff } = this.#options;
    try {
      const again = await reconcile(key);
      this.#failures.delete(key);
      if (again !== undefined) this.addAfter(key, Math.max(1, again));
    } catch (error) {
      const failures = this.#failures.get(key) ?? 0;
      this.#failures.set(key, failures + 1);
      this.addAfter(key, Math.max(1, Math.min(backOff.firstMs * 2 ** Math.min(failures, 40), backOff.longestMs)));
      onError?.(key, error);
    }
  }
}
