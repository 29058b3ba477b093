import type { Client } from '@temporalio/client';
import { workflowIds, workflowTypes } from '../contract/names.ts';
import type { ScopePhase, ScopeStatus } from '../contract/scope/status.ts';
import { balancerNameKey, environmentKey, phaseKey, scopeIdKey } from '../contract/search-attributes.ts';
import { listRuns } from './run-list.ts';
import { conditionOf, type RunState } from './run-states.ts';
import type { RunInfo } from './runs.ts';

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

/** Answers newest first, at most `limit`. */
export async function listScopeRuns(client: Client, filter: ScopeFilter): Promise<ScopeRunEntry[]> {
  const runs = await listRuns(client, queryOf(filter), 'list runs of scopes', filter.limit);
  return runs.map(({ info, attributes }) => {
    const kind = kindOf(info.workflowId);
    const phase = attributes.get(phaseKey);
    const environment = attributes.get(environmentKey);
    const balancer = attributes.get(balancerNameKey);
    return {
      kind,
      scopeId: attributes.get(scopeIdKey) ?? info.workflowId.slice(prefixes[kind].length),
      ...info,
      ...(phase ? { phase } : {}),
      ...(environment ? { environment } : {}),
      ...(balancer ? { balancer } : {}),
    };
  });
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
    conditionOf(filter.state),
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
