import { expect, test } from 'vitest';
import { decide } from '../../../domain/deployment/rollout/decide.ts';
import { learn } from '../../../domain/deployment/rollout/learn.ts';
import { accept, requestCancel } from '../../../domain/deployment/rollout/messages.ts';
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
