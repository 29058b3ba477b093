import { describe, expect, expectTypeOf, test } from 'vitest';
import type { z } from 'zod';
import type { IpPoolChangeInput, IpPoolChangeResult } from '../../contract/ip/change.ts';
import type {
  IpClaimAnswer,
  IpClaimInput,
  IpClaimStatus,
  IpReleaseInput,
  IpReleaseResult,
  IpRenewalInput,
} from '../../contract/ip/claim.ts';
import { ipFailures, ipFailureTypes } from '../../contract/ip/failures.ts';
import type { IpInventoryInput, IpRunStatus, IpSweepReport } from '../../contract/ip/inventory.ts';
import type {
  IpPool,
  IpPoolCreationInput,
  IpPoolCreationResult,
  IpPoolDeletionResult,
} from '../../contract/ip/pool.ts';
import { readWith } from '../../contract/schemas/fields.ts';
import * as inputs from '../../contract/schemas/ip.ts';
import type * as answers from '../../contract/schemas/ip-answers.ts';

const pool = { name: 'net' };
const spec = { ipFamily: 'IPv4', poolRef: pool, prefixLength: 24 };
const claim = (fields: object, more: object = {}) => ({
  owner: 'acme',
  namespace: 'default',
  name: 'db',
  spec: { ...spec, ...fields },
  ...more,
});

/** The wrong fields of an input, each as one line. */
function wrong(schema: z.ZodType, given: unknown): string[] {
  const reading = readWith(schema, given);
  return reading.ok ? [] : reading.fields.map(({ path, message }) => `${path}: ${message}`);
}

