import {
  type ResourceClaim,
  type WorkshopUserAssignment,
  workshopKinds,
  workshopLabels,
} from '../../contract/workshop/objects.ts';
import { isAssigned } from '../../domain/workshop/observation.ts';
import type { WorkshopDependencies } from './dependencies.ts';

/** A claim without assigned seats, with its seats as they were observed. */
export interface DeleteClaimInput {
  namespace: string;
  claim: string;
  uid: string;
  seats: readonly { name: string; uid: string; resourceVersion: string }[];
}

/**
 * Takes a claim away: each of its seats, if nobody has touched it since it was seen free, then the claim, if no other seat of
 * it was made since. `Saved`: somebody logged in meanwhile, or could have, and the claim stays. Twice is harmless: what is gone
 * already counts as deleted, uid and resource version let nothing be deleted that is not what was seen, and a seat that the
 * manager made again after the first time saves the claim.
 */
export async function deleteClaim(
  { resources }: Pick<WorkshopDependencies, 'resources'>,
  { namespace, claim, uid, seats }: DeleteClaimInput,
): Promise<'Deleted' | 'Saved'> {
  for (const seat of seats) {
    const preconditions = { uid: seat.uid, resourceVersion: seat.resourceVersion };
    if ((await resources.remove(workshopKinds.seat, namespace, seat.name, preconditions)) === 'changed') return 'Saved';
  }
  const found = await resources.read<ResourceClaim>(workshopKinds.claim, namespace, claim);
  if (found === undefined) return 'Deleted';
  const workshop = found.metadata?.labels?.[workshopLabels.workshop];
  if (workshop === undefined) return 'Saved';
  const labelSelector = `${workshopLabels.workshop}=${workshop}`;
  const left = await resources.list<WorkshopUserAssignment>(workshopKinds.seat, { namespace, labelSelector });
  const seen = new Set<string | undefined>(seats.map((seat) => seat.uid));
  const kept = left.some(
    (seat) => seat.spec?.resourceClaimName === claim && (isAssigned(seat) || !seen.has(seat.metadata?.uid)),
  );
  if (kept) return 'Saved';
  const outcome = await resources.remove(workshopKinds.claim, namespace, claim, { uid });
  return outcome === 'changed' ? 'Saved' : 'Deleted';
}
