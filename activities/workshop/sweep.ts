import type { WorkshopSweepInput, WorkshopSweepResult } from '../../contract/workshop/input.ts';
import {
  type Workshop,
  type WorkshopProvision,
  workshopKinds,
  workshopLabels,
} from '../../contract/workshop/objects.ts';
import { KubernetesCallError } from '../kubernetes/errors.ts';
import { beat } from '../signal.ts';
import type { WorkshopDependencies } from './dependencies.ts';
import { asksForScaling, wakeAutoscaler } from './wake.ts';

/**
 * Wakes the autoscaler of every provision whose workshop has autoscaling enabled, and of every provision whose flag is set:
 * what a watcher missed, a run that was lost, and a flag that nobody clears. Twice is harmless: a wake sets one bit.
 */
export async function sweep(
  deps: WorkshopDependencies,
  { cluster, namespace }: WorkshopSweepInput,
): Promise<WorkshopSweepResult> {
  const enabled = new Set(
    (await listOrNone<Workshop>(deps, workshopKinds.workshop, namespace)).filter(asksForScaling).map(keyOf),
  );
  const provisions = await listOrNone<WorkshopProvision>(deps, workshopKinds.provision, namespace);
  const flagged = provisions.filter((provision) => provision.status?.autoScalingActive !== undefined);
  const due = provisions.filter(
    (provision) => enabled.has(workshopKeyOf(provision)) || provision.status?.autoScalingActive !== undefined,
  );
  for (const provision of due) {
    beat();
    await wakeAutoscaler(deps.temporal, deps.taskQueue, addressOf(cluster, provision), 'sweep');
  }
  return {
    cluster,
    workshops: enabled.size,
    provisions: provisions.length,
    flagged: flagged.length,
    signalled: due.length,
  };
}

/** A cluster without our definitions has no workshops. */
async function listOrNone<T>(
  { resources }: WorkshopDependencies,
  kind: (typeof workshopKinds)[keyof typeof workshopKinds],
  namespace: string | undefined,
): Promise<T[]> {
  try {
    return await resources.list<T>(kind, { namespace });
  } catch (error) {
    if (error instanceof KubernetesCallError && error.kind === 'absent') return [];
    throw error;
  }
}

function addressOf(cluster: string, { metadata, spec }: WorkshopProvision) {
  const workshop = spec?.workshopName;
  return { cluster, namespace: metadata?.namespace ?? '', name: metadata?.name ?? '', uid: metadata?.uid, workshop };
}

const keyOf = ({ metadata }: Workshop) => `${metadata?.namespace}/${metadata?.name}`;

const workshopKeyOf = ({ metadata, spec }: WorkshopProvision) =>
  `${metadata?.namespace}/${spec?.workshopName ?? metadata?.labels?.[workshopLabels.workshop]}`;
