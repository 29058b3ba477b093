import type { IpSweepReport } from '../../contract/ip/inventory.ts';
import { runFailure } from '../failures.ts';
import { long } from './activities.ts';
import { ipRun, wake } from './run.ts';

/**
 * One pass over what time does: ends leases and cool-downs, marks and releases retained blocks, drops stale waiters and old
 * refusals. What is not reached now is reached by the next pass. Late is harmless: the database's clock decides. A pool that
 * cannot be swept stops nothing else; the run fails at its end and names it.
 */
export async function ipSweep(): Promise<IpSweepReport> {
  return ipRun({ kind: 'sweep', subject: 'Sweep leases, cool-downs and retention' }, undefined, async (status) => {
    const { report, waiters, failed = [] } = await long('sweep every pool with something due').sweepPools();
    await wake(waiters);
    status.report = { ...report, failedPools: failed.length, signalled: waiters.length };
    if (failed.length > 0) throw unfinished(failed);
    return status.report;
  });
}

/** Pools that the failure of a pass names. */
const MOST_NAMED = 20;

function unfinished(pools: readonly string[]): Error {
  const more = pools.length > MOST_NAMED ? ` and ${pools.length - MOST_NAMED} more` : '';
  const named = pools.slice(0, MOST_NAMED);
  return runFailure({
    type: 'Internal',
    message: `the sweep failed in ${named.join(', ')}${more}; every other pool was swept. Run "groundwork ip verify", then again with --rebuild.`,
    details: { reason: 'Drift', pools: named },
  });
}
