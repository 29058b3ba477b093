/** What went wrong with a call to AWS (specs: scope creation, section 11). `unknown` is its own kind and never read as absent. */
export type AwsErrorKind = 'retry' | 'absent' | 'denied' | 'capacity' | 'conflict' | 'invalid' | 'unknown';

export class AwsCallError extends Error {
  override readonly name = 'AwsCallError';
  readonly kind: AwsErrorKind;
  /** The code as AWS spells it, without the SDK's `Exception` suffix. */
  readonly code: string;
  /** The IAM action, for example `elasticloadbalancing:DescribeRules`. */
  readonly permission: string;
  readonly resource: string | undefined;

  constructor(kind: AwsErrorKind, code: string, message: string, permission: string, resource?: string) {
    super(message);
    this.kind = kind;
    this.code = code;
    this.permission = permission;
    this.resource = resource;
  }
}

const RETRY = new Set([
  'Throttling',
  'RequestLimitExceeded',
  'TooManyRequests',
  'PriorRequestNotComplete',
  'Timeout',
  'TimeoutError',
  'RequestTimeout',
  'ServiceUnavailable',
  'InternalFailure',
  // Whoever hands out the credentials did not answer: of what they allow nothing is known yet.
  'CredentialsProviderError',
]);
const ABSENT = new Set([
  'LoadBalancerNotFound',
  'ListenerNotFound',
  'RuleNotFound',
  'TargetGroupNotFound',
  'NoSuchHostedZone',
  'NoSuchChange',
]);
const DENIED = new Set([
  'AccessDenied',
  'UnauthorizedOperation',
  'InvalidClientTokenId',
  'SignatureDoesNotMatch',
  'MissingAuthenticationToken',
  'ExpiredToken',
]);
const CONFLICT = new Set(['DuplicateLoadBalancerName', 'ResourceInUse', 'OperationNotPermitted', 'InvalidChangeBatch']);
const INVALID = new Set(['ValidationError', 'InvalidInput']);

/** The class of an error code; `status` decides only where the code says nothing. */
export function awsErrorKind(code: string, status: number | undefined): AwsErrorKind {
  if (RETRY.has(code)) return 'retry';
  if (ABSENT.has(code)) return 'absent';
  if (DENIED.has(code) || code.startsWith('AccessDenied')) return 'denied';
  if (
    /^TooMany(LoadBalancers|Listeners|Rules|TargetGroups|Certificates|UniqueTargetGroupsPerLoadBalancer|Tags)$/.test(
      code,
    )
  )
    return 'capacity';
  if (CONFLICT.has(code)) return 'conflict';
  if (INVALID.has(code)) return 'invalid';
  if (status !== undefined && status >= 500) return 'retry';
  if (status === 429) return 'retry';
  if (status === 403) return 'denied';
  return 'unknown';
}

/** Translates what an SDK client threw. Aborts pass unchanged: they are the activity's own cancellation. */
export function awsError(error: unknown, permission: string, resource?: string): Error {
  if (!(error instanceof Error)) return new AwsCallError('unknown', 'Unknown', String(error), permission, resource);
  if (error.name === 'AbortError') return error;
  const fields = error as { Code?: string; $metadata?: { httpStatusCode?: number }; code?: string };
  const code = (fields.Code ?? error.name).replace(/Exception$/, '');
  const network = fields.code !== undefined && /^E[A-Z]+$/.test(fields.code);
  const kind = network ? 'retry' : awsErrorKind(code, fields.$metadata?.httpStatusCode);
  const message =
    code === 'CredentialsProviderError' ? `no AWS credentials can be had: ${error.message}` : error.message;
  return new AwsCallError(kind, code, message || code, permission, resource);
}
