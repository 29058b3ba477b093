import {
  Client,
  type ClientInterceptors,
  Connection,
  type ConnectionLike,
  type ConnectionOptions,
} from '@temporalio/client';
import { loadClientConnectConfig } from '@temporalio/envconfig';
import { Balancers } from './balancers.ts';
import { closable } from './closable.ts';
import { Deployments } from './deployments.ts';
import { AccessDenied, Misconfigured, Unavailable } from './errors.ts';
import { Ip } from './ip/ip.ts';
import { taskQueueOf } from './queues.ts';
import { Runs } from './runs.ts';
import { Scopes } from './scopes.ts';
import { toGroundworkError } from './temporal-errors.ts';
import { Workshops } from './workshops.ts';

/**
 * The typed library for a platform API.
 *
 *     const groundwork = await connectGroundwork();
 *     const { domain, balancer } = await groundwork.scopes.create({ scopeId: '123', slugs, visibility: 'public' });
 */

export type {
  DeploymentDeletionInput,
  DeploymentInput,
  DiagnosisInput,
  InstanceRestartInput,
} from '../contract/deployment/input.ts';
export type {
  DeploymentDeletionResult,
  DeploymentPlan,
  DeploymentResult,
  DeploymentStatus,
  DiagnosisResult,
  InstanceRestartResult,
} from '../contract/deployment/status.ts';
export type { Failure, InvalidField } from '../contract/failures.ts';
export type * from '../contract/ip/change.ts';
export type * from '../contract/ip/claim.ts';
export type * from '../contract/ip/inventory.ts';
export type * from '../contract/ip/pool.ts';
export type { ScopeCreationInput, ScopeDeletionInput } from '../contract/scope/input.ts';
export type {
  BalancerEntry,
  Drift,
  DriftReport,
  RetirementResult,
  RetirementStatus,
} from '../contract/scope/retirement.ts';
export type { ScopeCreationResult, ScopeDeletionResult, ScopePlan, ScopeStatus } from '../contract/scope/status.ts';
export type {
  ApproveRequest,
  CancelRequest,
  EvaluateRequest,
  OverrideRequest,
  PauseRequest,
} from '../contract/workshop/messages.ts';
export type {
  AutoscalerHistory,
  AutoscalerStatus,
  Decision,
  DecisionExplanation,
} from '../contract/workshop/status.ts';
export type { Balancers } from './balancers.ts';
export type { AskOptions, DeploymentReport, DeploymentRequest, Deployments } from './deployments.ts';
export * from './errors.ts';
export type { IpCallOptions, IpClaimRequest } from './ip/claims.ts';
export type { Ip } from './ip/ip.ts';
export type { QueueState } from './queues.ts';
export type { RunState } from './run-states.ts';
export type { RunHandle, RunInfo, WaitOptions } from './runs.ts';
export type { ScopeFilter, ScopeRunEntry } from './scope-list.ts';
export type { ScopeReport, ScopeRequest, Scopes } from './scopes.ts';
export type { AutoscalerEntry, AutoscalerFilter } from './workshop-list.ts';
export type { AutoscalerReport, ProvisionAddress, Workshops } from './workshops.ts';

export interface ConnectOptions {
  /** A connection to share; it stays open. Default: as the `temporal` CLI connects (TEMPORAL_ADDRESS and so on, temporal.toml). */
  connection?: ConnectionLike;
  /** Temporal namespace. Default: of the same configuration, else "default". */
  namespace?: string;
  /** As the worker's. Default: GROUNDWORK_TASK_QUEUE_PREFIX, else "groundwork-". */
  taskQueuePrefix?: string;
  /** Name of the cluster of provisions that name none. Default: GROUNDWORK_CLUSTER_NAME, else "default". */
  cluster?: string;
  /** Interceptors of the SDK for every call, as tracing needs them. */
  interceptors?: ClientInterceptors;
}

export interface Groundwork {
  readonly scopes: Scopes;
  readonly balancers: Balancers;
  readonly ip: Ip;
  readonly workshops: Workshops;
  readonly deployments: Deployments;
  /** The Temporal client underneath. */
  readonly temporal: Client;
  readonly connection: ConnectionLike;
  /** Temporal namespace. */
  readonly namespace: string;
  /** Closes the connection, unless it was given. */
  close(): Promise<void>;
}

const CONNECT_MS = 5_000;

/** Connects to Temporal. Rejects with `Unavailable` when no server answers, with `AccessDenied` when it refuses, with `Misconfigured` when it is not told where one is. */
export async function connectGroundwork(options: ConnectOptions = {}): Promise<Groundwork> {
  const config = connectConfig();
  const namespace = options.namespace ?? config.namespace ?? 'default';
  const own = options.connection ? undefined : closable(config.connectionOptions);
  const connection = options.connection ?? (await connect(own?.options ?? {}));
  const { interceptors = {} } = options;
  const client = new Client({ connection, namespace, interceptors });
  const prefix = options.taskQueuePrefix ?? process.env.GROUNDWORK_TASK_QUEUE_PREFIX;
  const runs = new Runs(client);
  const cluster = options.cluster ?? (process.env.GROUNDWORK_CLUSTER_NAME || 'default');
  return {
    scopes: new Scopes(runs, taskQueueOf('scopes', prefix)),
    balancers: new Balancers(runs, taskQueueOf('scopes', prefix)),
    ip: new Ip(runs, taskQueueOf('ip', prefix)),
    workshops: new Workshops(runs, taskQueueOf('workshops', prefix), cluster),
    deployments: new Deployments(runs, taskQueueOf('deployments', prefix)),
    temporal: client,
    connection,
    namespace,
    close: async () => {
      own?.closing();
      if (own) await connection.close();
    },
  };
}

function connectConfig(): ReturnType<typeof loadClientConnectConfig> {
  try {
    return loadClientConnectConfig();
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new Misconfigured(
      `the configuration of Temporal cannot be read: ${why}. Correct TEMPORAL_PROFILE, or the file it is looked up in.`,
      {},
      { cause: error },
    );
  }
}

async function connect(options: ConnectionOptions): Promise<Connection> {
  const address = options.address ?? 'localhost:7233';
  try {
    return await Connection.connect({ ...options, connectTimeout: CONNECT_MS });
  } catch (error) {
    const failure = toGroundworkError(error, { what: `connect to ${address}` });
    if (failure instanceof AccessDenied) throw failure;
    const why = error instanceof Error ? error.message : String(error);
    throw new Unavailable(
      `no Temporal server answers at ${address}: ${why}. Check TEMPORAL_ADDRESS.`,
      { address },
      {
        cause: error,
      },
    );
  }
}
