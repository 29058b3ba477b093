import { describe, expect, test } from 'vitest';
import { workshopLabels } from '../../../contract/workshop/objects.ts';
import type { AutoscalerState } from '../../../contract/workshop/state.ts';
import { checklist } from '../../../domain/workshop/checklist.ts';
import { workshopConditions } from '../../../domain/workshop/conditions.ts';
import { readConfig } from '../../../domain/workshop/config.ts';
import { endReason, scalingEvent } from '../../../domain/workshop/events.ts';
import { countWritten, startOperation } from '../../../domain/workshop/operation.ts';
import { newState } from '../../../domain/workshop/state.ts';
import {
  autoscalerStatus,
  phaseOf,
  provisionStatus,
  shownUtilization,
  statusWrite,
} from '../../../domain/workshop/status.ts';
import { at, decideAbout, decideOn, NOW, observe, type Situation, timings } from './build.ts';

const address = { cluster: 'sandbox', namespace: 'user-1', name: 'lab' };
const full: Situation = { count: 10, assigned: 10 };

function statusOf(situation: Situation, state: AutoscalerState = newState(), now = NOW) {
  const observation = observe(situation);
  const decision = decideOn(observation, state, now);
  return { observation, decision, keys: provisionStatus(observation, state, decision, now, 'workflow') };
}

const conditionsOf = (keys: ReturnType<typeof statusOf>['keys']) =>
  Object.fromEntries(
    (keys.autoScaling.conditions ?? []).map(({ type, status, reason }) => [type, `${status} ${reason}`]),
  );

function scaling(situation = full): AutoscalerState {
  const observation = observe(situation);
  return countWritten(startOperation(decideOn(observation), observation, newState(), '07d3e5b1', NOW, timings), NOW);
}

describe('conditions', () => {
  test.each<[string, Situation, Partial<AutoscalerState>, object]>([
    [
      'all is well',
      { count: 10, assigned: 1 },
      {},
      {
        AbleToScale: 'True Ready',
        Degraded: 'False AsExpected',
        ScalingActive: 'True Measured',
        ScalingLimited: 'False WithinLimits',
      },
    ],
    ['paused', full, { pause: { reason: 'exam', since: NOW } }, { AbleToScale: 'False Paused' }],
    ['cooling down', { count: 10, assigned: 1 }, { cooldownUntil: NOW + 1 }, { AbleToScale: 'False CoolingDown' }],
    [
      'W30 timed out',
      full,
      { backoff: { until: NOW + 1, reason: 'TimedOut', message: 'x' } },
      { AbleToScale: 'False BackingOff', Degraded: 'True TimedOut' },
    ],
    [
      'W69 denied',
      full,
      { backoff: { until: NOW, reason: 'Forbidden', message: 'x' } },
      { Degraded: 'True Forbidden' },
    ],
    ['W13 clipped', { count: 70, assigned: 70 }, {}, { ScalingLimited: 'True AtMax' }],
    ['W14 at the cap', { count: 100, assigned: 100 }, {}, { ScalingLimited: 'True AtMax' }],
    [
      'one step at a time',
      { ...full, autoScaling: { enabled: true, maxStep: 1 } },
      {},
      { ScalingLimited: 'True MaxStep' },
    ],
    [
      'W41 not allowed',
      { ...full, workshop: { provisionDisabled: true } },
      {},
      { ScalingActive: 'False ProvisionDisabled' },
    ],
    [
      'approval',
      { ...full, autoScaling: { enabled: true, approvalAbove: 12 } },
      {},
      { AbleToScale: 'False ApprovalRequired' },
    ],
  ])('%s', (_, situation, state, expected) => {
    expect(conditionsOf(statusOf(situation, { ...newState(), ...state }).keys)).toMatchObject(expected);
  });

  test('W13 ScalingLimited stands as long as the operation that it limited', () => {
    const { keys } = statusOf(
      { count: 100, claims: { active: 70 }, assigned: 70 },
      scaling({ count: 70, assigned: 70 }),
    );
    expect(conditionsOf(keys).ScalingLimited).toBe('True AtMax');
  });

  test('keep the time of their last transition', () => {
    const first = statusOf(full).keys;
    const later = statusOf({ ...full, status: { autoScaling: first.autoScaling } }, newState(), NOW + 5000).keys;
    expect(later.autoScaling.conditions?.map(({ lastTransitionTime }) => lastTransitionTime)).toEqual(
      Array(4).fill(new Date(NOW).toISOString()),
    );
  });

  test('E6 a broken configuration is told on the workshop once, and taken back once', () => {
    const broken = observe({ ...full, autoScaling: { enabled: true, threshold: 7 } });
    const told = workshopConditions(broken, readConfig(broken.workshop?.autoScaling), NOW);
    expect(told).toMatchObject([
      { type: 'ConfigValid', status: 'False', message: expect.stringContaining('threshold is 7') },
    ]);
    const seen = (autoScaling: unknown) => {
      const observation = observe({ ...full, autoScaling });
      if (observation.workshop) observation.workshop.conditions = told ?? [];
      return workshopConditions(observation, readConfig(autoScaling), NOW + 1000);
    };
    expect(seen({ enabled: true, threshold: 7 })).toBeUndefined();
    expect(seen({ enabled: true })).toMatchObject([{ type: 'ConfigValid', status: 'True' }]);
    expect(workshopConditions(observe(full), readConfig({ enabled: true }), NOW)).toBeUndefined();
  });
});

