import { ApplicationFailure } from '@temporalio/common';
import { describe, expect, test } from 'vitest';
import { call } from '../../../activities/ip/call.ts';
import type { IpDependencies } from '../../../activities/ip/dependencies.ts';
import { createIpActivities } from '../../../activities/ip/index.ts';
import { refusal } from '../../../activities/ip/refusals.ts';
import { ipFailures } from '../../../contract/ip/failures.ts';
import { mockActivity } from '../../support/activity.ts';
import { DRIVER_TEXT } from '../../support/ip-world.ts';

/** A database of which every call fails with this error. */
function failing(
  code: string,
  message = `relation "ipam_alloc" violates constraint "x" (SQLSTATE ${code})`,
): IpDependencies {
  const prepared = () => Promise.reject(Object.assign(new Error(message), { code }));
  return { database: { prepared } } as unknown as IpDependencies;
}

/** What the call becomes in the given attempt of an activity. */
async function failureOf(deps: IpDependencies, attempt = 1): Promise<ApplicationFailure> {
  const environment = mockActivity(attempt);
  const error = await environment.run(() => call(deps, 'ipam_claim', [1, 2])).catch((thrown: unknown) => thrown);
  if (error instanceof ApplicationFailure) return error;
  throw new Error(`${error} is no failure`);
}

describe('an error of the database', () => {
  test.each([
    ['55P03', 'Lock'],
    ['40001', 'Contention'],
    ['40P01', 'Contention'],
    ['23P01', 'Contention'],
    ['57014', 'Database'],
    ['57P01', 'Database'],
    ['57P03', 'Database'],
    ['53300', 'Database'],
    ['25006', 'Database'],
    ['08006', 'Database'],
    ['ECONNRESET', 'Database'],
    ['ECONNREFUSED', 'Database'],
  ])('%s is Busy (%s): tried again, and told when to ask again', async (code, reason) => {
    const failure = await failureOf(failing(code));
    expect(failure).toMatchObject({
      type: 'Busy',
      nonRetryable: false,
      details: [{ reason, retryAfterSeconds: 1 }],
    });
    expect(failure.message).toMatch(/Ask again in a second; where a request id is given, with a new one\.$/);
    expect(failure.message).not.toMatch(DRIVER_TEXT);
    expect(failure.cause).toBeUndefined();
  });

  test.each(['40P01', '23P01'])('%s again is a bug, because under the lock nothing conflicts', async (code) => {
    expect(await failureOf(failing(code), 2)).toMatchObject({ type: 'Internal', nonRetryable: true });
  });

  test.each(['22P02', '23514', '42501', '0A000', ''])('%j is a bug and tells nothing of the driver', async (code) => {
    const failure = await failureOf(failing(code));
    expect(failure).toMatchObject({ type: 'Internal', nonRetryable: true, details: [{ reason: 'Constraint' }] });
    expect(failure.message).not.toMatch(DRIVER_TEXT);
    expect(failure.cause).toBeUndefined();
  });
});

test('an error in the own code of an activity is a bug: the run ends, and is not tried for ever', async () => {
  const broken = { settings: undefined } as unknown as IpDependencies;
  const claimTimings = () => createIpActivities(broken).claimTimings();
  const error = await mockActivity()
    .run(claimTimings)
    .catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ type: 'Internal', nonRetryable: true, details: [{ reason: 'Constraint' }] });
  expect(String(error)).not.toContain('undefined');
});

