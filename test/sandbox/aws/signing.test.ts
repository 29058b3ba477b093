import { GetCallerIdentityCommand } from '@aws-sdk/client-sts';
import { describe, expect, test } from 'vitest';
import { bench, failure } from './support.ts';

const SIGNED = `AWS4-HMAC-SHA256 Credential=AKID/20260301/us-east-1/elasticloadbalancing/aws4_request, SignedHeaders=host, Signature=${'0'.repeat(64)}`;

async function post(
  url: string,
  authorization: string | undefined,
  form = 'Action=DescribeLoadBalancers&Version=2015-12-01',
) {
  const headers = {
    'content-type': 'application/x-www-form-urlencoded',
    ...(authorization === undefined ? {} : { authorization }),
  };
  const response = await fetch(url, { method: 'POST', headers, body: form });
  return { status: response.status, code: /<Code>(.*)<\/Code>/.exec(await response.text())?.[1] };
}

describe('signing and routing', () => {
  test('the caller is the account of the endpoint', async () => {
    const { sts } = await bench({ accountId: '210987654321' });
    expect(await sts.send(new GetCallerIdentityCommand({}))).toMatchObject({
      Account: '210987654321',
      Arn: 'arn:aws:iam::210987654321:user/sandbox',
      UserId: 'AKIDSANDBOX',
    });
  });

  test('a signed request passes, whatever its signature', async () => {
    const { endpoint } = await bench();
    expect(await post(endpoint.url, SIGNED)).toEqual({ status: 200, code: undefined });
  });

  test.each([
    ['no header', undefined, 403, 'MissingAuthenticationToken'],
    ['another scheme', 'Basic abc', 400, 'IncompleteSignature'],
    ['no signature', SIGNED.replace(/, Signature.*/, ''), 400, 'IncompleteSignature'],
    ['a broken scope', SIGNED.replace('/20260301/us-east-1', ''), 400, 'IncompleteSignature'],
    ['the scope of another service', SIGNED.replace('elasticloadbalancing', 'route53'), 403, 'SignatureDoesNotMatch'],
  ])('%s is refused and logged', async (_, authorization, status, code) => {
    const { endpoint } = await bench();
    expect(await post(endpoint.url, authorization)).toEqual({ status, code });
    expect(endpoint.requests()).toMatchObject([{ action: 'DescribeLoadBalancers', status, errorCode: code }]);
  });

  test('an unknown action or version is InvalidAction', async () => {
    const { endpoint, sts } = await bench();
    const unknown = await post(endpoint.url, SIGNED, 'Action=DescribeMoon&Version=2015-12-01');
    expect(unknown).toEqual({ status: 400, code: 'InvalidAction' });
    expect(await post(endpoint.url, SIGNED, 'Action=DescribeLoadBalancers&Version=2012-06-01')).toEqual({
      status: 400,
      code: 'InvalidAction',
    });
    expect(await post(endpoint.url, SIGNED, 'Action=constructor&Version=2015-12-01')).toEqual({
      status: 400,
      code: 'InvalidAction',
    });
    endpoint.faults.add({ match: { service: 'sts' }, effect: { kind: 'error', code: 'AccessDenied', status: 403 } });
    expect((await failure(sts.send(new GetCallerIdentityCommand({})))).name).toBe('AccessDenied');
  });
});
