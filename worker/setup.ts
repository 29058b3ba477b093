import { Client, type ConnectionLike, ScheduleAlreadyRunning, ScheduleOverlapPolicy } from '@temporalio/client';
import { searchAttributeNames, taskQueueName, workflowIds, workflowTypes } from '../contract/names.ts';
import { migrate } from '../migrations/migrate.ts';
import { databaseTrouble } from './database-trouble.ts';
import { SetupError } from './findings.ts';
import { temporalTrouble } from './temporal-trouble.ts';

/** What an installation needs before its first run. Everything here is harmless to repeat, also at the same time. */

/** Brings the ledger's schema up to date. Throws `SetupError`. */
export async function setUpDatabase(url: string): Promise<{ applied: string[] }> {
  try {
    return await migrate(url);
  } catch (error) {
    const { trouble, message, remedy } = databaseTrouble(error);
    throw new SetupError(trouble, `PostgreSQL: ${message}. ${remedy}`, { cause: error });
  }
}

export interface SearchAttributesReport {
  added: string[];
  present: string[];
}

/** The value of `INDEXED_VALUE_TYPE_KEYWORD` in Temporal's API. */
export const KEYWORD = 2;

const CALL_MS = 15_000;

/** Registers the search attributes that are missing in the namespace. Throws `SetupError`. */
export async function setUpSearchAttributes(
  connection: ConnectionLike,
  namespace: string,
): Promise<SearchAttributesReport> {
  const client = new Client({ connection, namespace });
  try {
    return await client.withDeadline(Date.now() + CALL_MS, () => register(connection, namespace));
  } catch (error) {
    if (error instanceof SetupError) throw error;
    const { trouble, message } = temporalTrouble(error);
    const remedy =
      trouble === 'forbidden'
        ? ` Register these Keyword attributes by hand: ${searchAttributeNames.join(', ')}.`
        : ' Check TEMPORAL_ADDRESS and TEMPORAL_NAMESPACE.';
    throw new SetupError(trouble, `Temporal: ${message}.${remedy}`, { cause: error });
  }
}

async function register(connection: ConnectionLike, namespace: string): Promise<SearchAttributesReport> {
  const missing = await missingSearchAttributes(connection, namespace);
  if (missing.length > 0) {
    const searchAttributes = Object.fromEntries(missing.map((name) => [name, KEYWORD]));
    try {
      await connection.operatorService.addSearchAttributes({ namespace, searchAttributes });
    } catch (error) {
      // Somebody else may have been faster: what counts is that they are there.
      if ((await missingSearchAttributes(connection, namespace)).length > 0) throw error;
    }
  }
  return { added: missing, present: searchAttributeNames.filter((name) => !missing.includes(name)) };
}

/** Names of ours that the namespace does not have. Throws `SetupError` when one is there with another type. */
export async function missingSearchAttributes(connection: ConnectionLike, namespace: string): Promise<string[]> {
  const { customAttributes } = await connection.operatorService.listSearchAttributes({ namespace });
  const present = customAttributes ?? {};
  const wrong = searchAttributeNames.filter((name) => Object.hasOwn(present, name) && present[name] !== KEYWORD);
  if (wrong.length > 0) {
    throw new SetupError(
      'conflict',
      `Temporal: search attribute ${wrong.join(', ')} of namespace ${namespace} is not a Keyword. Remove it, or use another namespace.`,
    );
  }
  return searchAttributeNames.filter((name) => !Object.hasOwn(present, name));
}

export interface SweepSchedule {
  cluster: string;
  /** Absent: all namespaces. */
  workshopNamespace?: string | undefined;
  taskQueuePrefix: string;
  intervalSeconds: number;
}

/**
 * Makes the Schedule of the workshop sweep, or brings it up to date; whether it is paused stays as it is. Throws
 * `SetupError`.
 */
export async function setUpSweep(
  connection: ConnectionLike,
  namespace: string,
  { cluster, workshopNamespace, taskQueuePrefix, intervalSeconds }: SweepSchedule,
): Promise<{ scheduleId: string; created: boolean }> {
  const { schedule } = new Client({ connection, namespace });
  const scheduleId = workflowIds.workshopSweep(cluster);
  const definition = {
    spec: { intervals: [{ every: Math.max(1, Math.round(intervalSeconds)) * 1000 }] },
    // A sweep that was missed is worth nothing: the next one sees the same.
    policies: { overlap: ScheduleOverlapPolicy.SKIP, catchupWindow: '10s' as const },
    action: {
      type: 'startWorkflow' as const,
      workflowType: workflowTypes.workshopSweep,
      workflowId: scheduleId,
      taskQueue: taskQueueName(taskQueuePrefix, 'workshops'),
      args: [{ cluster, ...(workshopNamespace ? { namespace: workshopNamespace } : {}) }],
      staticSummary: `Look at all workshops of cluster ${cluster}`,
    },
  };
  try {
    await schedule.create({ scheduleId, ...definition });
    return { scheduleId, created: true };
  } catch (error) {
    if (!(error instanceof ScheduleAlreadyRunning)) throw asSetupError(error);
  }
  try {
    await schedule.getHandle(scheduleId).update(({ state }) => ({ ...definition, state }));
    return { scheduleId, created: false };
  } catch (error) {
    throw asSetupError(error);
  }
}

function asSetupError(error: unknown): SetupError {
  const { trouble, message } = temporalTrouble(error);
  return new SetupError(trouble, `Temporal: the Schedule of the workshop sweep: ${message}`, { cause: error });
}
