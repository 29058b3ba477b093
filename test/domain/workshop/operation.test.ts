import { describe, expect, test } from 'vitest';
import { workshopLabels } from '../../../contract/workshop/objects.ts';
import type { AutoscalerState, Operation } from '../../../contract/workshop/state.ts';
import { readConfig } from '../../../domain/workshop/config.ts';
import {
  adopt,
  countWritten,
  deadlineOf,
  endOperation,
  nextEpoch,
  noteConflict,
  reviewOperation,
  startOperation,
  withoutFlag,
} from '../../../domain/workshop/operation.ts';
import { newState } from '../../../domain/workshop/state.ts';
import {
  at,
  decideAbout,
  decideOn,
  enabled,
  lookAlong,
  NOW,
  observe,
  operationAnnotation,
  type Situation,
  timings,
} from './build.ts';

const valid = readConfig(enabled);
const config = valid.kind === 'valid' ? valid.config : undefined;

/** The state just after the count was written from 10 to 15. */
function scaling(before: Situation = { count: 10, assigned: 10 }): AutoscalerState & { operation: Operation } {
  const decision = decideAbout(before);
  const state = countWritten(startOperation(decision, observe(before), newState(), '07d3e5b1', NOW, timings), NOW);
  if (!state.operation) throw new Error('no operation');
  return { ...state, operation: state.operation };
}

const review = (state: { operation: Operation }, situation: Situation, now = NOW, reading = valid) =>
  reviewOperation(state.operation, observe(situation), reading, now);

describe('the fence', () => {
  test('an operation id is one epoch above every one that was seen', () => {
    const seen = (annotation: string, status: string) =>
      observe({
        count: 1,
        provisionMeta: { name: 'lab', annotations: operationAnnotation(annotation) },
        status: { autoScaling: { operationId: status } },
      });
    expect(nextEpoch({ epoch: 2 }, seen('5-07d3e5b1', '4-07d3e5b1'))).toBe(6);
    expect(nextEpoch({ epoch: 7 }, seen('5-07d3e5b1', '4-07d3e5b1'))).toBe(8);
    expect(nextEpoch({ epoch: 0 }, seen('by hand', '4-07d3e5b1'))).toBe(5);
    expect(nextEpoch({ epoch: 0 }, observe({ count: 1 }))).toBe(1);
  });

  test('the count write tests the annotation that the decision saw', () => {
    const annotations = operationAnnotation('3-9f1c22ab');
    const state = scaling({ count: 10, assigned: 10, provisionMeta: { name: 'lab', annotations } });
    expect(state.operation).toMatchObject({ id: '4-07d3e5b1', fence: '3-9f1c22ab', from: 10, target: 15 });
  });
});

