import type { Client } from '@temporalio/client';
import type { TypedSearchAttributes } from '@temporalio/common';
import { type RunInfo, runInfoOf } from './runs.ts';
import { toGroundworkError } from './temporal-errors.ts';

/** Runs by a query over their search attributes. */

/** Runs that the server answers at once at most, and time for them. */
const PAGE = 1000;
const PAGE_MS = 10_000;

export interface ListedRun {
  readonly info: RunInfo;
  readonly attributes: TypedSearchAttributes;
}

/** Answers newest first, at most `limit`, 100 unless given. `what` names the list in a failure. */
export async function listRuns(client: Client, query: string, what: string, limit = 100): Promise<ListedRun[]> {
  const runs: ListedRun[] = [];
  if (limit <= 0) return runs;
  try {
    await client.withDeadline(Date.now() + PAGE_MS * Math.ceil(limit / PAGE), async () => {
      for await (const run of client.workflow.list({ query, pageSize: Math.min(limit, PAGE) })) {
        runs.push({ info: runInfoOf(run), attributes: run.typedSearchAttributes });
        if (runs.length === limit) break;
      }
    });
    return runs;
  } catch (error) {
    throw toGroundworkError(error, { what });
  }
}
