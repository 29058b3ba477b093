import { expect, test } from 'vitest';
import type { AutoscalerState } from '../../../contract/workshop/state.ts';
import { readConfig } from '../../../domain/workshop/config.ts';
import { nextLook } from '../../../domain/workshop/next-look.ts';
import { endOperation } from '../../../domain/workshop/operation.ts';
import { newState } from '../../../domain/workshop/state.ts';
import { autoscalerStatus, provisionStatus } from '../../../domain/workshop/status.ts';
import { noteError, recovered } from '../../../domain/workshop/trouble.ts';
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
