import type { BenchRun, Profile } from '../bench.ts';
import type { CallCount } from './calls.ts';
import type { FullPool } from './full-pool.ts';
import type { LoadFigures } from './load.ts';
import type { Shape } from './shape.ts';
import type { SingleFigures } from './single.ts';

/** One run of `npm run bench -- scope`, as `--json` prints it. */
export interface ScopeBench extends BenchRun {
  readonly bench: 'scope';
  readonly shape: Shape;
  /** ISO 8601 in UTC. */
  readonly startedAt: string;
  readonly seconds: number;
  readonly profile: Profile;
  readonly calls: readonly CallCount[];
  readonly singles: readonly SingleFigures[];
  readonly burst: LoadFigures;
  readonly arrivals: LoadFigures;
  readonly fullPool: FullPool;
}

export type Measured = Omit<ScopeBench, 'goals'>;
