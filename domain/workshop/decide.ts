import type { AutoscalerState } from '../../contract/workshop/state.ts';
import type { CheckExplanation, Decision, DecisionExplanation } from '../../contract/workshop/status.ts';
import { checks, type Facts, type Verdict, warningsOf } from './checks.ts';
import { type ConfigReading, readConfig } from './config.ts';
import { scalingNumbers } from './numbers.ts';
import type { Observation } from './observation.ts';
import { shrinking } from './scale-down.ts';
import type { WorkshopTimings } from './settings.ts';
import { iso } from './times.ts';

const defaults = (() => {
  const reading = readConfig({});
  if (reading.kind !== 'valid') throw new Error('the defaults are valid');
  return reading.config;
})();

/**
 * What to do about a provision now. Total and pure: the workflow, a dry run and the CLI ask the same function. `now` in
 * milliseconds of the workflow's clock.
 */
export function decide(
  observation: Observation,
  reading: ConfigReading,
  state: AutoscalerState,
  now: number,
  timings: WorkshopTimings,
): Decision {
  const facts = factsOf(observation, reading, state, now, timings);
  for (const check of checks) {
    const verdict = check.judge(facts);
    if (verdict.reason === 'BelowThreshold' || verdict.reason === 'EnoughAvailable') return calm(facts, verdict);
    if (verdict.reason) return answer(facts, { action: 'none', ...verdict, reason: verdict.reason });
  }
  const { count } = facts.numbers.inputs;
  const words = `${demand(facts)}: ${count} -> ${facts.held.target}`;
  return answer(facts, { action: 'scaleUp', reason: 'Scale', words });
}

/** Every check in words with its values, for people. The last line says what follows. */
export function explain(
  observation: Observation,
  reading: ConfigReading,
  state: AutoscalerState,
  now: number,
  timings: WorkshopTimings,
): DecisionExplanation {
  const facts = factsOf(observation, reading, state, now, timings);
  const decision = decide(observation, reading, state, now, timings);
  let stopped = false;
  const explained = checks.map(({ number, reasons, judge }): CheckExplanation => {
    if (stopped) return { number, reasons, outcome: 'not reached', words: '' };
    const { words, reason } = judge(facts);
    stopped = reason !== undefined;
    return { number, reasons, outcome: stopped ? 'stopped' : 'passed', words };
  });
  const summary =
    decision.action === 'none'
      ? `No action, ${decision.reason}: ${decision.message}`
      : `${decision.action === 'scaleUp' ? 'Scale up' : 'Scale down'}: ${decision.message}`;
  return { at: decision.at, reason: decision.reason, summary, checks: explained };
}

function factsOf(
  observation: Observation,
  reading: ConfigReading,
  state: AutoscalerState,
  now: number,
  timings: WorkshopTimings,
): Facts {
  const config = reading.kind === 'valid' ? reading.config : defaults;
  const numbers = scalingNumbers(observation, config, state, now, timings);
  const held = { target: numbers.target, clips: [...numbers.clips] };
  return { observation, reading, config, state, now, timings, numbers, held };
}

/** Nothing asks for growth: perhaps there is something to give back. */
function calm(facts: Facts, verdict: Verdict): Decision {
  const { observation, config, numbers, state, now, timings } = facts;
  const shrink = shrinking(observation, config, numbers.inputs, state, now, timings);
  const reason = verdict.reason ?? 'BelowThreshold';
  if (shrink.kind === 'now') {
    facts.held.target = shrink.target;
    const words = `${verdict.words}, ${numbers.inputs.count} -> ${shrink.target}`;
    return answer(facts, { action: 'scaleDown', reason: 'ScaleDown', words });
  }
  return answer(facts, {
    action: 'none',
    reason,
    words: verdict.words,
    ...(shrink.kind === 'later' ? { until: shrink.at } : {}),
  });
}

function demand({ numbers, config }: Facts): string {
  const { assignedSeats, totalSeats, freeSeats, need } = numbers.inputs;
  return need === null
    ? `${assignedSeats} of ${totalSeats} seats are taken, threshold ${config.threshold}`
    : `${freeSeats} seats are free, ${need} more are wanted`;
}

/** Checks before the numbers carry no target. */
const FIRST_NUMERIC = 12;

function answer(
  facts: Facts,
  given: { action: Decision['action']; reason: Decision['reason']; words: string; until?: number },
): Decision {
  const { numbers, held, reading, now } = facts;
  const stoppedAt = checks.find(({ reasons }) => reasons.includes(given.reason))?.number ?? Infinity;
  const withTarget = given.action === 'scaleDown' || stoppedAt > FIRST_NUMERIC;
  const raw = given.action === 'scaleDown' ? held.target : numbers.rawTarget;
  return {
    at: iso(now),
    action: given.action,
    reason: given.reason,
    message: given.words,
    ...(given.until === undefined ? {} : { until: iso(given.until) }),
    ...(withTarget ? { rawTarget: raw, target: held.target } : {}),
    clips: withTarget && given.action !== 'scaleDown' ? held.clips : [],
    inputs: numbers.inputs,
    ...(reading.kind === 'valid' ? { config: reading.config } : {}),
    warnings: warningsOf(facts),
  };
}
