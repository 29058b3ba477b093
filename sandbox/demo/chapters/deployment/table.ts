import { workflowIds } from '../../../../contract/names.ts';
import type { Stage } from '../../chapter.ts';
import type { Table } from '../../table.ts';
import { type Story, scope } from './story.ts';

/** Every rollout of the chapter, with the requests of users while it ran. */
export async function versionsTable(stage: Stage, { rollouts }: Story): Promise<Table> {
  return {
    columns: ['version', 'outcome', 'requests meanwhile', 'failed', 'time', 'Temporal UI'],
    rows: rollouts.map(({ version, runId, result, error, sent, failed, seconds }) => [
      version,
      result ? result.outcome : `rolled back: ${error?.name ?? 'unknown'}`,
      String(sent),
      String(failed),
      `${seconds.toFixed(1)} s`,
      stage.link(workflowIds.deployment(scope.scopeId), runId),
    ]),
  };
}
