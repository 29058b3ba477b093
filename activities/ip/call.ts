import { ApplicationFailure, Context, log } from '@temporalio/activity';
import { TemporalFailure } from '@temporalio/common';
import { ASK_AGAIN, type IpFailureReason } from '../../contract/ip/failures.ts';
import type { Database } from '../postgres/database.ts';
import { databaseError } from '../postgres/errors.ts';
import type { IpDependencies } from './dependencies.ts';

/** One call of a function of the allocator: one round trip, one transaction, refusals as rows. */

/**
 * Runs `select * from name(args)` as a named prepared statement. What the driver throws becomes `Busy`, which is tried again
 * with the same uids, or `Internal`; its text goes to the log and no further.
 */
export async function call<Row extends object>(
  deps: IpDependencies,
  name: `ipam_${string}`,
  args: readonly unknown[],
  database: Database = deps.database,
): Promise<Row[]> {
  const parameters = args.map((_, index) => `$${index + 1}`).join(', ');
  return read<Row>(deps, name, `select * from ${name}(${parameters})`, args, database);
}

/** The same for a reading statement of ours; `name` names it in metrics and on the connection. */
export async function read<Row extends object>(
  deps: IpDependencies,
  name: string,
  text: string,
  values: readonly unknown[],
  database: Database = deps.database,
): Promise<Row[]> {
  const begun = performance.now();
  if (attemptNumber() > 1 && isLate(deps, LAST_START_MS)) throw busy(deps, 'Database');
  try {
    return await database.prepared<Row>(name, text, values);
  } catch (error) {
    const failure = translated(deps, error, name);
    const { reason } = (failure.details?.[0] ?? {}) as { reason?: string };
    deps.metrics?.failure(failure.type ?? 'Internal', reason ?? '');
    throw failure;
  } finally {
    deps.metrics?.called(name, (performance.now() - begun) / 1000);
  }
}

/** Under the pool's lock no two inserts conflict, so this is met once at most, by a call that raced a repair by hand. */
const UNEXPECTED_CONFLICT = ['40P01', '23P01'];

/** A server that was a standby a moment ago, or is one now: the pool's next connection finds the primary. */
const READ_ONLY = '25006';

const LOCK = ['55P03'];
const CONTENTION = ['40001', '40P01', '23P01'];

function translated(deps: IpDependencies, error: unknown, name: string): ApplicationFailure {
  const { code = '' } = error as { code?: string };
  const passing = databaseError(error) !== undefined || code === READ_ONLY || UNEXPECTED_CONFLICT.includes(code);
  const given = error instanceof Error ? { name: error.name, message: error.message } : { message: String(error) };
  const where = { function: name, code, error: given };
  if (passing && !(UNEXPECTED_CONFLICT.includes(code) && attemptNumber() > 1)) {
    logged('warn', 'the database could not serve a call', where);
    return busy(deps, LOCK.includes(code) ? 'Lock' : CONTENTION.includes(code) ? 'Contention' : 'Database');
  }
  logged('error', 'the allocator failed', where);
  return bug('the allocator failed in a way that it never should; nothing was changed. Look at the log of the worker.');
}

/** What no other attempt can change. */
function bug(message: string): ApplicationFailure {
  const details = [{ reason: 'Constraint' satisfies IpFailureReason<'Internal'> }];
  return ApplicationFailure.create({ type: 'Internal', message, nonRetryable: true, details });
}

/**
 * The same activities, of which none is tried for ever: what is thrown that no activity of the room throws on purpose is a bug
 * of ours, which the next attempt meets again. A local activity has no other end to its attempts.
 */
export function endingAtBugs<Activities extends object>(deps: IpDependencies, activities: Activities): Activities {
  const guarded = Object.entries(activities).map(([name, activity]) => [
    name,
    async (...args: unknown[]) => {
      try {
        return await activity(...args);
      } catch (error) {
        if (error instanceof TemporalFailure) throw error;
        logged('error', 'an activity failed in its own code', { activity: name, error });
        deps.metrics?.failure('Internal', 'Constraint');
        throw bug(`${name} failed in a way that it never should. Look at the log of the worker.`);
      }
    },
  ]);
  return Object.fromEntries(guarded) as Activities;
}

const busyWords: Readonly<Record<IpFailureReason<'Busy'>, string>> = {
  Lock: 'the pool is locked by other work',
  Contention: 'the call met others on the same pool',
  Database: 'the database cannot be reached or does not answer in time',
};

/**
 * A caller is waiting for a local activity, so its attempts end after the patience of the settings: below the workflow task's
 * time-out and the caller's. The SDK (1.24) does not hold a local activity whose attempts fail quickly to its
 * schedule-to-close time-out. No attempt begins later than this after it: one that hangs is cut off by its start-to-close
 * time-out, which tells nothing of the time.
 */
const LAST_START_MS = 1_000;

function isLate(deps: IpDependencies, allowanceMs = 0): boolean {
  const info = inActivity()?.info;
  if (!info?.isLocal) return false;
  return Date.now() - info.scheduledTimestampMs > deps.settings.patienceSeconds * 1000 + allowanceMs;
}

/** Passes by itself: the attempt is made again, and when time runs out this is what the caller hears. */
export function busy(deps: IpDependencies, reason: IpFailureReason<'Busy'>): ApplicationFailure {
  return ApplicationFailure.create({
    type: 'Busy',
    message: `${busyWords[reason]}. ${ASK_AGAIN}`,
    nonRetryable: isLate(deps),
    details: [{ reason, retryAfterSeconds: 1 }],
  });
}

/** Id of the run that calls, for the audit; empty outside an activity. */
export function workflowId(): string {
  return inActivity()?.info.workflowExecution?.workflowId ?? '';
}

function attemptNumber(): number {
  return inActivity()?.info.attempt ?? 1;
}

function logged(level: 'warn' | 'error', message: string, attributes: Record<string, unknown>): void {
  if (inActivity()) log[level](message, attributes);
}

function inActivity(): Context | undefined {
  try {
    return Context.current();
  } catch {
    return undefined;
  }
}
