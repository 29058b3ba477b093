import { type ClaimResource, type ResourceClaim, workshopLabels } from '../../contract/workshop/objects.ts';
import { elementsOf } from './readable.ts';

/** What the state of a claim means (specs: workshop autoscaling, section 1). */

const failedStates = ['provision-error', 'provision-cancelled', 'provision-canceled'];

/** Of a provision's claims: exactly one of the four. `provisioning` holds the pending ones as well. */
export type ClaimLife = 'pending' | 'provisioning' | 'active' | 'failed';

export function claimLife(claim: ResourceClaim): ClaimLife {
  const resources = resourcesOf(claim);
  if (resources.some(isFailed)) return 'failed';
  if (resources.length === 0 || resources.some(({ state }) => !state)) return 'pending';
  return resources.every((resource) => !isSubject(resource) || completedAt(resource) !== undefined)
    ? 'active'
    : 'provisioning';
}

/** A claim that is being deleted is not there any more, neither are its seats. */
export function isLive(claim: ResourceClaim): boolean {
  return claim.metadata?.deletionTimestamp === undefined;
}

/** Name of the provision; absent for an access-only claim. */
export function provisionOf(claim: ResourceClaim): string | undefined {
  return claim.metadata?.labels?.[workshopLabels.provision];
}

/** Seconds from creation to the last completion of its subjects; undefined when Kubernetes does not say it. */
export function provisioningSeconds(claim: ResourceClaim): number | undefined {
  const ends = resourcesOf(claim).flatMap((resource) => completedAt(resource) ?? []);
  const seconds = (Math.max(...ends.map(Date.parse)) - Date.parse(claim.metadata?.creationTimestamp ?? '')) / 1000;
  return ends.length > 0 && Number.isFinite(seconds) ? Math.max(0, seconds) : undefined;
}

function resourcesOf({ status }: ResourceClaim): readonly ClaimResource[] {
  return elementsOf(status?.resources);
}

function isSubject(resource: ClaimResource): boolean {
  return resource.state?.kind === 'AnarchySubject';
}

function isFailed(resource: ClaimResource): boolean {
  if (!isSubject(resource)) return false;
  const state = resource.state?.spec?.vars?.current_state;
  return typeof state === 'string' && (state.endsWith('-failed') || failedStates.includes(state));
}

function completedAt(resource: ClaimResource): string | undefined {
  return resource.state?.status?.towerJobs?.provision?.completeTimestamp;
}
