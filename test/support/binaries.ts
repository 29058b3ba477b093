import { resolveKubernetes } from '../../sandbox/binaries/kubernetes.ts';
import { resolveTemporal } from '../../sandbox/binaries/temporal.ts';

/** Obtains the servers' programs before any test counts its time: on a new machine they are built, both at once. */
export default async function setup(): Promise<void> {
  await Promise.all([resolveTemporal(), resolveKubernetes()]);
}
