import { workflowIds } from '../../../../contract/names.ts';
import type { ScopeCreationResult } from '../../../../starter/client.ts';
import type { Stage } from '../../chapter.ts';
import type { Ended } from '../../follow.ts';
import type { Table } from '../../table.ts';
import { MOST_RULES } from '../setting.ts';
import { loadOf, type Outcome } from './outcome.ts';

/** Every scope of the chapter. The load is that of the balancer in the end, in rules. */
export async function outcomeTable(stage: Stage, { ended, failed }: Outcome): Promise<Table> {
  const runs = failed ? [...ended, failed] : ended;
  return {
    columns: ['scope', 'host', 'balancer', 'load', 'outcome', 'time', 'Temporal UI'],
    rows: await Promise.all(runs.map((run) => rowOf(stage, run))),
  };
}

async function rowOf(stage: Stage, run: Ended<ScopeCreationResult>): Promise<string[]> {
  const time = `${run.seconds.toFixed(1)} s`;
  const link = stage.link(workflowIds.scopeCreation(run.scopeId));
  if ('error' in run) return [run.scopeId, '-', '-', '-', `failed: ${run.error.name}`, time, link];
  const { domain, balancer } = run.result;
  const load = await loadOf(stage, balancer.name).then(
    ({ rules, placed }) => `${rules + placed}/${MOST_RULES}`,
    () => 'unknown',
  );
  const how = balancer.created ? 'created it' : balancer.origin === 'autocreated' ? 'joined' : 'had room';
  return [run.scopeId, domain, balancer.name, load, how, time, link];
}
