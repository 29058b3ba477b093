import { setTimeout as delay } from 'node:timers/promises';

/** Bounds the calls of this process to a rate: a token bucket whose callers wait their turn in order. */
export class Pace {
  readonly #intervalMs: number;
  readonly #burstMs: number;
  #nextAt = 0;

  /** @param perSecond calls per second. @param burst calls that may go at once after a pause. */
  constructor(perSecond: number, burst: number) {
    this.#intervalMs = 1000 / perSecond;
    this.#burstMs = this.#intervalMs * burst;
  }

  /** Resolves when the caller may make one call; rejects with an `AbortError` when `signal` aborts first. */
  async turn(signal?: AbortSignal): Promise<void> {
    const now = performance.now();
    this.#nextAt = Math.max(this.#nextAt, now - this.#burstMs) + this.#intervalMs;
    const wait = this.#nextAt - now;
    if (wait > 0) await delay(wait, undefined, signal ? { signal } : {});
  }
}
