import { DEPLOYMENT_ID_LABEL, SCOPE_ID_LABEL } from '../../contract/names.ts';
import type { World } from './world.ts';

const SERVICE = { apiVersion: 'v1', kind: 'Service' };

/** A Service of a version that is deployed to a scope; answers its name. */
export async function makeService(world: World, scopeId: string, namespace = world.namespace): Promise<string> {
  const labels = { [SCOPE_ID_LABEL]: scopeId, [DEPLOYMENT_ID_LABEL]: '1' };
  const name = `d-${scopeId}-1`;
  const metadata = { name, namespace, labels };
  await world.kubernetes.apply({ ...SERVICE, metadata, spec: { ports: [{ port: 80 }] } } as never);
  return name;
}

export const servicesOf = (world: World, scopeId: string) =>
  world.kubernetes.list(SERVICE, { labelSelector: `${SCOPE_ID_LABEL}=${scopeId}` });
