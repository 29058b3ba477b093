/** One request as the endpoint saw it. */
export interface RequestLogEntry {
  service: string;
  action: string;
  region: string;
  /** Access key id of the signature; absent when the request was not signed. */
  caller?: string;
  method: string;
  path: string;
  /** 0 when no answer was given: reset, hang, or the client went away. */
  status: number;
  errorCode?: string;
  /** Equal for all attempts of one call of an SDK. */
  invocationId?: string;
  /** Counted by the SDK from 1. */
  attempt?: number;
  /** The rules whose faults struck this request. */
  faults?: string[];
  time: Date;
}

const KEPT = 20_000;

/** The latest requests, oldest first, and exact counts by service and action. */
export class RequestLog {
  #entries: RequestLogEntry[] = [];
  readonly #counts = new Map<string, number>();

  add(entry: RequestLogEntry): void {
    this.#entries.push(entry);
    if (this.#entries.length > 2 * KEPT) this.#entries = this.#entries.slice(-KEPT);
    countEntries([entry], this.#counts);
  }

  /** At least the latest 20,000 requests. */
  entries(): RequestLogEntry[] {
    return [...this.#entries];
  }

  /** Requests since the start or the latest reset, by `service:Action`; of one caller only among the entries kept. */
  counts(caller?: string): Record<string, number> {
    const counts =
      caller === undefined ? this.#counts : countEntries(this.#entries.filter((entry) => entry.caller === caller));
    return Object.fromEntries([...counts].sort(([a], [b]) => (a < b ? -1 : 1)));
  }

  reset(): void {
    this.#entries = [];
    this.#counts.clear();
  }
}

function countEntries(entries: readonly RequestLogEntry[], counts = new Map<string, number>()): Map<string, number> {
  for (const { service, action } of entries) {
    const key = `${service}:${action}`;
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  return counts;
}
