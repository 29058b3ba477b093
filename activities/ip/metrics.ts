import type { MetricCounter, MetricGauge, MetricHistogram, MetricMeter } from '@temporalio/common';

/** Metrics of the IP room. Labels are bounded: operations, families, failure types and reasons, function names, and sampled pools. */
export class IpMetrics {
  readonly #attempts: MetricCounter;
  readonly #failures: MetricCounter;
  readonly #functionSeconds: MetricHistogram;
  readonly #utilization: MetricGauge;
  readonly #waiters: MetricGauge;
  readonly #sweptRows: MetricCounter;
  readonly #sampled: MetricGauge;
  /** Pools whose use was told last, by `<owner>/<name>`. */
  #told: ReadonlyMap<string, { owner: string; pool: string }> = new Map();

  constructor(meter: MetricMeter) {
    this.#attempts = meter.createCounter('groundwork_ip_attempts', undefined, 'Calls of the allocator by operation');
    this.#failures = meter.createCounter(
      'groundwork_ip_failures',
      undefined,
      'Refusals and failures by type and reason',
    );
    this.#functionSeconds = meter.createHistogram(
      'groundwork_ip_function',
      'float',
      'seconds',
      'Duration of one call of a function of the database',
    );
    this.#utilization = meter.createGauge(
      'groundwork_ip_pool_utilization_ratio',
      'float',
      undefined,
      'Allocated share of a pool, of the fullest pools only',
    );
    this.#waiters = meter.createGauge('groundwork_ip_waiters', 'int', undefined, 'Claims that wait for capacity');
    this.#sweptRows = meter.createCounter(
      'groundwork_ip_sweep_rows',
      undefined,
      'Rows that the sweep changed, by kind',
    );
    this.#sampled = meter.createGauge(
      'groundwork_ip_sampler_last_run',
      'float',
      'seconds',
      'When pools were last sampled, in seconds since 1970',
    );
  }

  /** `family` is 4, 6 or undefined when the request does not tell. */
  attempt(operation: string, family: number | undefined): void {
    this.#attempts.add(1, { operation, family: family === undefined ? 'any' : `IPv${family}` });
  }

  failure(type: string, reason: string): void {
    this.#failures.add(1, { type, reason });
  }

  called(name: string, seconds: number): void {
    this.#functionSeconds.record(seconds, { function: name });
  }

  swept(kind: string, rows: number): void {
    if (rows > 0) this.#sweptRows.add(rows, { kind });
  }

  /** `pools` are the fullest ones; `now` in milliseconds since 1970. */
  sampled(pools: readonly { owner: string; pool: string; ratio: number }[], waiters: number, now: number): void {
    // A gauge keeps what it was told last: a pool that is gone or no longer among the fullest must not go on as full.
    const told = new Map(pools.map(({ owner, pool }) => [`${owner}/${pool}`, { owner, pool }]));
    for (const [key, labels] of this.#told) if (!told.has(key)) this.#utilization.set(0, labels);
    for (const { owner, pool, ratio } of pools) this.#utilization.set(ratio, { owner, pool });
    this.#told = told;
    this.#waiters.set(waiters);
    this.#sampled.set(now / 1000);
  }
}
