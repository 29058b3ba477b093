/** What the workshop room takes from the worker's configuration. Seconds; fractions are allowed. */
export interface WorkshopTimings {
  /** How long changes of one provision are gathered before its autoscaler is told. */
  debounce: number;
  /** Between two looks at an operation: the first, what the next is multiplied by, and the longest. */
  pollFirst: number;
  pollFactor: number;
  pollMax: number;
  /** Hold after an operation that timed out; doubled each time up to the longest, reset by a success. */
  backoffFirst: number;
  backoffMax: number;
  /** Hold after more than `conflictsPerMinute` conflicts. */
  conflictBackoff: number;
  conflictsPerMinute: number;
  /** Hold after the API refused or did not answer. */
  errorBackoff: number;
  /** Least time between two status writes that change numbers only. */
  statusInterval: number;
  /** A run continues as new when it is so old, or has so many events. */
  idleLimit: number;
  historyLimit: number;
  sweepInterval: number;
  /** Used where a provision has no complete claim to measure. */
  expectedProvisioning: number;
  /** Between two tries of a call to Kubernetes: the first and the longest. */
  retryFirst: number;
  retryMax: number;
  /** For one try. */
  callTimeout: number;
  /** How long a call is tried before the run rests. */
  callPatience: number;
  /** Real seconds per second of a workshop's own configuration: 1, and less in a sandbox. */
  secondsScale: number;
}

export const defaultWorkshopTimings: WorkshopTimings = {
  debounce: 2,
  pollFirst: 15,
  pollFactor: 1.5,
  pollMax: 60,
  backoffFirst: 300,
  backoffMax: 1800,
  conflictBackoff: 60,
  conflictsPerMinute: 5,
  errorBackoff: 60,
  statusInterval: 60,
  idleLimit: 86_400,
  historyLimit: 2_000,
  sweepInterval: 60,
  expectedProvisioning: 1800,
  retryFirst: 1,
  retryMax: 30,
  callTimeout: 30,
  callPatience: 120,
  secondsScale: 1,
};

/** Seconds until the look number `looks` (from 0) at an operation. */
export function pollDelay(looks: number, timings: WorkshopTimings): number {
  return Math.min(timings.pollMax, timings.pollFirst * timings.pollFactor ** Math.min(looks, 50));
}