describe('a refusal', () => {
  const asked = { subject: 'claim default/db', owner: 'acme' };
  const pool = { owner: 'acme', name: 'net' };
  const holder = { owner: 'beta', namespace: 'ns', name: 'x', cidr: '10.0.0.0/25', purpose: 'claim', state: 'held' };

  test.each<[string, Record<string, unknown>, string, string, RegExp]>([
    ['conflict', { reason: 'SpecDiffers' }, 'ClaimConflict', 'SpecDiffers', /held with another spec/],
    [
      'conflict',
      { reason: 'PartialBatch', held: ['a-0'], missing: ['a-1'] },
      'ClaimConflict',
      'PartialBatch',
      /a-0.*a-1/,
    ],
    [
      'conflict',
      { reason: 'RetainedMismatch', fields: [{ field: 'prefixLength', retained: 24, requested: 25 }] },
      'ClaimConflict',
      'RetainedMismatch',
      /prefixLength was 24 and is 25 now/,
    ],
    ['conflict', { reason: 'PoolConflict' }, 'PoolConflict', 'SpecDiffers', /exists with another spec/],
    ['stale', { reason: 'StaleRequest' }, 'ClaimConflict', 'StaleRequest', /new request id/],
    ['not_found', { reason: 'PoolNotFound', pool }, 'NotFound', 'PoolNotFound', /owner acme has no pool net/],
    [
      'gone',
      { reason: 'PoolNotFound' },
      'NotFound',
      'PoolNotFound',
      /was there for this request and has been deleted since/,
    ],
    ['no_pool_match', { reason: 'NoPoolMatch' }, 'NotFound', 'NoPoolMatch', /no pool/],
    ['forbidden', { reason: 'NotPermitted', pool }, 'Forbidden', 'NotPermitted', /not shared with acme/],
    [
      'family_mismatch',
      { reason: 'FamilyMismatch', requested: 'IPv4', actual: 'IPv6', pool },
      'InvalidInput',
      'FamilyMismatch',
      /IPv4.*IPv6/,
    ],
    [
      'out_of_bounds',
      { reason: 'PrefixLength', requested: 16, min: 24, max: 28, pool },
      'OutOfBounds',
      'PrefixLength',
      /\/16 .*\/24 to \/28/,
    ],
    [
      'out_of_bounds',
      { reason: 'OutsidePool', requested: '10.9.0.0/24', range: '10.0.0.0/16', pool },
      'OutOfBounds',
      'OutsidePool',
      /10.9.0.0\/24 is outside of 10.0.0.0\/16/,
    ],
    [
      'exhausted',
      { reason: 'NoFreeBlock', wanted: 24, count: 3, largestFree: 26, pools: [{ id: 7, ...pool, largestFree: 26 }] },
      'PoolExhausted',
      'NoFreeBlock',
      /3 free blocks of length \/24 in acme\/net \(the largest free block is \/26\)/,
    ],
    [
      'address_taken',
      { reason: 'AddressTaken', requested: '10.0.0.0/24', holder },
      'ClaimConflict',
      'AddressTaken',
      /taken by claim beta\/ns\/x \(10.0.0.0\/25\)/,
    ],
    [
      'address_taken',
      { reason: 'AddressTaken', requested: '10.0.0.0/24' },
      'ClaimConflict',
      'AddressTaken',
      /is taken\./,
    ],
    [
      'address_reserved',
      { reason: 'AddressReserved', requested: '10.0.0.0/24' },
      'ClaimConflict',
      'AddressReserved',
      /reserved/,
    ],
    [
      'overlap',
      { reason: 'PoolOverlap', cidr: '10.0.0.0/24', other: { ...pool, cidr: '10.0.0.0/8' } },
      'PoolOverlap',
      'Overlap',
      /10.0.0.0\/24.*acme\/net.*10.0.0.0\/8/,
    ],
    [
      'in_use',
      { reason: 'PoolInUse', claims: 1, retained: 0, children: 2, childNames: ['a', 'b'] },
      'PoolInUse',
      'NotEmpty',
      /1 claim, 0 retained blocks and 2 child pools \(a, b\)/,
    ],
    ['immutable', { reason: 'ImmutableField', field: 'cidr' }, 'InvalidInput', 'ImmutableField', /change.spec.cidr/],
    ['expired', { reason: 'LeaseExpired' }, 'NotFound', 'LeaseExpired', /lease .* is over/],
    ['unknown', { reason: 'ClaimNotFound' }, 'NotFound', 'ClaimNotFound', /is not known/],
    ['drift', { reason: 'Drift' }, 'Internal', 'Drift', /nothing was changed.*ip verify/],
    ['drift', { line: 7 }, 'Internal', 'Drift', /line 7 was not imported.*ip verify/],
    ['of a later version', {}, 'Internal', 'Constraint', /does not know/],
  ])('%s %j is %s, %s', (status, detail, type, reason, words) => {
    const failure = refusal(status, detail, asked);
    expect(failure).toMatchObject({ type, details: { reason } });
    expect(ipFailures[failure.type as keyof typeof ipFailures].reasons).toContain(reason);
    expect(failure.message).toMatch(words);
    expect(failure.message).not.toMatch(DRIVER_TEXT);
    expect(JSON.stringify(failure.details)).not.toContain('"id":7');
  });
});
