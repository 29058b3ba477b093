import { setTimeout as delay } from 'node:timers/promises';

/** Time as the simulated parts of the sandbox see it: durations are shortened by `scale`, instants stay those of the machine. */
export interface SimulatedClock {
  /** Real seconds per simulated second: 1 is real time, 0.01 makes a minute last 0.6 s. */
  readonly scale: number;
  now(): Date;
  /** The real milliseconds that `simulatedSeconds` last. */
  toRealMs(simulatedSeconds: number): number;
  /** Waits `simulatedSeconds`; rejects with an `AbortError` when `signal` aborts. */
  sleep(simulatedSeconds: number, signal?: AbortSignal): Promise<void>;
}

/** A clock with the given scale, which must be a positive finite number. */
export function simulatedClock(scale: number): SimulatedClock {
  if (!Number.isFinite(scale) || scale <= 0) throw new RangeError(`time scale must be positive, got ${scale}`);
  const toRealMs = (seconds: number) => seconds * 1000 * scale;
  return {
    scale,
    now: () => new Date(),
    toRealMs,
    sleep: (seconds, signal) => delay(toRealMs(seconds), undefined, signal ? { signal } : {}),
  };
}
