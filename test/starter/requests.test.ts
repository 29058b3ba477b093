import { describe, expect, test } from 'vitest';
import { scopeIdSchema } from '../../contract/schemas/scope.ts';
import { checked, checkScopeCreation } from '../../starter/check.ts';
import { taskQueueOf } from '../../starter/queues.ts';
import { differences } from '../../starter/same-input.ts';
import { queryOf } from '../../starter/scope-list.ts';
import { queryOf as autoscalers } from '../../starter/workshop-list.ts';

describe('differences of two inputs', () => {
  test('are named by path, with both values', () => {
    const yours = { scopeId: '1', slugs: { a: 'x', b: 'y' }, hosts: ['a'], domain: 'd' };
    const theirs = { slugs: { b: 'y', a: 'z' }, hosts: ['a', 'b'], scopeId: '1' };
    expect(differences(yours, theirs)).toEqual([
      { path: 'slugs.a', yours: 'x', theirs: 'z' },
      { path: 'hosts', yours: ['a'], theirs: ['a', 'b'] },
      { path: 'domain', yours: 'd' },
    ]);
  });

  test('are none when only order and absent fields differ', () => {
    expect(differences({ a: 1, b: undefined }, { a: 1 })).toEqual([]);
  });

  test('of something that is no object are the input as a whole', () => {
    expect(differences({ a: 1 }, undefined)).toEqual([{ path: 'input', yours: { a: 1 } }]);
  });
});

describe('the query of a list', () => {
  test('has a condition for each filter', () => {
    expect(queryOf({})).toBe(
      "WorkflowType IN ('scopeCreation', 'scopeDeletion') AND ExecutionStatus != 'ContinuedAsNew'",
    );
    expect(queryOf({ scopeId: '1', environment: 'prod', phase: 'Dns', state: 'timed-out', kind: 'plan' })).toBe(
      "WorkflowType IN ('scopeCreation', 'scopeDeletion') AND WorkflowId STARTS_WITH 'scope-plan/' AND ScopeId = '1' " +
        "AND Environment = 'prod' AND Phase = 'Dns' AND ExecutionStatus = 'TimedOut'",
    );
  });

  test('of autoscalers leaves out what went on in another run', () => {
    const all = "WorkflowType = 'provisionAutoscaler' AND ExecutionStatus";
    expect(autoscalers({})).toBe(`${all} != 'ContinuedAsNew'`);
    expect(autoscalers({ state: 'running' })).toBe(`${all} = 'Running'`);
  });

  test('keeps quotes inside their value', () => {
    expect(queryOf({ environment: "x' OR '1'='1\\" })).toContain("Environment = 'x'' OR ''1''=''1\\\\'");
  });
});

test('a queue has the prefix of the worker', () => {
  expect(taskQueueOf('scopes', undefined)).toBe('groundwork-scopes');
  expect(taskQueueOf('scopes', '')).toBe('groundwork-scopes');
  expect(taskQueueOf('scopes', 'blue-')).toBe('blue-scopes');
});

test('a wrong input names its fields before anything is started', () => {
  expect(() => checkScopeCreation({ scopeId: '1' })).toThrow('slugs: is required; visibility: is required');
  expect(() => checked(scopeIdSchema, 'A', 'scopeId')).toThrow(/^scopeId: must be/);
});
