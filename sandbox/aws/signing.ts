import type { IncomingHttpHeaders } from 'node:http';
import { AwsError } from './errors.ts';

/** What the credential scope of a signed request says. */
export interface Scope {
  accessKeyId: string;
  region: string;
  /** The signing name: `elasticloadbalancing`, `route53`, `sts`. */
  signingName: string;
}

/**
 * Reads the SigV4 `Authorization` header. The signature itself is not verified: the endpoint knows no secrets.
 * Throws `MissingAuthenticationToken` (403) without a header and `IncompleteSignature` (400) for one of another form.
 */
export function readScope(headers: IncomingHttpHeaders): Scope {
  const header = headers.authorization;
  if (!header) throw new AwsError('MissingAuthenticationToken', 'Request is missing Authentication Token', 403);
  const parts =
    /^AWS4-HMAC-SHA256 (.*)$/s
      .exec(header)?.[1]
      ?.split(',')
      .map((part) => part.trim()) ?? [];
  const fields = new Map(
    parts.map((part): [string, string] => {
      const at = part.indexOf('=');
      return [part.slice(0, Math.max(at, 0)), part.slice(at + 1)];
    }),
  );
  const missing = ['Credential', 'SignedHeaders', 'Signature'].filter((field) => !fields.get(field));
  if (missing.length > 0) {
    const problem = missing.map((field) => `Authorization header requires '${field}' parameter.`).join(' ');
    throw new AwsError('IncompleteSignature', `${problem} Authorization=${header.slice(0, 40)}`, 400);
  }
  const credential = /^([^/]+)\/\d{8}\/([a-z0-9-]+)\/([a-z0-9-]+)\/aws4_request$/.exec(fields.get('Credential') ?? '');
  const [, accessKeyId, region, signingName] = credential ?? [];
  if (!accessKeyId || !region || !signingName || !/^[0-9a-f]{64}$/.test(fields.get('Signature') ?? '')) {
    throw new AwsError(
      'IncompleteSignature',
      'Credential must be of the form key/date/region/service/aws4_request and the signature 64 hexadecimal digits',
      400,
    );
  }
  return { accessKeyId, region, signingName };
}

/** Refuses a scope made for another service, as AWS does. */
export function requireService(scope: Scope, signingName: string): void {
  if (scope.signingName === signingName) return;
  throw new AwsError('SignatureDoesNotMatch', `Credential should be scoped to correct service: '${signingName}'.`, 403);
}
