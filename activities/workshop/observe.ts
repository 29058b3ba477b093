import {
  type ResourceClaim,
  type Workshop,
  type WorkshopProvision,
  type WorkshopUserAssignment,
  workshopKinds,
  workshopLabels,
} from '../../contract/workshop/objects.ts';
import { type Observation, readObservation } from '../../domain/workshop/observation.ts';
import type { WorkshopDependencies } from './dependencies.ts';

/**
 * A provision with its workshop, and the claims and seats of the workshop, as numbers. Only reads, so twice is harmless.
 * Seats are listed last: what is complete in the list of claims has its seats in theirs.
 */
export async function observe(
  { resources }: WorkshopDependencies,
  { namespace, name }: { namespace: string; name: string },
): Promise<Observation> {
  const provision = await resources.read<WorkshopProvision>(workshopKinds.provision, namespace, name);
  const workshopName = provision?.spec?.workshopName ?? provision?.metadata?.labels?.[workshopLabels.workshop];
  if (provision === undefined || workshopName === undefined)
    return readObservation({ namespace, name, provision, workshop: undefined, provisions: [], claims: [], seats: [] });
  const ofWorkshop = { namespace, labelSelector: `${workshopLabels.workshop}=${workshopName}` };
  const [workshop, provisions, claims] = await Promise.all([
    resources.read<Workshop>(workshopKinds.workshop, namespace, workshopName),
    resources.list<WorkshopProvision>(workshopKinds.provision, ofWorkshop),
    resources.list<ResourceClaim>(workshopKinds.claim, ofWorkshop),
  ]);
  const seats = await resources.list<WorkshopUserAssignment>(workshopKinds.seat, ofWorkshop);
  return readObservation({ namespace, name, provision, workshop, provisions, claims, seats });
}
