import { ElasticLoadBalancingV2Client } from '@aws-sdk/client-elastic-load-balancing-v2';
import { Route53Client } from '@aws-sdk/client-route-53';
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import type { Metrics } from '../metrics.ts';
import { activitySignal } from '../signal.ts';
import { AwsCallError, awsError } from './errors.ts';
import { Pace } from './pace.ts';

export interface AwsOptions {
  /** One endpoint for all services; absent: the SDK's own resolution. */
  endpoint?: string | undefined;
  /** Absent: the SDK's own chain (environment, profile, role of the Pod). */
  credentials?: { accessKeyId: string; secretAccessKey: string } | undefined;
  /** Account number; absent: asked once of STS. */
  accountId?: string | undefined;
  /** ELBv2 calls per second of this process. */
  elbReadsPerSecond: number;
  route53RequestsPerSecond: number;
  /** Milliseconds for one call before it counts as failed. */
  requestTimeoutMs: number;
  metrics?: Metrics | undefined;
}

/** Region of the clients of services that have none of their own. */
const GLOBAL_REGION = 'us-east-1';

/** Sends one command and returns its output; throws `AwsCallError`. `permission` is the IAM action, `resource` what it acts on. */
export type Send = <Output>(
  permission: string,
  resource: string | undefined,
  call: (signal: AbortSignal) => Promise<Output>,
) => Promise<Output>;

/**
 * Clients of one process. `maxAttempts` is 1, so that back-off and visibility are Temporal's; time-outs throw instead of
 * warning; every call ends with its activity.
 */
export class AwsClients {
  readonly #options: AwsOptions;
  readonly #elb = new Map<string, ElasticLoadBalancingV2Client>();
  readonly #elbPace: Pace;
  readonly #route53Pace: Pace;
  readonly route53: Route53Client;
  #account: Promise<string> | undefined;

  constructor(options: AwsOptions) {
    this.#options = options;
    this.#elbPace = new Pace(options.elbReadsPerSecond, options.elbReadsPerSecond * 4);
    this.#route53Pace = new Pace(options.route53RequestsPerSecond, options.route53RequestsPerSecond);
    this.route53 = new Route53Client(this.#configuration(GLOBAL_REGION));
  }

  elb(region: string): ElasticLoadBalancingV2Client {
    const known = this.#elb.get(region);
    if (known) return known;
    const client = new ElasticLoadBalancingV2Client(this.#configuration(region));
    this.#elb.set(region, client);
    return client;
  }

  readonly sendElb: Send = (permission, resource, call) => this.#send(this.#elbPace, permission, resource, call);

  readonly sendRoute53: Send = (permission, resource, call) =>
    this.#send(this.#route53Pace, permission, resource, call);

  /** The AWS account number: configured, or asked of STS until it answered once. */
  account(): Promise<string> {
    if (this.#options.accountId) return Promise.resolve(this.#options.accountId);
    this.#account ??= this.#askAccount().catch((error: unknown) => {
      this.#account = undefined;
      throw error;
    });
    return this.#account;
  }

  close(): void {
    for (const client of this.#elb.values()) client.destroy();
    this.route53.destroy();
  }

  async #askAccount(): Promise<string> {
    const sts = new STSClient(this.#configuration(GLOBAL_REGION));
    try {
      const permission = 'sts:GetCallerIdentity';
      const identity = await this.#send(undefined, permission, undefined, (abortSignal) =>
        sts.send(new GetCallerIdentityCommand({}), { abortSignal }),
      );
      if (!identity.Account) throw awsError(new Error('the answer names no account'), permission);
      return identity.Account;
    } finally {
      sts.destroy();
    }
  }

  #configuration(region: string) {
    const { endpoint, credentials, requestTimeoutMs } = this.#options;
    return {
      region,
      ...(endpoint ? { endpoint } : {}),
      ...(credentials ? { credentials } : {}),
      maxAttempts: 1,
      requestHandler: { connectionTimeout: 3_000, requestTimeout: requestTimeoutMs, throwOnRequestTimeout: true },
    };
  }

  async #send<Output>(
    pace: Pace | undefined,
    permission: string,
    resource: string | undefined,
    call: (signal: AbortSignal) => Promise<Output>,
  ): Promise<Output> {
    const signal = activitySignal();
    await pace?.turn(signal);
    const began = performance.now();
    let outcome = 'ok';
    try {
      return await call(signal);
    } catch (error) {
      const translated = awsError(error, permission, resource);
      outcome = translated instanceof AwsCallError ? translated.kind : 'aborted';
      throw translated;
    } finally {
      this.#options.metrics?.call(permission, outcome, (performance.now() - began) / 1000);
    }
  }
}
