import type { WorkshopSweepInput, WorkshopSweepResult } from '../../contract/workshop/input.ts';
import {
  type ResourceClaim,
  type Workshop,
  type WorkshopProvision,
  type WorkshopUserAssignment,
  workshopKinds,
  workshopLabels,
} from '../../contract/workshop/objects.ts';
import type { AutoscalerAddress } from '../../contract/workshop/start.ts';
import { type Attention, attention } from '../../domain/workshop/fingerprint.ts';
import { type Observation, readObservation } from '../../domain/workshop/observation.ts';
import { KubernetesCallError } from '../kubernetes/errors.ts';
import { beat } from '../signal.ts';
import type { WorkshopDependencies } from './dependencies.ts';
import { asksForScaling, isAutoscalerOpen, wakeAutoscaler } from './wake.ts';

/**
 * Finds what a watcher missed, runs that were lost, and flags that nobody clears, among the provisions whose workshop has
 * autoscaling enabled and those whose flag is set. An autoscaler that is open and has missed nothing is left alone: waking it
 * would only make its history grow. Twice is harmless: a wake sets one bit.
 */
export async function sweep(
  deps: WorkshopDependencies,
  { cluster, namespace }: WorkshopSweepInput,
): Promise<WorkshopSweepResult> {
  const workshops = await listOrNone<Workshop>(deps, workshopKinds.workshop, namespace);
  const enabled = new Set(workshops.filter(asksForScaling).map(keyOf));
  const provisions = await listOrNone<WorkshopProvision>(deps, workshopKinds.provision, namespace);
  const flagged = provisions.filter(isFlagged);
  const due = provisions.filter((provision) => enabled.has(workshopKeyOf(provision)) || isFlagged(provision));
  const observe = await observer(deps, { workshops, provisions, due });
  let signalled = 0;
  for (const provision of due) {
    beat();
    const address = { cluster, ...addressOf(provision) };
    if (!(await mustWake(deps, address, attention(observe(provision))))) continue;
    await wakeAutoscaler(deps.temporal, deps.taskQueue, address, 'sweep');
    signalled += 1;
  }
  return { cluster, workshops: enabled.size, provisions: provisions.length, flagged: flagged.length, signalled };
}

async function mustWake({ temporal }: WorkshopDependencies, address: AutoscalerAddress, owed: Attention) {
  if (owed === 'wake' || owed === 'none') return owed === 'wake';
  const open = await isAutoscalerOpen(temporal, address);
  return owed === 'tell' ? open : !open;
}

interface Found {
  workshops: readonly Workshop[];
  provisions: readonly WorkshopProvision[];
  due: readonly WorkshopProvision[];
}

/** Reads a provision as a look of its autoscaler does; claims and seats are listed once for each namespace, the seats last. */
async function observer(
  { resources }: WorkshopDependencies,
  { workshops, provisions, due }: Found,
): Promise<(provision: WorkshopProvision) => Observation> {
  const claims: ResourceClaim[][] = [];
  const seats: WorkshopUserAssignment[][] = [];
  for (const namespace of new Set(due.map(({ metadata }) => metadata?.namespace ?? ''))) {
    const ofWorkshops = { namespace, labelSelector: workshopLabels.workshop };
    claims.push(await resources.list<ResourceClaim>(workshopKinds.claim, ofWorkshops));
    seats.push(await resources.list<WorkshopUserAssignment>(workshopKinds.seat, ofWorkshops));
  }
  const byName = new Map(workshops.map((workshop) => [keyOf(workshop), workshop]));
  const of = { provisions: grouped(provisions), claims: grouped(claims.flat()), seats: grouped(seats.flat()) };
  return (provision) => {
    const key = workshopKeyOf(provision);
    return readObservation({
      ...addressOf(provision),
      provision,
      workshop: byName.get(key),
      provisions: of.provisions.get(key) ?? [],
      claims: of.claims.get(key) ?? [],
      seats: of.seats.get(key) ?? [],
    });
  };
}

/** By the label of their workshop, which is what a look selects by. */
function grouped<T extends Pick<Workshop, 'metadata'>>(objects: readonly T[]): ReadonlyMap<string, readonly T[]> {
  const groups = new Map<string, T[]>();
  for (const object of objects) {
    const key = `${object.metadata?.namespace}/${object.metadata?.labels?.[workshopLabels.workshop]}`;
    const group = groups.get(key);
    if (group) group.push(object);
    else groups.set(key, [object]);
  }
  return groups;
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

function addressOf({ metadata, spec }: WorkshopProvision) {
  const workshop = spec?.workshopName;
  return { namespace: metadata?.namespace ?? '', name: metadata?.name ?? '', uid: metadata?.uid, workshop };
}

const isFlagged = ({ status }: WorkshopProvision) => status?.autoScalingActive !== undefined;

const keyOf = ({ metadata }: Workshop) => `${metadata?.namespace}/${metadata?.name}`;

const workshopKeyOf = ({ metadata, spec }: WorkshopProvision) =>
  `${metadata?.namespace}/${spec?.workshopName ?? metadata?.labels?.[workshopLabels.workshop]}`;