describe('the status of a provision', () => {
  test('tells the operation, and keeps its id when it is over', () => {
    const during = statusOf({ count: 15, claims: { active: 10 }, assigned: 10 }, scaling()).keys;
    expect(during).toMatchObject({
      autoScaling: {
        operationId: '1-07d3e5b1',
        phase: 'Waiting',
        fromCount: 10,
        targetCount: 15,
        inFlightClaims: 5,
        lastScaleTime: new Date(NOW).toISOString(),
      },
      assignedCount: 10,
    });
    const after = statusOf({ count: 15, assigned: 10, status: during }).keys.autoScaling;
    expect(after).toMatchObject({
      operationId: '1-07d3e5b1',
      phase: 'Idle',
      reason: 'BelowThreshold',
      utilization: 0.67,
    });
    expect(after.deadline).toBeUndefined();
  });

  const write = (situation: Situation, writtenAt?: number) => {
    const { observation, decision, keys } = statusOf(situation);
    return statusWrite(observation, keys, decision, writtenAt, NOW, timings);
  };

  test('is written on a change, numbers alone once a minute, and never when nothing differs', () => {
    const quiet: Situation = { count: 10, assigned: 1 };
    expect(write(quiet)).toBe('now');
    const told = { ...quiet, status: statusOf(quiet).keys };
    expect(write(told)).toBe('none');
    expect(write({ ...told, assigned: 2 }, NOW - 59_000)).toBe('later');
    expect(write({ ...told, assigned: 2 }, NOW - 60_000)).toBe('now');
    expect(write({ ...told, assigned: 10 }, NOW)).toBe('now');
  });

  test.each<[string, Situation]>([
    ['W1 a workshop without autoScaling', { ...full, autoScaling: undefined }],
    ['W2 a workshop that never enabled it', { ...full, autoScaling: {} }],
    ['W43 an ignored provision', { ...full, provisionMeta: { name: 'lab', labels: { [workshopLabels.ignore]: '' } } }],
    ['W36 a provision that is being deleted', { ...full, provisionMeta: { name: 'lab', deletionTimestamp: at(-1) } }],
  ])('is never written for %s', (_, situation) => {
    expect(write(situation)).toBe('none');
  });
});

test('phases say what a person would ask first', () => {
  const { decision } = statusOf(full);
  expect(phaseOf(newState(), undefined, NOW)).toBe('Idle');
  expect(phaseOf(scaling(), decision, NOW)).toBe('Waiting');
  expect(phaseOf({ ...newState(), cooldownUntil: NOW + 1 }, decision, NOW)).toBe('CoolingDown');
  expect(phaseOf(newState(), { ...decision, reason: 'WorkshopGone' }, NOW)).toBe('Gone');
});

test('the checklist names the step, the seats and the reason', () => {
  const look = statusOf({ count: 15, claims: { active: 10 }, assigned: 10 }, scaling());
  const during = checklist(autoscalerStatus(address, scaling(), look, undefined, NOW));
  expect(during).toContain('**Waiting: 10 -> 15**');
  expect(during).toContain('- [x] Write the count\n- [ ] **Wait until the claims settle**');
  expect(during).toContain('Seats: 10 of 10 taken, threshold 0.8.');
  const idle = checklist(
    autoscalerStatus(
      address,
      newState(),
      statusOf({ count: 10, claims: { active: 4, failed: 6 }, assigned: 4 }),
      NOW,
      NOW,
    ),
  );
  expect(idle).toContain('Why: FailureThreshold, 6 of 10 claims failed');
  expect(idle).toContain('Waiting for a person who removes the failed claims');
});

test('an event has a name of its own per operation and reason', () => {
  const event = scalingEvent(
    { namespace: 'user-1', name: 'lab', uid: 'u' },
    { reason: endReason('up', 'TimedOut'), occurrence: '4-07d3e5b1', message: 'm', at: NOW },
  );
  expect(event).toMatchObject({
    metadata: { name: 'lab.4-07d3e5b1.scaleuptimedout', namespace: 'user-1' },
    type: 'Warning',
    reason: 'ScaleUpTimedOut',
    involvedObject: { kind: 'WorkshopProvision', uid: 'u' },
    firstTimestamp: '2026-03-01T12:00:00Z',
  });
  expect([endReason('up', 'Succeeded'), endReason('down', 'TimedOut')]).toEqual(['ScaleUpSettled', 'ScaleDownSettled']);
});

test('a metric of utilisation is that of the last look, and 0 without seats or when nobody looks any more', () => {
  expect(shownUtilization(decideAbout({ count: 10, assigned: 8 }))).toBe(0.8);
  expect(shownUtilization(decideAbout({ count: 10, claims: {} }))).toBe(0);
  expect(shownUtilization(undefined)).toBe(0);
});
