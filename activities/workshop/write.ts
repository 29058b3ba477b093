import { type ObjectMeta, type WorkshopKind, workshopKinds } from '../../contract/workshop/objects.ts';
import { type JsonPatch, readAnswer } from '../../domain/workshop/patches.ts';
import { permanent } from '../failures.ts';
import { KubernetesCallError } from '../kubernetes/errors.ts';
import { isApplied } from '../kubernetes/json-patch.ts';
import type { WorkshopDependencies } from './dependencies.ts';

/** A JSON Patch on one object of a workshop. The patch carries its own preconditions. */
export interface WriteInput {
  namespace: string;
  name: string;
  patch: JsonPatch;
}

/** `Conflict`: the object is not what the patch was decided upon. Nothing was written then. */
export interface WriteAnswer {
  outcome: 'Written' | 'Conflict' | 'NotFound';
  /** Of the object after the write, or as it was found. */
  generation?: number;
}

/**
 * Sends a patch. Twice, or with its answer lost, is harmless: a patch of ours says what must be, its tests fail once it was
 * applied, and what is there then is compared with what was wanted (specs: workshop autoscaling, 4.4).
 */
export async function write(
  deps: WorkshopDependencies,
  what: WorkshopKind,
  { namespace, name, patch }: WriteInput,
  options: { status?: boolean; dryRun?: boolean },
): Promise<WriteAnswer> {
  const kind = workshopKinds[what];
  const answer = (outcome: WriteAnswer['outcome'], object?: { metadata?: ObjectMeta }): WriteAnswer => {
    const generation = object?.metadata?.generation;
    return { outcome, ...(generation === undefined ? {} : { generation }) };
  };
  try {
    const after = await deps.resources.patch<{ metadata?: ObjectMeta }>(kind, namespace, name, patch, options);
    if (!isApplied(after, patch)) throw dropped(kind.plural, namespace, name, patch);
    return answer('Written', after);
  } catch (error) {
    if (!(error instanceof KubernetesCallError)) throw error;
    const words = readAnswer(error.status ?? 0, error.hasCauses);
    if (words === 'Gone') return answer('NotFound');
    if (words !== 'Conflict') throw error;
    const live = await deps.resources.read<{ metadata?: ObjectMeta }>(kind, namespace, name);
    if (live === undefined) return answer('NotFound');
    return answer(isApplied(live, patch) ? 'Written' : 'Conflict', live);
  }
}

/** A definition without our fields answers 200 and drops them: nothing would be protected by a flag that is not there. */
function dropped(plural: string, namespace: string, name: string, patch: JsonPatch) {
  const paths = patch.filter(({ op }) => op !== 'test').map(({ path }) => path);
  const message = `the API server dropped ${paths.join(', ')} of ${plural} ${namespace}/${name}. Its definition lacks the fields: apply deploy/crds.`;
  return permanent('Invalid', message, { resource: `${plural} ${namespace}/${name}`, paths });
}