describe('while waiting', () => {
  test.each<[string, Situation, object]>([
    ['W23 R3 before the new claims exist', { count: 15, claims: { active: 10 } }, { verdict: 'wait' }],
    ['W24 all existing complete, some not created', { count: 15, claims: { active: 12 } }, { verdict: 'wait' }],
    ['W25 one still provisioning', { count: 15, claims: { active: 14, provisioning: 1 } }, { verdict: 'wait' }],
    ['E20 one without resources', { count: 15, claims: { active: 14, empty: 1 } }, { verdict: 'wait' }],
    ['W26 all complete', { count: 15 }, { verdict: 'end', result: 'Succeeded' }],
    [
      'W27 E16 three of five failed',
      { count: 15, claims: { active: 12, failed: 3 } },
      { verdict: 'end', result: 'PartiallyFailed' },
    ],
    ['W28 R4 utilisation low again', { count: 15, assigned: 0 }, { verdict: 'end', result: 'Succeeded' }],
    [
      'an open breaker: no new claims will come',
      { count: 15, claims: { active: 4, failed: 9 } },
      { verdict: 'end', result: 'PartiallyFailed' },
    ],
    [
      'an open breaker with a claim under way',
      { count: 15, claims: { active: 3, failed: 9, provisioning: 1 } },
      { verdict: 'wait' },
    ],
    ['E22 a person lowers the count', { count: 12 }, { verdict: 'end', result: 'Superseded' }],
    ['back to where it was', { count: 10 }, { verdict: 'end', result: 'Superseded' }],
    [
      'W46 W84 E23 a person raises the count',
      { count: 20, claims: { active: 15 } },
      { verdict: 'wait', operation: { target: 20 } },
    ],
    ['W46 and its claims are there', { count: 20 }, { verdict: 'end', result: 'Succeeded' }],
    [
      'W34 the provision is being deleted',
      { count: 15, provisionMeta: { name: 'lab', deletionTimestamp: at(0) } },
      { verdict: 'gone', reason: 'ProvisionGone' },
    ],
    [
      'E15 ignored: not even cleared',
      { count: 15, provisionMeta: { name: 'lab', labels: { [workshopLabels.ignore]: '' } } },
      { verdict: 'handsOff' },
    ],
    [
      'E12 stopped meanwhile: it still finishes',
      { count: 15, workshop: { actionSchedule: { stop: at(-1) } } },
      { verdict: 'end', result: 'Succeeded' },
    ],
  ])('%s', (_, situation, expected) => {
    expect(review(scaling(), situation)).toMatchObject(expected);
  });

  test('W29 E34 disabling ends it within one evaluation', () => {
    for (const raw of [undefined, {}, { enabled: false }]) {
      const ended = review(scaling(), { count: 15, claims: { active: 10 } }, NOW, readConfig(raw));
      expect(ended).toMatchObject({ verdict: 'end', result: 'Cancelled' });
    }
    const broken = readConfig({ enabled: true, threshold: 7 });
    expect(review(scaling(), { count: 15, claims: { active: 10 } }, NOW, broken).verdict).toBe('wait');
  });

  test('a failure from before does not make a success partial, one that replaced it does', () => {
    const state = scaling({ count: 10, claims: { active: 10, failed: 1 }, assigned: 10 });
    expect(review(state, { count: 15, claims: { active: 15, failed: 1 } })).toMatchObject({ result: 'Succeeded' });
    expect(review(state, { count: 15, claims: { active: 15, 'stop-failed': 1 } })).toMatchObject({
      result: 'PartiallyFailed',
    });
  });

  test('W27 W30 a bad end says which claims failed, or how far it came', () => {
    const partly = review(scaling(), { count: 15, claims: { active: 13, failed: 2 } });
    expect(partly).toMatchObject({ message: '13 of 15 claims are active, 2 failed: lab-failed-000, lab-failed-001' });
    const hanging = review(scaling(), { count: 15, claims: { active: 10 } }, NOW + 7_200_000);
    expect(hanging).toMatchObject({
      message: 'no new claim and no end within 7200 s: 10 of 15 claims are active',
    });
  });

  test('W30 R5 E18 the deadline counts from the last new claim', () => {
    const state = scaling();
    const hanging = { count: 15, claims: { active: 14, provisioning: 1 } };
    const end = NOW + 7_200_000;
    expect(deadlineOf(state.operation)).toBe(end);
    expect(review(state, hanging, end - 1)).toMatchObject({ verdict: 'wait', operation: { progressAt: end - 1 } });
    const seen = review(state, hanging, NOW + 1000);
    if (seen.verdict !== 'wait') throw new Error(seen.verdict);
    expect(review({ operation: seen.operation }, hanging, NOW + 7_200_999).verdict).toBe('wait');
    expect(review({ operation: seen.operation }, hanging, NOW + 7_201_000)).toMatchObject({ result: 'TimedOut' });
  });

  test('E38 a cluster whose clock is an hour off moves no deadline: its times are compared with each other only', () => {
    const start = { count: 10, assigned: 10 };
    for (const skew of [-3_600, 3_600]) {
      const newest = (seconds: number) => ({ newest: at(skew + seconds) });
      const before = observe(start);
      const seen = { ...before, claims: { ...before.claims, ...newest(0) } };
      const { operation } = countWritten(
        startOperation(decideOn(seen), seen, newState(), '07d3e5b1', NOW, timings),
        NOW,
      );
      if (!operation) throw new Error('no operation');
      const during = observe({ count: 15, claims: { active: 10, provisioning: 5 }, assigned: 10 });
      const later = (claims: object, now: number) =>
        reviewOperation(
          operation,
          { ...during, claims: { ...during.claims, live: 10, ...claims } },
          readConfig(enabled),
          now,
        );
      expect(later(newest(0), NOW + 60_000)).toMatchObject({ verdict: 'wait', operation: { progressAt: NOW } });
      expect(later(newest(30), NOW + 60_000)).toMatchObject({ operation: { progressAt: NOW + 60_000 } });
    }
  });

  test('E42 W15 a cap that is lowered meanwhile leaves the operation alone, and counts at the next decision', () => {
    const lowered = { ...enabled, maxProvisions: 12 };
    const during = { count: 15, claims: { active: 12, provisioning: 3 }, autoScaling: lowered };
    expect(review(scaling(), during, NOW, readConfig(lowered))).toMatchObject({
      verdict: 'wait',
      operation: { target: 15 },
    });
    const after = endOperation(scaling(), 'Succeeded', NOW, config, timings);
    const full = { count: 15, assigned: 15, autoScaling: lowered };
    expect(decideAbout(full, after, NOW + 120_000)).toMatchObject({ action: 'none', reason: 'AtMax' });
  });
});

