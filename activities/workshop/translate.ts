import { permanent } from '../failures.ts';
import { KubernetesCallError } from '../kubernetes/errors.ts';
import { toFailure } from '../translate.ts';

/**
 * The errors of the workshop room: a run goes on after each of them, so what is permanent here is not tried again by the
 * activity, but by the run after a while.
 */
export function toWorkshopFailure(error: unknown): Error {
  if (!(error instanceof KubernetesCallError)) return toFailure(error);
  const call = `${error.verb} ${error.resource}`;
  const details = { verb: error.verb, resource: error.resource };
  switch (error.kind) {
    case 'denied':
      return permanent('Forbidden', `Kubernetes denies "${call}" to the worker. Apply deploy/rbac.`, details, error);
    case 'invalid':
      return permanent('Invalid', `Kubernetes refused "${call}": ${error.message}`, details, error);
    case 'absent':
      return permanent('NotFound', `"${call}": ${error.message}`, details, error);
    case 'conflict':
      return permanent('Conflict', `"${call}": ${error.message}`, details, error);
    default:
      return toFailure(error);
  }
}
