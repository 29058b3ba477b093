import type { BenchRun, Profile } from '../bench.ts';
import type { Machine } from '../machine.ts';
import type { Distribution } from '../statistics.ts';
import type { ArmName, CrowdName, Shape } from './shape.ts';

/** What one rule made of one crowd. */
export interface Outcome {
  arrived: number;
  rejected: number;
  idleClaimMinutes: number;
  writes: number;
  finalCount: number;
  /** When the first new claim was complete. */
  early: { count: number; writes: number } | undefined;
  reaction: number | undefined;
}

/** One rule on one crowd, over all seeds. */
export interface CaseFigures {
  readonly crowd: CrowdName;
  readonly seatsPerClaim: number;
  readonly failRate: number;
  readonly arm: ArmName;
  readonly arrived: number;
  readonly rejected: Distribution;
  /** Minutes of active claims of which no seat was ever taken. */
  readonly idleClaimMinutes: Distribution;
  readonly writes: Distribution;
  readonly finalCount: Distribution;
  /** Count and count writes when the first new claim was complete; worlds without a new claim are left out. */
  readonly early: { readonly count: Distribution; readonly writes: Distribution } | undefined;
  /** Seconds from the first moment at or above the threshold to the next count write, where both happened. */
  readonly reaction: Distribution | undefined;
}

/** What one worker process does for all its provisions. */
export interface Traffic {
  readonly seconds: number;
  /** Requests of the worker to the API server by method. */
  readonly requestsPerMinute: Readonly<Record<string, number>>;
  readonly largestResidentMb: number;
  /** Of one processor. */
  readonly cpuShare: number;
  /** Events that the history of an autoscaler grows by. */
  readonly eventsPerProvisionAndHour: Distribution;
}

/** Real servers, time scale 1. */
export interface LiveFigures {
  readonly profile: Profile;
  readonly provisions: number;
  /** Seconds from the log-in that crosses the threshold to the written count. */
  readonly reaction: Distribution;
  readonly idle: Traffic;
  /** While people come and go, below the threshold. */
  readonly busy: Traffic;
}

/** The same people, claims and seed on real servers in fast motion, and in memory. */
export interface FastCase {
  readonly crowd: CrowdName;
  readonly arm: ArmName;
  readonly served: Outcome;
  readonly memory: Outcome;
}

export interface FastFigures {
  readonly profile: Profile;
  /** Simulated seconds of one real second. */
  readonly speed: number;
  readonly seed: number;
  readonly cases: readonly FastCase[];
}

/** One run of `npm run bench -- workshop`, as `--json` prints it. */
export interface WorkshopBench extends BenchRun {
  readonly bench: 'workshop';
  readonly shape: Shape;
  readonly startedAt: string;
  readonly seconds: number;
  readonly machine: Machine;
  readonly versions: Readonly<Record<string, string>>;
  readonly cases: readonly CaseFigures[];
  readonly live?: LiveFigures;
  readonly fast?: FastFigures;
}
