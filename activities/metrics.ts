import type { MetricCounter, MetricGauge, MetricHistogram, MetricMeter } from '@temporalio/common';

/** Metrics of Groundwork's own, on the same port as the SDK's. Labels are bounded: actions, outcomes and balancer names. */
export class Metrics {
  readonly #calls: MetricCounter;
  readonly #callSeconds: MetricHistogram;
  readonly #rules: MetricGauge;
  readonly #targetGroups: MetricGauge;

  constructor(meter: MetricMeter) {
    this.#calls = meter.createCounter('groundwork_external_calls', undefined, 'Calls to AWS by action and outcome');
    this.#callSeconds = meter.createHistogram(
      'groundwork_external_call',
      'float',
      'seconds',
      'Duration of calls to AWS',
    );
    this.#rules = meter.createGauge(
      'groundwork_balancer_rules',
      'int',
      undefined,
      'Non-default rules of a balancer over all listeners, as last observed',
    );
    this.#targetGroups = meter.createGauge(
      'groundwork_balancer_target_groups',
      'int',
      undefined,
      'Target groups of a balancer, as last observed',
    );
  }

  /** `outcome` is `ok` or the class of the error. */
  call(action: string, outcome: string, seconds: number): void {
    this.#calls.add(1, { action, outcome });
    this.#callSeconds.record(seconds, { action });
  }

  /** What an observation showed of a balancer. */
  balancer(region: string, balancer: string, rules: number, targetGroups: number): void {
    this.#rules.set(rules, { region, balancer });
    this.#targetGroups.set(targetGroups, { region, balancer });
  }
}
