import { randomUUID } from 'node:crypto';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import type { SimulatedClock } from '../clock.ts';
import { FaultPlan } from '../faults/plan.ts';
import { type Answer, errorAnswer, xmlAnswer } from './answers.ts';
import { CONTROL_PREFIX, control } from './control.ts';
import { dumpState } from './dump.ts';
import { elbBucket, handleElb } from './elbv2/router.ts';
import { AwsError, throttlingError } from './errors.ts';
import { type Outcome, withFaults } from './injection.ts';
import type { Lifecycle } from './lifecycle.ts';
import type { Limits } from './limits.ts';
import { RequestLog, type RequestLogEntry } from './request-log.ts';
import { type Call, identify, readBody } from './requests.ts';
import { handleDns } from './route53/router.ts';
import { applySeed } from './seed.ts';
import type { AwsSeed } from './seed-schema.ts';
import { readScope, requireService, type Scope } from './signing.ts';
import { AwsState } from './state.ts';
import { handleSts } from './sts.ts';
import { Throttle, type Throttling, type ThrottlingPreset } from './throttle.ts';

export interface AwsEndpointOptions {
  /** 0, the default, takes a free one. */
  port?: number;
  /** Default `123456789012`. */
  accountId?: string;
  clock: SimulatedClock;
  seed?: AwsSeed;
  /** Shared with other servers of the sandbox; default a plan of its own. */
  faults?: FaultPlan;
  /** Quotas that differ from the defaults, in every region. */
  limits?: Partial<Limits>;
  lifecycle?: Partial<Lifecycle>;
  /** Default off. */
  throttling?: Throttling | ThrottlingPreset;
}

export interface AwsEndpoint {
  readonly url: string;
  readonly port: number;
  readonly faults: FaultPlan;
  readonly state: AwsState;
  readonly throttle: Throttle;
  /**
   * What each caller (by access key id) may do, as IAM actions such as `route53:GetChange`; everything else is denied to it.
   * A caller without an entry may do everything. STS tells anybody who he is.
   */
  readonly permissions: Map<string, ReadonlySet<string>>;
  /** The requests of services, oldest first; the knobs below `/_sandbox/` are not among them. */
  requests(): RequestLogEntry[];
  /** Counts since the start or the latest reset, by `service:Action`; of one access key id when `caller` is given. */
  requestCounts(caller?: string): Record<string, number>;
  resetRequests(): void;
  dump(): AwsSeed;
  /** Replaces the whole state. Throws an `Error` with one line per problem and changes nothing then. */
  seed(json: AwsSeed): void;
  /** Ends open and hanging requests and stops listening. */
  close(): Promise<void>;
}

