import { mulberry32 } from '../../faults/random.ts';

/** What becomes of a claim: decided by seed and number, so that the same seed tells the same story. */

export const SIM = 'sim.groundwork/';

export const outcomes = ['complete', 'fail', 'hang', 'stop-failed', 'empty-resources'] as const;
export type Outcome = (typeof outcomes)[number];

export interface Fate {
  outcome: Outcome;
  /** From creation to completion or failure, in simulated seconds. */
  seconds: number;
}

/** How a provision's claims behave; each may be set by an annotation of the provision. */
export interface ClaimKnobs {
  /** `completion`: simulated seconds, or `min-max`. */
  completion: readonly [number, number];
  /** `fail-rate` and `hang-rate`: 0 to 1. */
  failRate: number;
  hangRate: number;
  /** `seats-per-claim`; more than 1 makes `user1` to `userN`. */
  seatsPerClaim: number;
  seed: number;
}

/** The knobs with what the annotations say; an annotation that cannot be read is left out. */
export function knobsOf(annotations: Record<string, string> | undefined, defaults: ClaimKnobs): ClaimKnobs {
  const number = (name: string, fallback: number, most = Infinity) => {
    const value = Number(annotations?.[SIM + name] ?? Number.NaN);
    return Number.isFinite(value) && value >= 0 && value <= most ? value : fallback;
  };
  return {
    completion: readRange(annotations?.[`${SIM}completion`]) ?? defaults.completion,
    failRate: number('fail-rate', defaults.failRate, 1),
    hangRate: number('hang-rate', defaults.hangRate, 1),
    seatsPerClaim: Math.floor(number('seats-per-claim', defaults.seatsPerClaim)),
    seed: number('seed', defaults.seed),
  };
}

/** The fate of the claim with this number (from 0) in the order of creation. */
export function fateOf(knobs: ClaimKnobs, number: number): Fate {
  const random = mulberry32((Math.imul(knobs.seed, 0x9e3779b1) ^ Math.imul(number + 1, 0x85ebca6b)) >>> 0);
  const [least, most] = knobs.completion;
  const seconds = least + (most - least) * random();
  const luck = random();
  if (luck < knobs.failRate) return { outcome: 'fail', seconds };
  return { outcome: luck < knobs.failRate + knobs.hangRate ? 'hang' : 'complete', seconds };
}

/** The outcome that a claim's own annotation asks for. */
export function outcomeOf(annotations: Record<string, string> | undefined): Outcome | undefined {
  return outcomes.find((outcome) => outcome === annotations?.[`${SIM}outcome`]);
}

function readRange(text: string | undefined): [number, number] | undefined {
  const [, least, most] = /^(\d+(?:\.\d+)?)(?:-(\d+(?:\.\d+)?))?$/.exec(text?.trim() ?? '') ?? [];
  if (least === undefined) return undefined;
  const range: [number, number] = [Number(least), Number(most ?? least)];
  return range[0] <= range[1] ? range : undefined;
}
