import type { CrowdPlan } from '../../sandbox/controllers/workshop/arrivals.ts';
import { type Arm, ours, plainHeadroom, proposal } from './arms.ts';
import type { Settings } from './rules.ts';

export interface Shape {
  readonly name: 'full' | 'quick' | 'tiny';
  /** Worlds of each case; world n has seed n for every rule. */
  readonly seeds: number;
  /** Absent: only virtual time. */
  readonly live?: LiveShape;
  readonly fast?: FastShape;
}

/** What is measured on real servers, at the time scale 1. */
export interface LiveShape {
  readonly provisions: number;
  /** So many of them cross the threshold, one every so many seconds. */
  readonly crossings: number;
  readonly everySeconds: number;
  /** Seconds until what came before is over, and of each observation. */
  readonly calmSeconds: number;
  readonly watchSeconds: number;
  readonly visitsPerSecond: number;
  readonly sweepSeconds: number;
}

/** What is played on real servers in fast motion. */
export interface FastShape {
  /** Simulated seconds of one real second. */
  readonly speed: number;
  /** Crowds of one line come at the same time, each to its own workshops. */
  readonly together: readonly (readonly CrowdName[])[];
  /** Simulated seconds from the last visit to the end. */
  readonly aftermathSeconds: number;
}

export const shapes = {
  full: {
    name: 'full',
    seeds: 1000,
    live: {
      ...{ provisions: 200, crossings: 60, everySeconds: 0.5, calmSeconds: 65, watchSeconds: 60 },
      ...{ visitsPerSecond: 4, sweepSeconds: 60 },
    },
    fast: {
      speed: 60,
      together: [['rush'], ['burst'], ['trickle', 'waves']],
      aftermathSeconds: 2400,
    },
  },
  quick: {
    name: 'quick',
    seeds: 25,
    live: {
      ...{ provisions: 20, crossings: 6, everySeconds: 0.5, calmSeconds: 15, watchSeconds: 10 },
      ...{ visitsPerSecond: 2, sweepSeconds: 10 },
    },
    fast: { speed: 60, together: [['rush']], aftermathSeconds: 900 },
  },
  tiny: { name: 'tiny', seeds: 2 },
} as const satisfies Record<string, Shape>;

export const arms = {
  proposal: { words: 'proposal', run: proposal },
  plain: { words: 'plain headroom', run: plainHeadroom },
  ratio: { words: 'Groundwork, ratio', run: ours('ratio') },
  headroom: { words: 'Groundwork, headroom', run: ours('headroom') },
} as const satisfies Record<string, { words: string; run: Arm }>;

export type ArmName = keyof typeof arms;
export const armNames = Object.keys(arms) as ArmName[];

export const crowds = {
  rush: {
    words: 'rush: one log-in every 4 s for 5 min',
    plan: { arrivals: { kind: 'steady', everySeconds: 4, forSeconds: 300 } },
  },
  trickle: {
    words: 'trickle: one a minute for an hour',
    plan: { arrivals: { kind: 'poisson', everySeconds: 60, forSeconds: 3600 } },
  },
  burst: { words: 'burst: 30 at once', plan: { arrivals: { kind: 'burst', people: 30 } } },
  waves: {
    words: 'two waves, people stay 20 to 40 min',
    plan: {
      arrivals: {
        kind: 'waves',
        waves: [
          { at: 0, arrivals: { kind: 'poisson', everySeconds: 15, forSeconds: 300 } },
          { at: 2700, arrivals: { kind: 'poisson', everySeconds: 7.5, forSeconds: 300 } },
        ],
      },
      stay: [1200, 2400],
    },
  },
} as const satisfies Record<string, { words: string; plan: CrowdPlan }>;

export type CrowdName = keyof typeof crowds;
export const crowdNames = Object.keys(crowds) as CrowdName[];

/** Start: ten seats of one, or one claim of twenty. */
export const sizes = [
  { seatsPerClaim: 1, count: 10 },
  { seatsPerClaim: 20, count: 1 },
] as const;

export const failRates = [0, 0.1] as const;

export const completion = [600, 1200] as const;

/** The cap is four times the start: a higher one makes the proposal look worse, and changes nothing for the others. */
export const settings = { threshold: 0.8, scaleFactor: 1.5, cap: 40, minAvailable: 5 } as const satisfies Settings;

/** Claims that were asked for with the last log-in have ended by then. */
export const AFTERMATH_SECONDS = 2400;