/** Starts the endpoint for ELBv2, Route 53 and STS on 127.0.0.1. */
export async function startAwsEndpoint(options: AwsEndpointOptions): Promise<AwsEndpoint> {
  const { clock, lifecycle, limits, accountId = '123456789012' } = options;
  const state = new AwsState({ accountId, clock, ...(lifecycle && { lifecycle }), ...(limits && { limits }) });
  if (options.seed) applySeed(state, options.seed);
  const parts: Parts = {
    state,
    faults: options.faults ?? new FaultPlan({ now: () => clock.now() }),
    log: new RequestLog(),
    throttle: new Throttle(clock, options.throttling),
    permissions: new Map(),
    closing: new AbortController(),
  };
  const server = http.createServer((request, response) => {
    serve(parts, request, response).catch(() => response.destroy());
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port ?? 0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    state,
    faults: parts.faults,
    throttle: parts.throttle,
    permissions: parts.permissions,
    requests: () => parts.log.entries(),
    requestCounts: (caller) => parts.log.counts(caller),
    resetRequests: () => parts.log.reset(),
    dump: () => dumpState(state),
    seed: (json) => applySeed(state, json),
    close: () =>
      new Promise((resolve) => {
        parts.closing.abort();
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

interface Parts {
  readonly state: AwsState;
  readonly faults: FaultPlan;
  readonly log: RequestLog;
  readonly throttle: Throttle;
  readonly permissions: Map<string, ReadonlySet<string>>;
  /** Aborted when the endpoint closes. */
  readonly closing: AbortController;
}

async function serve(parts: Parts, request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
  const { method = 'GET' } = request;
  const url = new URL(request.url ?? '/', 'http://127.0.0.1');
  const body = await readBody(request);
  if (body === undefined) return send(response, { status: 413, headers: {}, body: '' });
  if (url.pathname.startsWith(CONTROL_PREFIX)) {
    const { status, body: json } = control(parts, method, url, body);
    return send(response, { status, headers: { 'content-type': 'application/json' }, body: json });
  }
  const requestId = randomUUID();
  const call = identify(method, url, body);
  if (!call) {
    const message = 'The sandbox serves ELBv2 (2015-12-01), Route 53 (2013-04-01) and STS (2011-06-15) only';
    return send(response, errorAnswer('elbv2', requestId, { code: 'InvalidAction', status: 400, message }));
  }
  const entry = logEntry(parts, request, call);
  try {
    const outcome = await answerCall(parts, request, call, requestId, entry);
    if (typeof outcome === 'object') {
      entry.status = outcome.status;
      if (outcome.errorCode !== undefined) entry.errorCode = outcome.errorCode;
      send(response, outcome);
    } else if (outcome === 'reset') {
      request.socket.resetAndDestroy();
    }
  } finally {
    parts.log.add(entry);
  }
}

function logEntry({ state }: Parts, request: http.IncomingMessage, call: Call): RequestLogEntry {
  const invocationId = request.headers['amz-sdk-invocation-id'];
  const attempt = /attempt=(\d+)/.exec(String(request.headers['amz-sdk-request'] ?? ''))?.[1];
  return {
    service: call.service,
    action: call.action,
    region: '',
    method: call.method,
    path: call.path,
    status: 0,
    ...(typeof invocationId === 'string' ? { invocationId } : {}),
    ...(attempt === undefined ? {} : { attempt: Number(attempt) }),
    time: state.clock.now(),
  };
}

/** Signature, permission, faults, throttling, effect: in this order. */
async function answerCall(
  parts: Parts,
  request: http.IncomingMessage,
  call: Call,
  requestId: string,
  entry: RequestLogEntry,
): Promise<Outcome> {
  const failure = (error: unknown) => errorAnswer(call.service, requestId, asAwsError(error));
  let scope: Scope;
  try {
    scope = readScope(request.headers);
    requireService(scope, call.signingName);
    requirePermission(parts.permissions.get(scope.accessKeyId), call, scope);
  } catch (error) {
    return failure(error);
  }
  entry.region = scope.region;
  entry.caller = scope.accessKeyId;
  const { service, action, method, path, text } = call;
  const rules = parts.faults.match({ service, action, method, path, text, caller: scope.accessKeyId });
  if (rules.length > 0) entry.faults = rules.map((rule) => rule.id ?? '');
  return withFaults({ service, action, requestId }, rules, parts.closing.signal, ({ stale }) => {
    try {
      return execute(parts, call, scope, requestId, stale);
    } catch (error) {
      return failure(error);
    }
  });
}

/** In the words of IAM, which name caller and action. */
function requirePermission(allowed: ReadonlySet<string> | undefined, { service, action }: Call, scope: Scope): void {
  if (allowed === undefined || service === 'sts') return;
  const wanted = `${service === 'elbv2' ? 'elasticloadbalancing' : service}:${action}`;
  if (allowed.has(wanted)) return;
  const message = `User: ${scope.accessKeyId} is not authorized to perform: ${wanted} because no identity-based policy allows the ${wanted} action`;
  throw new AwsError('AccessDenied', message, 403);
}

function execute({ state, throttle }: Parts, call: Call, scope: Scope, requestId: string, stale: boolean): Answer {
  const { action, form, query, body } = call;
  switch (call.service) {
    case 'sts':
      return xmlAnswer(
        200,
        requestId,
        handleSts({ action, accountId: state.accountId, accessKeyId: scope.accessKeyId, requestId }),
      );
    case 'elbv2':
      if (!throttle.admit(elbBucket(action), scope.region)) throw throttlingError();
      return xmlAnswer(200, requestId, handleElb(state, { action, region: scope.region, form, requestId, stale }));
    case 'route53': {
      if (!throttle.admit('route53', 'global')) throw throttlingError();
      const { status, document, location } = handleDns(state, call.dns, { query, body, stale });
      return xmlAnswer(status, requestId, document, location === undefined ? {} : { location });
    }
  }
}

/** What is no error of AWS is a defect of the endpoint and shows as `InternalFailure` with its stack. */
const asAwsError = (error: unknown): AwsError =>
  error instanceof AwsError
    ? error
    : new AwsError('InternalFailure', error instanceof Error ? (error.stack ?? error.message) : String(error), 500);

function send(response: http.ServerResponse, answer: Answer): void {
  response.writeHead(answer.status, { ...answer.headers, 'content-length': Buffer.byteLength(answer.body) });
  response.end(answer.body);
}
