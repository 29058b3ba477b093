import type { Bench, BenchRun } from './bench.ts';

/** The benchmarks by room. Each is loaded only when it is wanted: they bring servers and clients with them. */
const benches = {
  scope: async () => (await import('./scope/bench.ts')).scopeBench,
  deployment: async () => (await import('./deployment/bench.ts')).deploymentBench,
  ip: async () => (await import('./ip/bench.ts')).ipBench,
  workshop: async () => (await import('./workshop/bench.ts')).workshopBench,
} as const;

export type BenchName = keyof typeof benches;

export const benchNames = Object.keys(benches) as BenchName[];

/** Whoever reads a run back checks that it is its own. */
export async function findBench(name: BenchName): Promise<Bench<BenchRun>> {
  return (await benches[name]()) as unknown as Bench<BenchRun>;
}
