import { describe, expect, test } from 'vitest';
import { AwsCallError, awsError, awsErrorKind } from '../../../activities/aws/errors.ts';
import { toFailure } from '../../../activities/translate.ts';

test.each([
  ['Throttling', 400, 'retry'],
  ['ThrottlingException', 400, 'retry'],
  ['RequestLimitExceeded', 400, 'retry'],
  ['TooManyRequestsException', 429, 'retry'],
  ['PriorRequestNotComplete', 400, 'retry'],
  ['InternalFailure', 500, 'retry'],
  ['Unknown', 503, 'retry'],
  ['LoadBalancerNotFound', 400, 'absent'],
  ['RuleNotFoundException', 400, 'absent'],
  ['NoSuchHostedZone', 404, 'absent'],
  ['AccessDenied', 403, 'denied'],
  ['AccessDeniedException', 400, 'denied'],
  ['TooManyLoadBalancers', 400, 'capacity'],
  ['TooManyRulesException', 400, 'capacity'],
  ['DuplicateLoadBalancerName', 400, 'conflict'],
  ['InvalidChangeBatch', 400, 'conflict'],
  ['ValidationError', 400, 'invalid'],
  ['SomethingNew', 400, 'unknown'],
  ['Unknown', 200, 'unknown'],
] as const)('%s (%i) is %s', (code, status, kind) => {
  expect(awsErrorKind(code.replace(/Exception$/, ''), status)).toBe(kind);
});

describe('errors of the SDK', () => {
  test('a reset connection is retried, whatever its name', () => {
    const error = Object.assign(new Error('read ECONNRESET'), { name: 'TimeoutError', code: 'ECONNRESET' });
    expect(awsError(error, 'elasticloadbalancing:DescribeRules')).toMatchObject({ kind: 'retry' });
  });

  test('a body that cannot be parsed is unknown, never absent', () => {
    expect(awsError(new Error('XML parse error: unexpected end of input'), 'x:Y')).toMatchObject({ kind: 'unknown' });
  });

  test('credentials that cannot be had are asked for again: nothing is denied yet', () => {
    const error = Object.assign(new Error('Could not load credentials'), { name: 'CredentialsProviderError' });
    const translated = awsError(error, 'elasticloadbalancing:DescribeRules');
    expect(translated).toMatchObject({
      kind: 'retry',
      message: expect.stringMatching(/^no AWS credentials can be had/),
    });
    expect(toFailure(translated)).toMatchObject({ nonRetryable: false });
  });

  test('an abort stays an abort', () => {
    const abort = Object.assign(new Error('aborted'), { name: 'AbortError' });
    expect(awsError(abort, 'x:Y')).toBe(abort);
  });
});

describe('what leaves the activity', () => {
  const failure = (kind: AwsCallError['kind']) =>
    toFailure(new AwsCallError(kind, 'Code', 'words', 'route53:GetChange', 'zone Z1'));

  test('a denial is permanent and names permission and resource', () => {
    expect(failure('denied')).toMatchObject({
      type: 'AccessDenied',
      nonRetryable: true,
      message: expect.stringContaining('route53:GetChange on zone Z1'),
    });
  });

  test('what AWS refuses as it stands is permanent, with its words', () => {
    const longZone = 'Member must have length less than or equal to 32';
    const invalid = (permission: string) =>
      toFailure(awsError(Object.assign(new Error(longZone), { name: 'InvalidInput' }), permission, 'zone arn:x'));
    expect(invalid('route53:ListResourceRecordSets')).toMatchObject({
      type: 'DnsRefused',
      nonRetryable: true,
      message: expect.stringMatching(/ListResourceRecordSets on zone arn:x as it stands: Member must have length/),
    });
    expect(invalid('elasticloadbalancing:DescribeTags')).toMatchObject({
      type: 'BalancerUnreadable',
      nonRetryable: true,
    });
  });

  test.each(['retry', 'unknown', 'absent', 'conflict'] as const)('%s is tried again', (kind) => {
    expect(failure(kind)).toMatchObject({ nonRetryable: false });
  });
});
