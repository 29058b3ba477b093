/** One request as the endpoint saw it. */
export interface RequestLogEntry {
  service: string;
  action: string;
  region: string;
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
    const key = `${entry.service}:${entry.action}`;
    this.#counts.set(key, (this.#counts.get(key) ?? 0) + 1);
  }

  /** At least the latest 20,000 requests. */
  entries(): RequestLogEntry[] {
    return [...this.#entries];
  }

  /** Requests since the start or the latest reset, by `service:Action`. */
  counts(): Record<string, number> {
    return Object.fromEntries([...this.#counts].sort(([a], [b]) => (a < b ? -1 : 1)));
  }

  reset(): void {
    this.#entries = [];
    this.#counts.clear();
  }
}
