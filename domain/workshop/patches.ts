import type { Condition, ProvisionAutoScaling } from '../../contract/workshop/objects.ts';
import { workshopAnnotations } from '../../contract/workshop/objects.ts';
import type { Observation, ProvisionFacts, WorkshopFacts } from './observation.ts';

/** The writes of an operation as JSON Patches (specs: workshop autoscaling, section 4). Each tests what it was decided upon. */

export type JsonPatch = (
  | { op: 'test' | 'add' | 'replace'; path: string; value: unknown }
  | { op: 'remove'; path: string }
)[];

/** The keys of a provision's status that are written besides the flag. */
export interface StatusKeys {
  autoScaling: ProvisionAutoScaling;
  assignedCount: number;
}

const test = (path: string, value: unknown) => ({ op: 'test' as const, path, value });
const add = (path: string, value: unknown) => ({ op: 'add' as const, path, value });

const ANNOTATIONS = '/metadata/annotations';
const OPERATION = `${ANNOTATIONS}/${pointerKey(workshopAnnotations.operation)}`;

/** On `/status`, before the count. A merge patch would not do: its uid is not compared there. */
export function flagPatch(provision: ProvisionFacts, keys: StatusKeys): JsonPatch {
  return statusWrites(provision, { autoScalingActive: true, ...keys });
}

/** On `/status`: our keys, and not the flag. */
export function statusPatch(provision: ProvisionFacts, keys: StatusKeys): JsonPatch {
  return statusWrites(provision, { ...keys });
}

/** On `/status`, last. Removing an absent flag would be refused, so that it is only removed where it was seen. */
export function clearPatch(provision: ProvisionFacts, keys: StatusKeys): JsonPatch {
  const clear = provision.status.autoScalingActive === undefined ? [] : [flagRemoval];
  return [...statusPatch(provision, keys), ...clear];
}

const flagRemoval = { op: 'remove' as const, path: '/status/autoScalingActive' };

/**
 * On the object itself, a request of its own. `from` and `fence` are what the decision saw: a delayed patch of an older
 * operation finds another annotation. No test of resourceVersion, so status writes of others cannot starve it.
 */
export function countPatch(
  provision: Pick<ProvisionFacts, 'uid' | 'hasAnnotations'>,
  write: { from: number; target: number; fence: string | null; operationId: string },
): JsonPatch {
  const annotation = provision.hasAnnotations
    ? { tested: test(OPERATION, write.fence), written: add(OPERATION, write.operationId) }
    : {
        tested: test(ANNOTATIONS, null),
        written: add(ANNOTATIONS, { [workshopAnnotations.operation]: write.operationId }),
      };
  return [
    test('/metadata/uid', provision.uid),
    test('/spec/count', write.from),
    annotation.tested,
    { op: 'replace', path: '/spec/count', value: write.target },
    annotation.written,
  ];
}

/** On the workshop's `/status`. */
export function workshopConditionsPatch(workshop: WorkshopFacts, conditions: Condition[]): JsonPatch {
  const uid = test('/metadata/uid', workshop.uid);
  if (!workshop.hasStatus) return [uid, test('/status', null), add('/status', { autoScaling: { conditions } })];
  if (!workshop.hasAutoScalingStatus) return [uid, add('/status/autoScaling', { conditions })];
  return [uid, add('/status/autoScaling/conditions', conditions)];
}

/** What the answer to a patch says. A failed test and an impossible path are a 422 without causes. */
export type PatchAnswer = 'Applied' | 'Conflict' | 'Invalid' | 'Gone' | 'Denied' | 'Retry';

export function readAnswer(status: number, hasCauses: boolean): PatchAnswer {
  if (status >= 200 && status < 300) return 'Applied';
  if (status === 404) return 'Gone';
  if (status === 401 || status === 403) return 'Denied';
  if (status === 409) return 'Conflict';
  if (status === 422) return hasCauses ? 'Invalid' : 'Conflict';
  return status === 400 ? 'Invalid' : 'Retry';
}

/** Whether the object already shows this write: after a lost answer or a conflict that is success. */
export function isWritten(observation: Observation, write: { target: number; operationId: string }): boolean {
  const { provision } = observation;
  return provision?.count === write.target && provision.operationAnnotation === write.operationId;
}

function statusWrites(provision: ProvisionFacts, keys: object): JsonPatch {
  const uid = test('/metadata/uid', provision.uid);
  if (!provision.hasStatus) return [uid, test('/status', null), add('/status', keys)];
  return [uid, ...Object.entries(keys).map(([key, value]) => add(`/status/${key}`, value))];
}

/** A key as a segment of a JSON Pointer (RFC 6901). */
function pointerKey(key: string): string {
  return key.replace(/~/g, '~0').replace(/\//g, '~1');
}
