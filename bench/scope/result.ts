import type { Machine } from '../machine.ts';
import type { CallCount } from './calls.ts';
import type { FullPool } from './full-pool.ts';
import type { LoadFigures } from './load.ts';
import type { Shape } from './shape.ts';
import type { SingleFigures } from './single.ts';

/** Under what the figures were taken: without it they mean nothing. */
export interface Profile {
  readonly machine: Machine;
  readonly versions: Readonly<Record<string, string>>;
  /** Dynamic configuration of the Temporal server. */
  readonly temporalFlags: readonly string[];
  /** Durability settings of PostgreSQL. */
  readonly postgres: Readonly<Record<string, string>>;
  /** Slots, cache and pool of the worker. */
  readonly worker: Readonly<Record<string, number>>;
}

export interface Goal {
  readonly goal: string;
  readonly measured: string;
  readonly met: boolean;
}

/** One run of `npm run bench -- scope`, as `--json` prints it. */
export interface ScopeBench {
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
  readonly goals: readonly Goal[];
}

export type Measured = Omit<ScopeBench, 'goals'>;
