import { WorkflowFailedError, WorkflowNotFoundError, WorkflowUpdateFailedError } from '@temporalio/client';
import {
  ApplicationFailure,
  CancelledFailure,
  NamespaceNotFoundError,
  TerminatedFailure,
  TimeoutFailure,
} from '@temporalio/common';
import { describe, expect, test } from 'vitest';
import { scopeFailureTypes } from '../../contract/failures.ts';
import { ipFailures, ipFailureTypes } from '../../contract/ip/failures.ts';
import { workflowIds } from '../../contract/names.ts';
import {
  AccessDenied,
  clientErrorTypes,
  errorOf,
  GroundworkError,
  HostConflict,
  InvalidInput,
  NotFound,
  NothingToRetry,
  OutcomeUnknown,
  RunCancelled,
  RunTerminated,
  RunTimedOut,
  SetupMissing,
  Unavailable,
} from '../../starter/errors.ts';
import { toGroundworkError } from '../../starter/temporal-errors.ts';

const run = { workflowId: 'scope-creation/1', runId: 'r' };
const asked = { what: 'wait for scope-creation/1', run, effect: true };

function grpc(code: number, details: string): Error {
  return new Error('Failed to do it', {
    cause: Object.assign(new Error(`${code} X: ${details}`), { code, details, metadata: {} }),
  });
}

/** As the SDK throws what the server says of one part of an update-with-start. */
function together(code: number, said: string): Error {
  const details = 'Update-with-Start could not be executed.';
  return new Error('Update-With-Start failed', {
    cause: Object.assign(new Error(said), { code, details, metadata: {} }),
  });
}

const ended = (cause: Error) => new WorkflowFailedError('Workflow execution failed', cause, 'NON_RETRYABLE_FAILURE');

describe('errors of the client', () => {
  test.each([...new Set([...scopeFailureTypes, ...ipFailureTypes, ...clientErrorTypes])])(
    '%s is a class of its own',
    (type) => {
      const error = errorOf({ type, message: 'words', details: { a: 1 } });
      expect(error).toBeInstanceOf(GroundworkError);
      expect(error.constructor).not.toBe(GroundworkError);
      expect(error).toMatchObject({ type, name: type, message: 'words', details: { a: 1 } });
      expect(error.toJSON()).toEqual({ type, message: 'words', details: { a: 1 } });
    },
  );

  test('a type of a later version is kept', () => {
    const error = errorOf({ type: 'OfALaterVersion', message: 'words' });
    expect(error.constructor).toBe(GroundworkError);
    expect(error).toMatchObject({ type: 'OfALaterVersion', retryable: false });
  });

  test('say whether a repetition may succeed', () => {
    const types = new Set([...scopeFailureTypes, ...ipFailureTypes, ...clientErrorTypes]);
    const retryable = [...types].filter((type) => errorOf({ type, message: '' }).retryable);
    expect(retryable.sort()).toEqual([
      'BalancerFailed',
      'BalancerTimeout',
      'BalancerUnreadable',
      'Busy',
      'DnsTimeout',
      'OutcomeUnknown',
      'ScopeBusy',
      'Unavailable',
    ]);
  });

  test('say the HTTP status of an answer', () => {
    for (const type of ipFailureTypes) expect(errorOf({ type, message: '' }).httpStatus).toBe(ipFailures[type].http);
    const statusOf = (type: string) => errorOf({ type, message: '' }).httpStatus;
    expect(['HostConflict', 'NoCapacity', 'ScopeBusy', 'OutcomeUnknown', 'OfALaterVersion'].map(statusOf)).toEqual([
      409, 507, 503, 504, 500,
    ]);
  });

  test('InvalidInput carries its fields, and none when a run told none', () => {
    const fields = [
      { path: 'scopeId', message: 'is required' },
      { path: '', message: 'must be an object' },
    ];
    expect(InvalidInput.of(fields)).toMatchObject({ message: 'scopeId: is required; must be an object', fields });
    expect(new InvalidInput('odd').fields).toEqual([]);
  });
});

describe('what Temporal says becomes', () => {
  test("the run's own failure, with message and details", () => {
    const failure = ApplicationFailure.create({ type: 'HostConflict', message: 'taken', details: [{ host: 'a' }] });
    const error = toGroundworkError(ended(failure), asked);
    expect(error).toBeInstanceOf(HostConflict);
    expect(error).toMatchObject({ message: 'taken', details: { host: 'a' } });
    expect(error.cause).toBeInstanceOf(WorkflowFailedError);
  });

  test.each([
    ['a cancelled run', ended(new CancelledFailure('cancelled')), RunCancelled],
    ['a terminated run', ended(new TerminatedFailure('terminated')), RunTerminated],
    ['a run past its time limit', ended(new TimeoutFailure('timed out', undefined, 'START_TO_CLOSE')), RunTimedOut],
    [
      'a refused update',
      new WorkflowUpdateFailedError('rejected', ApplicationFailure.create({ type: 'NothingToRetry' })),
      NothingToRetry,
    ],
    ['an unknown run', new WorkflowNotFoundError('not found', 'scope-creation/1', undefined), NotFound],
    ['a passed deadline', grpc(4, 'deadline exceeded'), OutcomeUnknown],
    ['a broken connection while waiting', grpc(14, 'connection dropped'), OutcomeUnknown],
    ['a denial', grpc(7, 'no'), AccessDenied],
    [
      'an unregistered search attribute',
      grpc(3, 'Namespace x has no mapping defined for search attribute ScopeId'),
      SetupMissing,
    ],
    [
      'an unregistered search attribute, told by one part of a call',
      together(3, 'Namespace x has no mapping defined for search attribute Phase'),
      SetupMissing,
    ],
    [
      'a run that ended while an accepted update waited',
      new WorkflowUpdateFailedError('failed', ApplicationFailure.create({ type: 'AcceptedUpdateCompletedWorkflow' })),
      OutcomeUnknown,
    ],
    ['an unknown namespace', new NamespaceNotFoundError('x'), NotFound],
  ])('%s: %s', (_, thrown, expected) => {
    expect(toGroundworkError(thrown, asked)).toBeInstanceOf(expected);
  });

  test.each([
    [workflowIds.scopeCreation('1'), 'what it had made was removed'],
    [workflowIds.deployment('1'), 'what it had made was removed'],
    [workflowIds.scopeDeletion('1'), 'what it had done stands'],
    [workflowIds.ipPoolChange('acme', 'net', '1'), 'what it had done stands'],
    [workflowIds.ipClaim('acme', 'default', 'db'), 'what it had done stands'],
    [workflowIds.provisionAutoscaler('main', 'shop', 'lab'), 'what it had done stands'],
  ])('a cancelled run %s: %s', (workflowId, words) => {
    const error = toGroundworkError(ended(new CancelledFailure('cancelled')), { ...asked, run: { workflowId } });
    expect(error.message).toBe(`run ${workflowId} was cancelled; ${words}`);
  });

  test('Unavailable, not an unknown outcome, when nothing can have begun', () => {
    expect(toGroundworkError(grpc(14, 'refused'), { what: 'list runs' })).toBeInstanceOf(Unavailable);
    expect(toGroundworkError(grpc(4, 'deadline'), { what: 'list runs' })).toBeInstanceOf(Unavailable);
  });

  test('an error of ours unchanged', () => {
    const error = new NotFound('no');
    expect(toGroundworkError(error, asked)).toBe(error);
  });
});
