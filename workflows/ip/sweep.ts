import type { IpSweepReport } from '../../contract/ip/inventory.ts';
import { long } from './activities.ts';
import { ipRun, wake } from './run.ts';

/**
 * One pass over what time does: ends leases and cool-downs, marks and releases retained blocks, drops stale waiters and old
 * refusals. Pools that are not reached now are reached by the next pass. Late is harmless: the database's clock decides.
 */
export async function ipSweep(): Promise<IpSweepReport> {
  return ipRun({ kind: 'sweep', subject: 'Sweep leases, cool-downs and retention' }, undefined, async (status) => {
    const { report, waiters } = await long('sweep every pool with something due').sweepPools();
    await wake(waiters);
    status.report = { ...report, signalled: waiters.length };
    return status.report;
  });
}