describe('the schemas of the IP room', () => {
  test('say exactly what the types say', () => {
    expectTypeOf<z.infer<typeof inputs.ipClaimInputSchema>>().toEqualTypeOf<IpClaimInput>();
    expectTypeOf<z.infer<typeof inputs.ipReleaseInputSchema>>().toEqualTypeOf<IpReleaseInput>();
    expectTypeOf<z.infer<typeof inputs.ipRenewalInputSchema>>().toEqualTypeOf<IpRenewalInput>();
    expectTypeOf<z.infer<typeof inputs.ipPoolCreationInputSchema>>().toEqualTypeOf<IpPoolCreationInput>();
    expectTypeOf<z.infer<typeof inputs.ipPoolChangeInputSchema>>().toExtend<IpPoolChangeInput>();
    expectTypeOf<z.infer<typeof inputs.ipInventoryInputSchema>>().toExtend<IpInventoryInput>();
    expectTypeOf<z.infer<typeof answers.ipClaimAnswerSchema>>().toEqualTypeOf<IpClaimAnswer>();
    expectTypeOf<z.infer<typeof answers.ipClaimStatusSchema>>().toEqualTypeOf<IpClaimStatus>();
    expectTypeOf<z.infer<typeof answers.ipReleaseResultSchema>>().toEqualTypeOf<IpReleaseResult>();
    expectTypeOf<z.infer<typeof answers.ipPoolSchema>>().toEqualTypeOf<IpPool>();
    expectTypeOf<z.infer<typeof answers.ipPoolCreationResultSchema>>().toEqualTypeOf<IpPoolCreationResult>();
    expectTypeOf<z.infer<typeof answers.ipPoolDeletionResultSchema>>().toEqualTypeOf<IpPoolDeletionResult>();
    expectTypeOf<z.infer<typeof answers.ipPoolChangeResultSchema>>().toEqualTypeOf<IpPoolChangeResult>();
    expectTypeOf<z.infer<typeof answers.ipRunStatusSchema>>().toEqualTypeOf<IpRunStatus>();
    expectTypeOf<z.infer<typeof answers.ipSweepReportSchema>>().toEqualTypeOf<IpSweepReport>();
  });

  test.each([
    ['by pool', claim({})],
    ['by selector', claim({ poolRef: undefined, poolSelector: { matchLabels: { env: 'prod' } } })],
    ['of a specific block', claim({ prefixLength: undefined, requestedCIDR: '10.0.0.0/24' })],
    ['with a field of a later version', claim({ later: 1 })],
    ['of a batch', claim({ count: 256 })],
  ])('take a claim %s', (_, input) => {
    expect(wrong(inputs.ipClaimInputSchema, input)).toEqual([]);
  });

  test.each([
    ['I28: prefixLength 0', claim({ prefixLength: 0 }), 'spec.prefixLength: must be 1 to 32, or to 128 for IPv6'],
    ['prefixLength 33 of IPv4', claim({ prefixLength: 33 }), 'spec.prefixLength: must be 1 to 32 for IPv4'],
    [
      'I22: both of pool and selector',
      claim({ poolSelector: { matchLabels: { a: 'b' } } }),
      'spec.poolRef: poolRef and poolSelector are mutually exclusive: give exactly one of them',
    ],
    [
      'neither of pool and selector',
      claim({ poolRef: undefined }),
      'spec.poolRef: poolRef and poolSelector are mutually exclusive: give exactly one of them',
    ],
    [
      'an empty selector',
      claim({ poolRef: undefined, poolSelector: {} }),
      'spec.poolSelector: must not be empty: give matchLabels or matchExpressions',
    ],
    ['no length', claim({ prefixLength: undefined }), 'spec.prefixLength: is required unless requestedCIDR is given'],
    [
      'a specific block and a count',
      claim({ requestedCIDR: '10.0.0.0/24', count: 2 }),
      'spec.requestedCIDR: cannot be given together with a count',
    ],
    ['a count of 257', claim({ count: 257 }), 'spec.count: must be 1 to 256'],
    ['a lease of 0 s', claim({ ttlSeconds: 0 }), 'spec.ttlSeconds: must be 1 to 31536000 seconds'],
    ['a wait of 2 h', claim({}, { waitSeconds: 7200 }), 'waitSeconds: must be 0 to 3600 seconds'],
    [
      'a name with a slash',
      claim({}, { name: 'a/b' }),
      'name: must be a DNS subdomain: at most 253 of a-z, 0-9, "-" and "."',
    ],
    [
      'a name of 254 characters',
      claim({}, { name: `${'a.'.repeat(126)}ab` }),
      'name: must be a DNS subdomain: at most 253 of a-z, 0-9, "-" and "."',
    ],
    [
      'an owner of 64 characters',
      claim({}, { owner: 'a'.repeat(64) }),
      'owner: must be 1 to 63 of a-z, 0-9 and "-", beginning and ending with a letter or digit',
    ],
    ['an actor of 201 characters', claim({}, { actor: 'a'.repeat(201) }), 'actor: must be at most 200 characters'],
    [
      'In without values',
      claim({ poolRef: undefined, poolSelector: { matchExpressions: [{ key: 'a', operator: 'In' }] } }),
      'spec.poolSelector.matchExpressions.0.values: must not be empty for In',
    ],
    [
      'an expression that is null',
      claim({ poolRef: undefined, poolSelector: { matchExpressions: [null] } }),
      'spec.poolSelector.matchExpressions.0: must be an object',
    ],
  ])('refuse %s in one line', (_, input, line) => {
    expect(wrong(inputs.ipClaimInputSchema, input)).toEqual([line]);
  });

  test.each([
    ['I25: neither cidr nor parent', {}, 'spec.cidr: is required for a root (or parentPoolRef for a child)'],
    ['a root without family', { cidr: '10.0.0.0/8' }, 'spec.ipFamily: is required for a root'],
    ['a child without length', { parentPoolRef: pool }, 'spec.prefixLength: is required with parentPoolRef'],
    [
      'a child with a CIDR',
      { parentPoolRef: pool, prefixLength: 20, cidr: '10.0.0.0/8' },
      'spec.cidr: cannot be given together with parentPoolRef',
    ],
    [
      'a retention of 0 s',
      { cidr: '10.0.0.0/8', ipFamily: 'IPv4', retentionSeconds: 0 },
      'spec.retentionSeconds: must be 1 to 315360000 seconds',
    ],
  ])('refuse a pool with %s in one line', (_, spec, line) => {
    expect(wrong(inputs.ipPoolCreationInputSchema, { owner: 'acme', name: 'net', spec })).toEqual([line]);
  });

  test('refuse a change of an unknown kind with the kinds', () => {
    expect(wrong(inputs.ipPoolChangeInputSchema, { owner: 'acme', name: 'net', change: { kind: 'grow' } })).toEqual([
      'change.kind: kind must be settings, reserve, unreserve, grant, revoke, import or rebuild',
    ]);
  });
});

test('every failure type has an HTTP status and reasons, and no reason means two things of one type', () => {
  for (const type of ipFailureTypes) {
    const { http, reasons } = ipFailures[type];
    expect(http).toBeGreaterThanOrEqual(400);
    expect(new Set(reasons).size).toBe(reasons.length);
  }
});
