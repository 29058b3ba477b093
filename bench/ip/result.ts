import type { BenchRun, Profile } from '../bench.ts';
import type { ArmsFigures } from './arms/measure.ts';
import type { CrowdFigures } from './crowd.ts';
import type { LoadFigures } from './load/measure.ts';
import type { OccupancyFigures } from './occupancy.ts';
import type { Shape } from './shape.ts';

/** One run of `npm run bench -- ip`, as `--json` prints it. */
export interface IpBench extends BenchRun {
  readonly bench: 'ip';
  readonly shape: Shape;
  /** ISO 8601 in UTC. */
  readonly startedAt: string;
  readonly seconds: number;
  readonly profile: Profile;
  readonly occupancies: readonly OccupancyFigures[];
  readonly crowd: CrowdFigures;
  readonly arms: ArmsFigures;
  readonly load: LoadFigures;
  /** Resident bytes of the worker process: before the load, and the most that was seen. */
  readonly workerMemory: { readonly before: number; readonly most: number };
}

export type Measured = Omit<IpBench, 'goals'>;
