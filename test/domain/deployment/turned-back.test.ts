import { describe, expect, test } from 'vitest';
import { decide, isGreenOut } from '../../../domain/deployment/rollout/decide.ts';
import { learn } from '../../../domain/deployment/rollout/learn.ts';
import { accept, requestCancel } from '../../../domain/deployment/rollout/messages.ts';
import { weighted } from '../../../domain/deployment/rollout/routing.ts';
import { initialState } from '../../../domain/deployment/rollout/state.ts';
import type { RolloutPlan, RolloutState } from '../../../domain/deployment/rollout/types.ts';
import { failure } from './story.ts';

/** A step that fails after a message or a cancellation has turned the rollout back. */

const plan: RolloutPlan = {
  strategy: 'blue_green',
  blue: '41',
  green: '42',
  replicas: 2,
  traffic: { steps: [], autoFinalize: false, onFailure: 'rollback' },
  portsOnlyBlue: [],
  orphans: [],
};

const starting: RolloutState = { ...initialState(plan), greenApplied: 'yes' };
const failed = { kind: 'failed', failure: failure('InstancesNotReady') } as const;

const rolledBack = (state: RolloutState): RolloutState => {
  const verdict = accept(plan, state, { name: 'rollback', reason: 'errors' });
  if (!verdict.accepted) throw new Error(verdict.reason);
  return verdict.state;
};

test.each([
  ['a cancellation', requestCancel, 'Cancelled'],
  ['a rollback', rolledBack, 'RolledBack'],
] as const)('after %s its failure does not hinder the way back', (_, turn, phase) => {
  const { decision, state } = decide(plan, starting);
  expect(decision).toMatchObject({ kind: 'wait' });
  const back = decide(plan, learn(plan, turn(state), decision, failed));
  expect(back.decision).toEqual({ kind: 'delete', what: 'green' });
  const end = decide(plan, learn(plan, back.state, back.decision, { kind: 'done' }));
  expect(end.decision).toMatchObject({ kind: 'end', end: { phase, active: 'blue', percent: 0 } });
});

test('a step of the way back that fails ends it, and what is left is named', () => {
  const { decision, state } = decide(plan, requestCancel(decide(plan, starting).state));
  const stuck = { kind: 'failed', failure: failure('RemovalTimeout') } as const;
  expect(decide(plan, learn(plan, state, decision, stuck)).decision).toMatchObject({
    kind: 'end',
    end: {
      phase: 'Failed',
      failure: { type: 'CompensationIncomplete', details: { leftovers: ['objects of deployment 42: kept'] } },
    },
  });
});

describe('that green gets nothing', () => {
  const at = (percent: number): RolloutState => ({
    ...starting,
    ...{ phase: 'Running', greenReady: true, verified: true, percent },
    ...{ applied: weighted(percent), confirmed: weighted(percent), wanted: { percent: 25, by: 'message' } },
  });

  test('is not known while the weights 100/0 take the place of a switch that may be live, and is when they are confirmed', () => {
    const moving = decide(plan, at(0));
    expect(isGreenOut(at(0))).toBe(true);
    expect(isGreenOut(moving.state)).toBe(false);
    const back = decide(plan, learn(plan, rolledBack(moving.state), moving.decision, { kind: 'interrupted' }));
    expect(back.decision).toMatchObject({ kind: 'route', routing: weighted(0) });
    expect(isGreenOut(back.state)).toBe(false);
    expect(isGreenOut(learn(plan, back.state, back.decision, { kind: 'done' }))).toBe(true);
  });

  test('is known when the switch never reached Kubernetes', () => {
    const { decision, state } = decide(plan, at(0));
    const outcome = { kind: 'interrupted', applied: false } as const;
    expect(isGreenOut(learn(plan, rolledBack(state), decision, outcome))).toBe(true);
  });
});
