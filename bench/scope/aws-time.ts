import { defaultTimings } from '../../domain/scope/settings.ts';
import type { Bed } from './bed.ts';

/**
 * How fast AWS is. "at once": a DNS change is in sync when it is first asked about, and calls need not be paced, so that all
 * time is ours. "as it is": 30 s until a DNS change is in sync, 120 s until a balancer is active, and the worker paces itself
 * to the account's limits (10 calls a second to ELBv2, 5 to Route 53); all of this, and the worker's intervals, by the scale.
 */
export type AwsTime = 'at once' | 'as it is';

const DNS_SYNC_SECONDS = 30;
const UNPACED = '100000';

export function setAwsTime(bed: Bed, time: AwsTime): void {
  bed.sandbox.aws.state.lifecycle.dnsSyncSeconds = time === 'at once' ? 0 : DNS_SYNC_SECONDS;
}

/** The worker's settings that go with it. Deadlines are not scaled: a slow machine is no part of what is measured. */
export function workerSettings(time: AwsTime, scale: number): Record<string, string> {
  if (time === 'at once')
    return { GROUNDWORK_ELB_READS_PER_SECOND: UNPACED, GROUNDWORK_ROUTE53_REQUESTS_PER_SECOND: UNPACED };
  const { pollInterval, dnsPollInterval, observationMaxAge } = defaultTimings;
  return {
    GROUNDWORK_ELB_READS_PER_SECOND: String(10 / scale),
    GROUNDWORK_ROUTE53_REQUESTS_PER_SECOND: String(5 / scale),
    GROUNDWORK_POLL_INTERVAL: String(pollInterval * scale),
    GROUNDWORK_DNS_POLL_INTERVAL: String(dnsPollInterval * scale),
    GROUNDWORK_OBSERVATION_MAX_AGE: String(observationMaxAge * scale),
  };
}
