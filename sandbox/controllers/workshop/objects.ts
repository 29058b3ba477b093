import type {
  Workshop as ContractWorkshop,
  ResourceClaim,
  WorkshopKind,
  WorkshopProvision,
  WorkshopUserAssignment,
} from '../../../contract/workshop/objects.ts';
import { workshopKinds } from '../../../contract/workshop/objects.ts';
import type { Meta, Resource } from '../objects.ts';

/** The kinds of a workshop as the simulated manager meets them: stored, so with full metadata. */

export type Workshop = Omit<ContractWorkshop, 'metadata'> & { metadata: Meta };
export type Claim = Omit<ResourceClaim, 'metadata'> & { metadata: Meta };
export type Seat = Omit<WorkshopUserAssignment, 'metadata'> & { metadata: Meta };
export type Provision = Omit<WorkshopProvision, 'metadata' | 'spec'> & {
  metadata: Meta;
  spec: NonNullable<WorkshopProvision['spec']> & {
    count: number;
    workshopName: string;
    startDelay?: number;
    catalogItem?: { name: string; namespace: string };
  };
};

export const workshopResources = Object.fromEntries(
  Object.entries(workshopKinds).map(([key, { apiVersion, kind, plural }]) => {
    const [group = '', version = ''] = apiVersion.split('/');
    return [key, { group, version, plural, kind, namespaced: true } satisfies Resource];
  }),
) as Record<WorkshopKind, Resource>;

/** The reference that makes `object` the controller of what it is put on. */
export function controllerReference(object: { metadata: Meta }, kind: WorkshopKind) {
  const { apiVersion, kind: type } = workshopKinds[kind];
  const { name, uid } = object.metadata;
  return { apiVersion, kind: type, name, uid, controller: true, blockOwnerDeletion: true };
}
