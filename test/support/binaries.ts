import { resolveKubernetes } from '../../sandbox/binaries/kubernetes.ts';
import { resolveTemporal } from '../../sandbox/binaries/temporal.ts';

/**
 * Obtains the servers' programs before any test counts its time: on a new machine they are built, both at once. Whatever
 * starts them from then on lets each use one processor and collect garbage when its heap is five times what lives: on two
 * processors, which the tests need as well, that saves a sixth of the servers' time.
 */
export default async function setup(): Promise<void> {
  await Promise.all([resolveTemporal(), resolveKubernetes()]);
  // Only now: the Go compiler reads the same variables.
  process.env.GOMAXPROCS ??= '1';
  process.env.GOGC ??= '400';
}
