import { workshopKinds } from '../../contract/workshop/objects.ts';
import type { WorkshopDependencies } from './dependencies.ts';

/** A claim without assigned seats, with its seats as they were observed. */
export interface DeleteClaimInput {
  namespace: string;
  claim: string;
  uid: string;
  seats: readonly { name: string; uid: string; resourceVersion: string }[];
}

/**
 * Takes a claim away: each of its seats, if nobody has touched it since it was seen free, then the claim. `Saved`: somebody
 * logged in meanwhile, and the claim stays. Twice is harmless: what is gone already counts as deleted, and uid and resource
 * version let nothing be deleted that is not what was seen.
 */
export async function deleteClaim(
  { resources }: WorkshopDependencies,
  { namespace, claim, uid, seats }: DeleteClaimInput,
): Promise<'Deleted' | 'Saved'> {
  for (const seat of seats) {
    const preconditions = { uid: seat.uid, resourceVersion: seat.resourceVersion };
    if ((await resources.remove(workshopKinds.seat, namespace, seat.name, preconditions)) === 'changed') return 'Saved';
  }
  const outcome = await resources.remove(workshopKinds.claim, namespace, claim, { uid });
  return outcome === 'changed' ? 'Saved' : 'Deleted';
}