describe('E36 4.8 decided again between flag and count', () => {
  const grow = { ...enabled, stabilizationSeconds: 60, approvalAbove: 12 };
  const shrink = { ...enabled, scaleDown: { enabled: true, threshold: 0.3, delaySeconds: 600 } };
  test.each<[string, Situation, number, string]>([
    ['growth goes on without another window', { count: 10, assigned: 10, autoScaling: grow }, 60, 'Scale'],
    ['so does a removal', { count: 20, assigned: 2, autoScaling: shrink }, 600, 'ScaleDown'],
  ])('%s', (_, situation, seconds, reason) => {
    const approval = { operationId: '1-07d3e5b1', from: 10, target: 15, since: NOW, granted: true };
    const looks = [0, seconds].map((second): [number, Situation] => [second, situation]);
    const { decisions, state } = lookAlong(looks, { ...newState(), approval });
    const [observation, now] = [observe(situation), NOW + seconds * 1000];
    const decision = decisions[1];
    expect(decision?.reason).toBe(reason);
    const begun = decision && startOperation(decision, observation, state, '07d3e5b1', now, timings);
    const { operation, ...without } = begun ?? state;
    expect(operation).toMatchObject({ step: 'flag', target: decision?.target });
    expect(decideOn(withoutFlag(observation), without, now + 500)).toMatchObject({ reason, target: decision?.target });
    // The next operation takes its own time, however this one ends.
    const ended = endOperation(begun ?? state, 'Cancelled', now, config, timings);
    expect(decideOn(observation, ended, now + 120_000).action).toBe('none');
  });
});

