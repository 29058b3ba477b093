import type { BenchRun } from '../bench.ts';
import type { Machine } from '../machine.ts';
import type { Distribution } from '../statistics.ts';
import type { ArmName, CrowdName, Shape } from './shape.ts';

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

/** One run of `npm run bench -- workshop`, as `--json` prints it. */
export interface WorkshopBench extends BenchRun {
  readonly bench: 'workshop';
  readonly shape: Shape;
  readonly startedAt: string;
  readonly seconds: number;
  readonly machine: Machine;
  readonly versions: Readonly<Record<string, string>>;
  readonly cases: readonly CaseFigures[];
}
