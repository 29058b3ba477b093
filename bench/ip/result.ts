import type { BenchRun, Profile } from '../bench.ts';
import type { CrowdFigures } from './crowd.ts';
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
}

export type Measured = Omit<IpBench, 'goals'>;
