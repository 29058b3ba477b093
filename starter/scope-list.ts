import type { Client } from '@temporalio/client';
import { workflowIds, workflowTypes } from '../contract/names.ts';
import type { ScopePhase, ScopeStatus } from '../contract/scope/status.ts';
import { balancerNameKey, environmentKey, phaseKey, scopeIdKey } from '../contract/search-attributes.ts';
import { type RunInfo, type RunState, stateOf } from './runs.ts';
import { toGroundworkError } from './temporal-errors.ts';

/** Runs of scopes by their search attributes. */

export interface ScopeFilter {
  scopeId?: string;
  environment?: string;
  phase?: ScopePhase;
  state?: RunState;
  kind?: ScopeStatus['kind'];
  /** Default 100. */
  limit?: number;
}

export interface ScopeRunEntry extends RunInfo {
  kind: ScopeStatus['kind'];
  scopeId: string;
  phase?: string;
  environment?: string;
  balancer?: string;
}

const prefixes: Readonly<Record<ScopeStatus['kind'], string>> = {
  creation: workflowIds.scopeCreation(''),
  deletion: workflowIds.scopeDeletion(''),
  plan: workflowIds.scopePlan(''),
};

export const visibilityStates: Readonly<Record<RunState, string>> = {
  running: 'Running',
  completed: 'Completed',
  failed: 'Failed',
  cancelled: 'Canceled',
  terminated: 'Terminated',
  'timed-out': 'TimedOut',
};

/** Answers newest first, at most `limit`. */
export async function listScopeRuns(client: Client, filter: ScopeFilter): Promise<ScopeRunEntry[]> {
  const limit = filter.limit ?? 100;
  const entries: ScopeRunEntry[] = [];
  if (limit <= 0) return entries;
  try {
    for await (const run of client.workflow.list({ query: queryOf(filter), pageSize: Math.min(limit, 1000) })) {
      const { workflowId, typedSearchAttributes: attributes } = run;
      const kind = kindOf(workflowId);
      const phase = attributes.get(phaseKey);
      const environment = attributes.get(environmentKey);
      const balancer = attributes.get(balancerNameKey);
      entries.push({
        kind,
        scopeId: attributes.get(scopeIdKey) ?? workflowId.slice(prefixes[kind].length),
        workflowId,
        runId: run.runId,
        type: run.type,
        taskQueue: run.taskQueue,
        state: stateOf(run.status.name),
        startedAt: run.startTime.toISOString(),
        ...(run.closeTime ? { closedAt: run.closeTime.toISOString() } : {}),
        ...(phase ? { phase } : {}),
        ...(environment ? { environment } : {}),
        ...(balancer ? { balancer } : {}),
      });
      if (entries.length === limit) break;
    }
    return entries;
  } catch (error) {
    throw toGroundworkError(error, { what: 'list runs of scopes' });
  }
}

/** The visibility query of a filter. */
export function queryOf(filter: ScopeFilter): string {
  const types = [workflowTypes.scopeCreation, workflowTypes.scopeDeletion].map(quoted).join(', ');
  return [
    `WorkflowType IN (${types})`,
    ...(filter.kind ? [`WorkflowId STARTS_WITH ${quoted(prefixes[filter.kind])}`] : []),
    ...(filter.scopeId ? [`ScopeId = ${quoted(filter.scopeId)}`] : []),
    ...(filter.environment ? [`Environment = ${quoted(filter.environment)}`] : []),
    ...(filter.phase ? [`Phase = ${quoted(filter.phase)}`] : []),
    ...(filter.state ? [`ExecutionStatus = ${quoted(visibilityStates[filter.state])}`] : []),
  ].join(' AND ');
}

/** A string literal of the query language, which is that of MySQL. */
export function quoted(text: string): string {
  return `'${text.replace(/\\/g, '\\\\').replace(/'/g, "''")}'`;
}

function kindOf(workflowId: string): ScopeStatus['kind'] {
  const kinds = Object.keys(prefixes) as ScopeStatus['kind'][];
  return kinds.find((kind) => workflowId.startsWith(prefixes[kind])) ?? 'creation';
}
