import type { ApplicationFailure } from '@temporalio/common';
import type { IpSweepReport } from '../../contract/ip/inventory.ts';
import { beating } from '../signal.ts';
import { call, workflowId } from './call.ts';
import type { IpDependencies } from './dependencies.ts';

/** What time does to claims (specs: IP claims, 4.12). */

/** Pools with something due that are read at once. */
const PAGE = 100;
/** Rows of one transaction. */
const ROWS = 50;
const ACTOR = 'ip-sweep';
/** Waiting claims that one pass tells; the others look by themselves. */
const MOST_WAITERS = 200;

interface DueRow {
  pool_id: number;
  owner: string;
  name: string;
}

interface SweepRow {
  candidates: number;
  expired: number;
  cooling_ended: number;
  marked: number;
  released: number;
  skipped_locked: number;
  waiters: string[] | null;
}

interface HousekeepingRow {
  waiters: number;
  refused: number;
  events: number;
  without_retention: string;
}

/** What a pass did, and the pools, as `<owner>/<name>`, that it could not finish because what is in them contradicts itself. */
export interface Sweep {
  report: Omit<IpSweepReport, 'signalled' | 'failedPools'>;
  waiters: string[];
  failed: string[];
}

/**
 * One pass over every pool with something due, read in pages of `page` pools. Running it twice is harmless: what the first call did is not due any more. A pass that is cut off has committed
 * what it did, pool by pool; the next goes on.
 */
export function sweepPools(deps: IpDependencies, page = PAGE): Promise<Sweep> {
  return beating(() => sweep(deps, page));
}

async function sweep(deps: IpDependencies, page: number): Promise<Sweep> {
  const database = deps.patientDatabase;
  const report = {
    pools: 0,
    candidates: 0,
    expired: 0,
    coolingEnded: 0,
    marked: 0,
    released: 0,
    withoutRetention: 0,
    skippedLocked: 0,
    waitersDropped: 0,
    eventsDropped: 0,
  };
  const waiters = new Set<string>();
  const failed: string[] = [];
  for (let after: number | undefined = 0; after !== undefined; ) {
    const due: DueRow[] = await call<DueRow>(deps, 'ipam_sweep_due', [page, after], database);
    for (const { pool_id, owner, name } of due) {
      report.pools += 1;
      // One pool stops neither the others nor the housekeeping.
      await sweepPool(deps, pool_id, report, waiters).catch((error: unknown) => {
        const { type, details } = error as ApplicationFailure;
        if (type === 'Internal') failed.push(`${owner}/${name}`);
        else if (type === 'Busy' && (details?.[0] as { reason?: string })?.reason !== 'Database')
          report.skippedLocked += 1;
        else throw error;
      });
    }
    after = due.length < page ? undefined : due.at(-1)?.pool_id;
  }
  const { refusedEventDays, eventDays } = deps.settings;
  const [kept] = await call<HousekeepingRow>(deps, 'ipam_housekeep', [refusedEventDays, eventDays ?? null], database);
  report.waitersDropped = kept?.waiters ?? 0;
  report.eventsDropped = (kept?.refused ?? 0) + (kept?.events ?? 0);
  report.withoutRetention = Number(kept?.without_retention ?? 0);
  const { expired, coolingEnded, marked, released } = report;
  for (const [kind, rows] of Object.entries({ expired, coolingEnded, marked, released }))
    deps.metrics?.swept(kind, rows);
  return { report, waiters: [...waiters].slice(0, MOST_WAITERS), failed };
}

type Counts = Pick<IpSweepReport, 'candidates' | 'expired' | 'coolingEnded' | 'marked' | 'released' | 'skippedLocked'>;

/** Everything due in one pool; adds to `report` and `waiters` what each transaction did. */
async function sweepPool(deps: IpDependencies, poolId: number, report: Counts, waiters: Set<string>): Promise<void> {
  for (;;) {
    const args = [poolId, ROWS, ACTOR, workflowId()];
    const [row] = await call<SweepRow>(deps, 'ipam_sweep', args, deps.patientDatabase);
    if (!row) return;
    report.candidates += row.candidates;
    report.expired += row.expired;
    report.coolingEnded += row.cooling_ended;
    report.marked += row.marked;
    report.released += row.released;
    report.skippedLocked += row.skipped_locked;
    for (const waiter of row.waiters ?? []) waiters.add(waiter);
    if (row.candidates - row.skipped_locked < ROWS) return;
  }
}
