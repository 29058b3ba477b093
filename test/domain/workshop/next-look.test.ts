import { describe, expect, test } from 'vitest';
import { workshopLabels } from '../../../contract/workshop/objects.ts';
import type { AutoscalerState, Operation } from '../../../contract/workshop/state.ts';
import { mayContinue, nextLook, type Resting } from '../../../domain/workshop/next-look.ts';
import { countWritten, startOperation } from '../../../domain/workshop/operation.ts';
import { newState } from '../../../domain/workshop/state.ts';
import { decideOn, enabled, NOW, observe, type Situation, timings } from './build.ts';

/** When a run looks although nobody told it anything. */

const full: Situation = { count: 10, assigned: 10 };
const ignored: Situation = { ...full, provisionMeta: { name: 'lab', labels: { [workshopLabels.ignore]: '' } } };

/** The state with an operation whose flag, or whose count, was written at NOW. */
function operating(step: 'flag' | 'wait'): AutoscalerState & { operation: Operation } {
  const started = startOperation(decideOn(observe(full)), observe(full), newState(), '07d3e5b1', NOW, timings);
  const state = step === 'wait' ? countWritten(started, NOW) : started;
  if (!state.operation) throw new Error('no operation');
  return { ...state, operation: state.operation };
}

function seconds(situation: Situation, state: AutoscalerState, more: Partial<Resting> & { now?: number } = {}): number {
  const { now = NOW, ...resting } = more;
  const observation = observe(situation);
  const look = { observation, decision: decideOn(observation, state, now) };
  const run = { state, look, looks: 0, statusLater: false, startedAt: now, ...resting };
  return (nextLook(run, false, now, timings) - now) / 1000;
}

describe('an operation is looked at', () => {
  test('at growing intervals, and at its deadline', () => {
    const state = operating('wait');
    expect([0, 1, 2, 9].map((looks) => seconds(full, state, { looks }))).toEqual([15, 22.5, 33.75, 60]);
    expect(seconds(full, state, { looks: 9, now: NOW + 7_190_000 })).toBe(10);
    expect(seconds(full, state, { now: NOW + 7_200_000 })).toBe(0);
  });

  test.each(['flag', 'wait'] as const)(
    'E15 now and then while it is ignored, step %s: never in a loop, also past its deadline',
    (step) => {
      for (const now of [NOW, NOW + 7_199_990, NOW + 7_200_000, NOW + 86_400_000])
        expect(seconds(ignored, operating(step), { now })).toBe(60);
    },
  );
});

test.each<[string, Situation, number]>([
  ['numbers that wait for the next status', { ...full, assigned: 3 }, 30],
  ['of none where no status is written: ignored', ignored, 86_400],
  ['of none where no status is written: a dry run', { ...full, autoScaling: { ...enabled, dryRun: true } }, 86_400],
])('a look for the sake of %s', (_, situation, wanted) => {
  const state = { ...newState(), statusWrittenAt: NOW - 30_000 };
  expect(seconds(situation, state, { statusLater: true })).toBe(wanted);
});

test('a run goes on as a new one at any rest but between flag and count, unless the ignore label keeps it there', () => {
  const decision = (situation: Situation, state: AutoscalerState) => decideOn(observe(situation), state);
  const may = (situation: Situation, state: AutoscalerState) => mayContinue(state, decision(situation, state));
  expect([may(full, newState()), may(full, operating('wait')), may(ignored, operating('wait'))]).toEqual([
    true,
    true,
    true,
  ]);
  expect([may(full, operating('flag')), may(ignored, operating('flag'))]).toEqual([false, true]);
});
