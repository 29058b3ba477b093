import { join } from 'node:path';
import { KubeConfig } from '@kubernetes/client-node';
import { type Client, Connection } from '@temporalio/client';
import type { Duration } from '@temporalio/common';
import { NativeConnection, type Worker } from '@temporalio/worker';
import { inject } from 'vitest';
import { Database } from '../../activities/postgres/database.ts';
import type { IpClaimSpec } from '../../contract/ip/claim.ts';
import type { IpPool, IpPoolSpec } from '../../contract/ip/pool.ts';
import { taskQueueName } from '../../contract/names.ts';
import { startTcpProxy, type TcpProxy } from '../../sandbox/faults/tcp-proxy.ts';
import { connectGroundwork, type Groundwork, type IpClaimRequest } from '../../starter/client.ts';
import { createDependencies, type Dependencies } from '../../worker/dependencies.ts';
import { createWorkers } from '../../worker/workers.ts';
import { type Around, wrapped } from './around.ts';
import { duringTests } from './during-tests.ts';
import { addressOf, throughProxy } from './networks.ts';
import { quietRuntime } from './quiet-runtime.ts';
import { testDatabase, testServers, uniqueName } from './servers.ts';
import { withTaskTimeout } from './task-timeout.ts';
import { configuration } from './world.ts';

/**
 * A world of the IP room for one test file: a database, a worker for its queue, and the client that callers use. Owners are part
 * of workflow ids, and all files share one Temporal: each file has owners of its own.
 */
export interface IpWorld {
  groundwork: Groundwork;
  client: Client;
  database: Database;
  taskQueue: string;
  /** Between the worker and PostgreSQL. */
  proxy: TcpProxy;
  /** The environment of a worker process or a command of this world. */
  environment: Record<string, string>;
  /** Runs around every activity from the next call on; undefined: nothing. */
  around: Around | undefined;
  startWorker(): Promise<void>;
  stopWorker(): Promise<void>;
  /** Makes a root pool and answers it. */
  root(
    owner: string,
    name: string,
    cidr: string,
    min: number,
    max: number,
    more?: Partial<IpPoolSpec>,
  ): Promise<IpPool>;
  /** A claim of one block by pool. */
  request(owner: string, name: string, pool: string, length: number, spec?: Partial<IpClaimSpec>): IpClaimRequest;
  /** Free addresses of a pool. */
  available(owner: string, pool: string): Promise<bigint>;
}

const SETTINGS = {
  GROUNDWORK_QUEUES: 'ip',
  GROUNDWORK_STICKY_TIMEOUT_SECONDS: '1',
  GROUNDWORK_SHUTDOWN_GRACE_SECONDS: '2',
  GROUNDWORK_IP_ABANDON_SECONDS: '1',
  GROUNDWORK_IP_WAIT_FIRST_SECONDS: '60',
};

export interface IpWorldOptions {
  environment?: Record<string, string>;
  /** Whether a worker runs in the test's own process; default true. */
  worker?: boolean;
  /** Until the server gives up a workflow task, as when its worker died; default 10 s. */
  workflowTaskTimeout?: Duration;
  /** Makes a migrated database elsewhere and answers its URL; default one of the run's PostgreSQL. */
  database?: () => Promise<string>;
}

/** Makes the world before the file's tests and takes it down after them. Read it only inside tests. */
export function testIpWorld(options: IpWorldOptions = {}): IpWorld {
  const database = options.database ? undefined : testDatabase();
  return duringTests<IpWorld>(async () => open(database?.url ?? (await options.database?.()) ?? '', options));
}

