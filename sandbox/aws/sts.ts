import { AwsError } from './errors.ts';
import { xmlDocument } from './xml.ts';

export const STS_VERSION = '2011-06-15';
export const STS_NAMESPACE = `https://sts.amazonaws.com/doc/${STS_VERSION}/`;

/** `GetCallerIdentity`, the one STS action served: whoever signs is a user of the sandbox's account. */
export function handleSts(request: {
  action: string;
  accountId: string;
  accessKeyId: string;
  requestId: string;
}): string {
  if (request.action !== 'GetCallerIdentity') {
    throw new AwsError('InvalidAction', `Could not find operation ${request.action} for version ${STS_VERSION}`);
  }
  return xmlDocument('GetCallerIdentityResponse', STS_NAMESPACE, {
    GetCallerIdentityResult: {
      Arn: `arn:aws:iam::${request.accountId}:user/sandbox`,
      UserId: request.accessKeyId,
      Account: request.accountId,
    },
    ResponseMetadata: { RequestId: request.requestId },
  });
}
