import type { Client } from '@temporalio/client';
import { workflowIds, workflowTypes } from '../contract/names.ts';
import { phaseKey, workshopNameKey, workshopNamespaceKey } from '../contract/search-attributes.ts';
import type { AutoscalerPhase } from '../contract/workshop/status.ts';
import { listRuns } from './run-list.ts';
import { conditionOf, type RunState } from './run-states.ts';
import type { RunInfo } from './runs.ts';
import { quoted } from './scope-list.ts';

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
  const runs = await listRuns(client, queryOf(filter), 'list autoscalers', filter.limit);
  return runs.map(({ info, attributes }) => {
    const [cluster = '', namespace = '', provision = ''] = info.workflowId.slice(PREFIX.length).split('/');
    const workshop = attributes.get(workshopNameKey);
    const phase = attributes.get(phaseKey);
    return {
      cluster,
      namespace: attributes.get(workshopNamespaceKey) ?? namespace,
      provision,
      ...info,
      ...(workshop ? { workshop } : {}),
      ...(phase ? { phase } : {}),
    };
  });
}

const PREFIX = workflowIds.provisionAutoscaler('', '', '').replace(/\/+$/, '/');

/** The visibility query of a filter. */
export function queryOf({ namespace, workshop, phase, state }: AutoscalerFilter): string {
  return [
    `WorkflowType = ${quoted(workflowTypes.provisionAutoscaler)}`,
    ...(namespace ? [`WorkshopNamespace = ${quoted(namespace)}`] : []),
    ...(workshop ? [`WorkshopName = ${quoted(workshop)}`] : []),
    ...(phase ? [`Phase = ${quoted(phase)}`] : []),
    conditionOf(state),
  ].join(' AND ');
}
