import type { Client } from '@temporalio/client';
import type { TypedSearchAttributes } from '@temporalio/common';
import { type RunInfo, runInfoOf } from './runs.ts';
import { toGroundworkError } from './temporal-errors.ts';

/** Runs by a query over their search attributes. */

export interface ListedRun {
  readonly info: RunInfo;
  readonly attributes: TypedSearchAttributes;
}

/** Answers newest first, at most `limit`, 100 unless given. `what` names the list in a failure. */
export async function listRuns(client: Client, query: string, what: string, limit = 100): Promise<ListedRun[]> {
  const runs: ListedRun[] = [];
  if (limit <= 0) return runs;
  try {
    for await (const run of client.workflow.list({ query, pageSize: Math.min(limit, 1000) })) {
      runs.push({ info: runInfoOf(run), attributes: run.typedSearchAttributes });
      if (runs.length === limit) break;
    }
    return runs;
  } catch (error) {
    throw toGroundworkError(error, { what });
  }
}