describe('after an operation', () => {
  test('W33 the cool-down holds, and then growth goes on', () => {
    const ended = endOperation(scaling(), 'Succeeded', NOW, config, timings);
    expect(decideAbout({ count: 15, assigned: 15 }, ended, NOW + 119_000).reason).toBe('CoolingDown');
    expect(decideAbout({ count: 15, assigned: 15 }, ended, NOW + 120_000)).toMatchObject({
      reason: 'Scale',
      target: 22,
    });
    expect(ended).toMatchObject({ epoch: 1, lastResult: 'Succeeded', lastGrowthAt: NOW });
    expect(ended.operation).toBeUndefined();
  });

  test('W30 the back-off doubles to its longest and a success resets it', () => {
    let state: AutoscalerState = newState();
    const holds = [1, 2, 3, 4, 5].map(() => {
      state = endOperation(state, 'TimedOut', NOW, config, timings);
      return ((state.backoff?.until ?? 0) - NOW) / 1000;
    });
    expect(holds).toEqual([300, 600, 1200, 1800, 1800]);
    expect(endOperation(state, 'Superseded', NOW, config, timings).backoff).toEqual(state.backoff);
    const reset = endOperation(state, 'Succeeded', NOW, config, timings);
    expect([reset.backoff, reset.timeouts]).toEqual([undefined, 0]);
  });

  test('more than five conflicts a minute are a hold of a minute', () => {
    let state: AutoscalerState = newState();
    const backOffs = [0, 1, 2, 3, 4, 5].map((second) => {
      const noted = noteConflict(state, NOW + second * 1000, timings);
      state = noted.state;
      return noted.backOff;
    });
    expect(backOffs).toEqual([false, false, false, false, false, true]);
    expect(decideAbout({ count: 10, assigned: 10 }, state, NOW + 64_000).reason).toBe('BackingOff');
    expect(decideAbout({ count: 10, assigned: 10 }, state, NOW + 65_000).reason).toBe('Scale');
    const slow = [0, 30, 60, 90, 120, 150, 180].reduce(
      (before, second) => noteConflict(before, NOW + second * 1000, timings).state,
      newState(),
    );
    expect(slow.backoff).toBeUndefined();
  });
});

describe('a flag that no run knows', () => {
  const status = {
    autoScalingActive: true,
    autoScaling: { operationId: '4-07d3e5b1', fromCount: 10, targetCount: 15, startedAt: at(-600), deadline: at(6600) },
  };
  const found = (count: number, annotation: string, more: Partial<Situation> = {}) =>
    observe({
      count,
      assigned: count,
      status,
      provisionMeta: { name: 'lab', annotations: operationAnnotation(annotation) },
      ...more,
    });

  test('E25 W48 before the count: decides again, as if no flag were set', () => {
    const observation = found(10, '3-9f1c22ab');
    expect(adopt(observation, NOW, 7200)).toEqual({ kind: 'decideAgain' });
    expect(decideOn(observation).reason).toBe('OperationActive');
    expect(decideOn(withoutFlag(observation))).toMatchObject({ reason: 'Scale', target: 15 });
  });

  test('E26 W49 W71 after the count: waits on, with the same id and deadline', () => {
    const adopted = adopt(found(15, '4-07d3e5b1', { claims: { active: 10 } }), NOW, 7200);
    if (adopted.kind !== 'wait') throw new Error(adopted.kind);
    expect(adopted.operation).toMatchObject({ id: '4-07d3e5b1', from: 10, target: 15, step: 'wait' });
    expect(deadlineOf(adopted.operation)).toBe(NOW + 6_600_000);
  });

  test('a person was there: lower is superseded, higher is adopted', () => {
    expect(adopt(found(12, '4-07d3e5b1'), NOW, 7200)).toMatchObject({ kind: 'clear', result: 'Superseded' });
    expect(adopt(found(10, '4-07d3e5b1'), NOW, 7200)).toMatchObject({ kind: 'clear', result: 'Superseded' });
    expect(adopt(found(20, '4-07d3e5b1'), NOW, 7200)).toMatchObject({ kind: 'wait', operation: { target: 20 } });
  });

  test('without an operation it is cleared', () => {
    const observation = observe({ count: 10, status: { autoScalingActive: true, autoScaling: { operationId: 'x' } } });
    expect(adopt(observation, NOW, 7200)).toMatchObject({ kind: 'clear', result: 'Cancelled' });
  });
});
