import type { Client } from '@temporalio/client';
import { workflowIds, workflowTypes } from '../contract/names.ts';
import { phaseKey, workshopNameKey, workshopNamespaceKey } from '../contract/search-attributes.ts';
import type { AutoscalerPhase } from '../contract/workshop/status.ts';
import { type RunInfo, type RunState, stateOf } from './runs.ts';
import { quoted, visibilityStates } from './scope-list.ts';
import { toGroundworkError } from './temporal-errors.ts';

/** Runs of autoscalers by their search attributes. */

export interface AutoscalerFilter {
  namespace?: string;
  workshop?: string;
  phase?: AutoscalerPhase;
  state?: RunState;
  /** Default 100. */
  limit?: number;
}

export interface AutoscalerEntry extends RunInfo {
  cluster: string;
  namespace: string;
  provision: string;
  workshop?: string;
  phase?: string;
}

/** Answers newest first, at most `limit`. */
export async function listAutoscalers(client: Client, filter: AutoscalerFilter): Promise<AutoscalerEntry[]> {
  const limit = filter.limit ?? 100;
  const entries: AutoscalerEntry[] = [];
  if (limit <= 0) return entries;
  try {
    for await (const run of client.workflow.list({ query: queryOf(filter), pageSize: Math.min(limit, 1000) })) {
      const { workflowId, typedSearchAttributes: attributes } = run;
      const [cluster = '', namespace = '', provision = ''] = workflowId.slice(PREFIX.length).split('/');
      const workshop = attributes.get(workshopNameKey);
      const phase = attributes.get(phaseKey);
      entries.push({
        cluster,
        namespace: attributes.get(workshopNamespaceKey) ?? namespace,
        provision,
        workflowId,
        runId: run.runId,
        type: run.type,
        taskQueue: run.taskQueue,
        state: stateOf(run.status.name),
        startedAt: run.startTime.toISOString(),
        ...(run.closeTime ? { closedAt: run.closeTime.toISOString() } : {}),
        ...(workshop ? { workshop } : {}),
        ...(phase ? { phase } : {}),
      });
      if (entries.length === limit) break;
    }
    return entries;
  } catch (error) {
    throw toGroundworkError(error, { what: 'list autoscalers' });
  }
}

const PREFIX = workflowIds.provisionAutoscaler('', '', '').replace(/\/+$/, '/');

function queryOf({ namespace, workshop, phase, state }: AutoscalerFilter): string {
  return [
    `WorkflowType = ${quoted(workflowTypes.provisionAutoscaler)}`,
    ...(namespace ? [`WorkshopNamespace = ${quoted(namespace)}`] : []),
    ...(workshop ? [`WorkshopName = ${quoted(workshop)}`] : []),
    ...(phase ? [`Phase = ${quoted(phase)}`] : []),
    ...(state ? [`ExecutionStatus = ${quoted(visibilityStates[state])}`] : []),
  ].join(' AND ');
}
