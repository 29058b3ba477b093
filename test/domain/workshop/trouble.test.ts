import { expect, test } from 'vitest';
import type { AutoscalerState } from '../../../contract/workshop/state.ts';
import { readConfig } from '../../../domain/workshop/config.ts';
import { nextLook } from '../../../domain/workshop/next-look.ts';
import { endOperation } from '../../../domain/workshop/operation.ts';
import { newState } from '../../../domain/workshop/state.ts';
import { autoscalerStatus, provisionStatus } from '../../../domain/workshop/status.ts';
import { looked, noteError, recovered } from '../../../domain/workshop/trouble.ts';
import { at, decideAbout, decideOn, enabled, NOW, observe, type Situation, timings } from './build.ts';

/** An API that denies or does not answer, beside operations that time out. */

const full: Situation = { count: 10, assigned: 10 };
const valid = readConfig(enabled);
const config = valid.kind === 'valid' ? valid.config : undefined;
/** The third time-out in a row: held for 1 200 s. */
const timedOut = endOperation({ ...newState(), timeouts: 2 }, 'TimedOut', NOW, config, timings);
const outage = (state: AutoscalerState, seconds: number) =>
  noteError(state, 'ApiUnavailable', 'no answer', NOW + seconds * 1000, timings);

function degraded(state: AutoscalerState, situation: Situation, now: number) {
  const seen = observe(situation);
  const { autoScaling } = provisionStatus(seen, state, decideOn(seen, state, now), now, 'run');
  const found = autoScaling.conditions?.find(({ type }) => type === 'Degraded');
  return found?.status === 'True' ? found.reason : undefined;
}

test('W69 E37 a denial holds for a while, and is told until a count is written', () => {
  const denied = noteError(newState(), 'Forbidden', 'may not patch', NOW, timings);
  expect(decideAbout(full, denied, NOW + 59_000)).toMatchObject({ reason: 'BackingOff', until: at(60) });
  expect(decideAbout(full, denied, NOW + 60_000).reason).toBe('Scale');
  expect(degraded(denied, full, NOW + 60_000)).toBe('Forbidden');
  expect(recovered(denied)).toEqual(newState());
});

test('W30 E18 an outage does not shorten the back-off of operations that timed out', () => {
  const state = outage(timedOut, 120);
  expect(decideAbout(full, state, NOW + 181_000)).toMatchObject({ reason: 'BackingOff', until: at(1200) });
  expect(degraded(recovered(state), full, NOW + 181_000)).toBe('TimedOut');
  expect(decideAbout(full, state, NOW + 1_200_000).reason).toBe('Scale');
  const shown = (now: number) =>
    autoscalerStatus({ cluster: 'c', namespace: 'n', name: 'lab' }, state, undefined, undefined, now);
  expect(shown(NOW + 121_000)).toMatchObject({ phase: 'Degraded', backoff: { reason: 'TimedOut', until: at(1200) } });
});

test('an outage at the end of a back-off holds for its own time, and a run is deaf no longer than that', () => {
  const late = outage(timedOut, 1190);
  expect(decideAbout(full, late, NOW + 1_201_000)).toMatchObject({ reason: 'BackingOff', until: at(1250) });
  const resting = { state: outage(timedOut, 0), look: undefined, looks: 0, statusLater: false, startedAt: NOW };
  expect(nextLook(resting, true, NOW, timings)).toBe(NOW + 60_000);
});

test.each<[string, 'Forbidden' | 'ApiUnavailable', Situation, AutoscalerState, boolean]>([
  ['an outage of a provision that asks for nothing', 'ApiUnavailable', { count: 10, assigned: 3 }, newState(), true],
  ['an outage in a cool-down', 'ApiUnavailable', full, { ...newState(), cooldownUntil: NOW + 120_000 }, true],
  ['an outage before the next try of a count', 'ApiUnavailable', full, newState(), false],
  ['a denial of a provision that asks for nothing', 'Forbidden', { count: 10, assigned: 3 }, newState(), true],
  ['a denial of one that has grown to its cap', 'Forbidden', { count: 100, assigned: 100 }, newState(), true],
  ['a denial in a cool-down', 'Forbidden', full, { ...newState(), cooldownUntil: NOW + 120_000 }, false],
  ['a denial before the next try of a count', 'Forbidden', full, newState(), false],
])('after a look that went well, %s: over?', (_, reason, situation, before, over) => {
  const state = noteError(before, reason, 'no', NOW, timings);
  const after = (now: number) => looked(state, decideOn(observe(situation), state, now), now);
  expect(degraded(after(NOW + 59_999), situation, NOW + 59_999)).toBe(reason);
  expect(degraded(after(NOW + 60_000), situation, NOW + 60_000)).toBe(over ? undefined : reason);
});
