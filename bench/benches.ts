import type { Bench, BenchRun } from './bench.ts';

/** The benchmarks by room. Each is loaded only when it is wanted: they bring servers and clients with them. */
const benches = {
  scope: async () => (await import('./scope/bench.ts')).scopeBench,
  ip: async () => (await import('./ip/bench.ts')).ipBench,
  workshop: async () => (await import('./workshop/bench.ts')).workshopBench,
} as const;

export const benchNames: readonly string[] = Object.keys(benches);

/** The benchmark of this name; undefined when there is none. Whoever reads a run back checks that it is its own. */
export async function findBench(name: string): Promise<Bench<BenchRun> | undefined> {
  if (!Object.hasOwn(benches, name)) return undefined;
  return (await benches[name as keyof typeof benches]()) as unknown as Bench<BenchRun>;
}