async function open(databaseUrl: string, options: IpWorldOptions): Promise<IpWorld & { close(): Promise<void> }> {
  const { temporal } = testServers();
  quietRuntime();
  const prefix = uniqueName('ip');
  const proxy = await startTcpProxy(addressOf(databaseUrl));
  const environment = {
    GROUNDWORK_DATABASE_URL: throughProxy(databaseUrl, proxy),
    GROUNDWORK_TASK_QUEUE_PREFIX: `${prefix}-`,
    ...SETTINGS,
    ...options.environment,
  };
  const values = configuration(environment);
  const connection = await Connection.connect({ address: temporal.address });
  const native = await NativeConnection.connect({ address: temporal.address });
  const groundwork = await connectGroundwork({
    connection,
    namespace: temporal.namespace,
    taskQueuePrefix: values.taskQueuePrefix,
    interceptors: withTaskTimeout(options.workflowTaskTimeout),
  });
  const database = new Database({ url: databaseUrl, poolSize: 4 });
  const running: { workers: Worker[]; done: Promise<unknown>; dependencies: Dependencies }[] = [];

  const world: IpWorld & { close(): Promise<void> } = {
    groundwork,
    client: groundwork.temporal,
    database,
    taskQueue: taskQueueName(values.taskQueuePrefix, 'ip'),
    proxy,
    environment: { ...environment, TEMPORAL_ADDRESS: temporal.address, TEMPORAL_NAMESPACE: temporal.namespace },
    around: undefined,
    startWorker: async () => {
      const dependencies = createDependencies(values, groundwork.temporal, { kubeConfig: unused() });
      const ip = wrapped(dependencies.ip, (name, run) => (world.around ? world.around(name, run) : run()));
      const workers = await createWorkers({
        connection: native,
        namespace: temporal.namespace,
        values,
        dependencies: { ...dependencies, ip },
        workflows: { bundlePath: join(inject('dist'), 'workflow-bundle.js') },
      });
      running.push({ workers, done: Promise.all(workers.map((one) => one.run())), dependencies });
    },
    stopWorker: async () => {
      for (const { workers, done, dependencies } of running.splice(0)) {
        for (const one of workers) one.shutdown();
        await done;
        await dependencies.close();
      }
    },
    root: async (owner, name, cidr, minPrefixLength, maxPrefixLength, more = {}) => {
      const ipFamily = cidr.includes(':') ? 'IPv6' : 'IPv4';
      const allocation = { minPrefixLength, maxPrefixLength, ...more.allocation };
      const spec = { cidr, ipFamily, ...more, allocation } as const;
      return (await groundwork.ip.pools.create({ owner, name, spec })).pool;
    },
    request: (owner, name, pool, prefixLength, spec = {}) => ({
      owner,
      namespace: 'default',
      name,
      spec: { ipFamily: 'IPv4', poolRef: { name: pool }, prefixLength, ...spec },
    }),
    available: async (owner, pool) =>
      BigInt((await groundwork.ip.inventory.pool(owner, { name: pool })).pool.status.capacity.available),
    close: async () => {
      await world.stopWorker();
      await database.close();
      await connection.close();
      await native.close();
      await proxy.close();
    },
  };
  if (options.worker !== false) await world.startWorker();
  return world;
}

/** The room needs no cluster. */
function unused(): KubeConfig {
  const config = new KubeConfig();
  config.loadFromClusterAndUser({ name: 'none', server: 'http://127.0.0.1:9', skipTLSVerify: true }, { name: 'none' });
  return config;
}

/** The failure that a call of the client rejects with: type, reason, HTTP status and message. */
export async function refusedWith(call: Promise<unknown>) {
  try {
    await call;
  } catch (error) {
    const { type, details, httpStatus, message } = error as {
      type: string;
      details: Record<string, unknown>;
      httpStatus: number;
      message: string;
    };
    return { type, reason: details?.reason, httpStatus, message, details };
  }
  throw new Error('the call succeeded');
}

/** What a message must never hold: words of the driver or of SQL. */
export const DRIVER_TEXT =
  /SQLSTATE|ipam_|select |relation|violates|constraint "|\b(23P01|40P01|55P03|57P01|ECONN\w+)\b/i;
