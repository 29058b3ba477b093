import { join } from 'node:path';
import { KubeConfig } from '@kubernetes/client-node';
import { Client, Connection } from '@temporalio/client';
import type { Duration } from '@temporalio/common';
import { NativeConnection, type Worker } from '@temporalio/worker';
import { inject } from 'vitest';
import { KubernetesGateway } from '../../activities/kubernetes/gateway.ts';
import { Database } from '../../activities/postgres/database.ts';
import { taskQueueName, workflowIds, workflowTypes } from '../../contract/names.ts';
import type { ScopeCreationInput } from '../../contract/scope/input.ts';
import { getStatus } from '../../contract/scope/messages.ts';
import type { ScopeCreationResult, ScopeDeletionResult, ScopeStatus } from '../../contract/scope/status.ts';
import type { AwsSeed } from '../../sandbox/aws/seed-schema.ts';
import { type AwsEndpoint, startAwsEndpoint } from '../../sandbox/aws/server.ts';
import { simulatedClock } from '../../sandbox/clock.ts';
import { type ExternalDnsKnobs, startExternalDns } from '../../sandbox/controllers/external-dns/controller.ts';
import { type Controllers, type SimulatedController, startControllers } from '../../sandbox/controllers/index.ts';
import { type HttpProxy, startHttpProxy } from '../../sandbox/faults/http-proxy.ts';
import { FaultPlan } from '../../sandbox/faults/plan.ts';
import { readConfiguration, type Values } from '../../worker/configuration.ts';
import { createDependencies, type Dependencies } from '../../worker/dependencies.ts';
import { createWorkers } from '../../worker/workers.ts';
import { type Around, surrounded } from './around.ts';
import { duringTests } from './during-tests.ts';
import { type Networks, openWays } from './networks.ts';
import { quietRuntime } from './quiet-runtime.ts';
import { testDatabase, testServers, uniqueName } from './servers.ts';
import type { TestServers } from './start-servers.ts';
import { withTaskTimeout } from './task-timeout.ts';

/** A whole world for one test file: AWS endpoint, controllers and a worker of its own on the servers that all files share. */

const CREDENTIALS = { accessKeyId: 'sandbox', secretAccessKey: 'secret' };
export const REGION = 'us-east-1';
export const PUBLIC_ZONE = 'ZPUBLIC';
export const PRIVATE_ZONE = 'ZPRIVATE';
export const BASE_DOMAIN = 'apps.example.com';

/** Minutes last milliseconds: a balancer that takes 120 s becomes active after 0.6 s. */
export const TIME_SCALE = 0.005;

/** The worker's waits in the same scale. */
const TIMINGS = {
  GROUNDWORK_OBSERVATION_MAX_AGE: '0.6',
  GROUNDWORK_OBSERVATION_LEASE: '2',
  GROUNDWORK_POLL_INTERVAL: '0.08',
  GROUNDWORK_READ_PATIENCE: '6',
  GROUNDWORK_BUSY_PATIENCE: '2',
  GROUNDWORK_DNS_POLL_INTERVAL: '0.05',
  GROUNDWORK_DNS_SYNC_TIMEOUT: '10',
  GROUNDWORK_DNS_ENDPOINT_TIMEOUT: '10',
  GROUNDWORK_AUTOCREATE_TIMEOUT_SECONDS: '20',
  GROUNDWORK_COMPENSATION_TIMEOUT: '20',
  GROUNDWORK_RETIREMENT_GRACE: '600',
  GROUNDWORK_FAILED_GRACE: '1',
  GROUNDWORK_ELB_READS_PER_SECOND: '500',
  GROUNDWORK_ROUTE53_REQUESTS_PER_SECOND: '500',
  GROUNDWORK_DEPLOYMENT_POLL_INTERVAL: '0.08',
  GROUNDWORK_DEPLOYMENT_RECONCILE_TIMEOUT: '8',
  GROUNDWORK_DEPLOYMENT_TARGET_HEALTH_TIMEOUT: '8',
  GROUNDWORK_DEPLOYMENT_REMOVAL_TIMEOUT: '15',
  GROUNDWORK_DEPLOYMENT_COMPENSATION_TIMEOUT: '12',
  GROUNDWORK_DEPLOYMENT_READ_PATIENCE: '6',
  GROUNDWORK_DEPLOYMENT_UNHEALTHY_TOLERANCE: '0.3',
  GROUNDWORK_DEPLOYMENT_MAX_WAIT_SECONDS: '20',
  GROUNDWORK_DEPLOYMENT_DRAIN_SECONDS: '0.3',
  GROUNDWORK_DEPLOYMENT_RESTART_TIMEOUT: '5',
  GROUNDWORK_STICKY_TIMEOUT_SECONDS: '1',
  GROUNDWORK_SHUTDOWN_GRACE_SECONDS: '2',
};

export interface World {
  aws: AwsEndpoint;
  controllers: Controllers;
  externalDns: SimulatedController<ExternalDnsKnobs>;
  faults: FaultPlan;
  proxy: HttpProxy;
  networks: Networks;
  client: Client;
  values: Values;
  /** The environment of a worker process of this world. */
  environment: Record<string, string>;
  database: Database;
  kubernetes: KubernetesGateway;
  taskQueue: string;
  /** Namespace that scopes of this world live in. */
  namespace: string;
  /** A valid request of a scope that no other test uses. */
  request(fields?: Partial<ScopeCreationInput>): ScopeCreationInput;
  create(input: ScopeCreationInput): Promise<ScopeCreationResult>;
  start(input: ScopeCreationInput): ReturnType<Client['workflow']['start']>;
  remove(scopeId: string): Promise<ScopeDeletionResult>;
  status(workflowId: string): Promise<ScopeStatus>;
  /** Runs around every activity from the next call on; undefined: nothing. Tests of faults set it. */
  around: Around | undefined;
  /** `kubernetesToken`: of whom it signs in as; default the user that deploy/rbac names. */
  startWorker(kubernetesToken?: string): Promise<void>;
  stopWorker(): Promise<void>;
}

export interface WorldOptions {
  seed?: AwsSeed;
  environment?: Record<string, string>;
  /** Whether a worker runs in the test's own process; default true. */
  worker?: boolean;
  /** Whether the test makes `networks` bad; default false: there are none. */
  networks?: boolean;
  /** Until the server notices that a worker died within a workflow task, and so within local activities; default 10 s. */
  workflowTaskTimeout?: Duration;
  lifecycle?: Parameters<typeof startAwsEndpoint>[0]['lifecycle'];
  limits?: Parameters<typeof startAwsEndpoint>[0]['limits'];
  throttling?: Parameters<typeof startAwsEndpoint>[0]['throttling'];
}

/** The tags by which the controller knows a balancer as its own. */
export function managedTags(name: string): Record<string, string> {
  return {
    'elbv2.k8s.aws/cluster': 'sandbox',
    'ingress.k8s.aws/stack': name,
    'ingress.k8s.aws/resource': 'LoadBalancer',
  };
}

/**
 * A region with one public and one private balancer, a certificate for the base domain, and both zones. `managed`: the
 * balancers are the controller's, which removes every rule that no Ingress asks for.
 */
export function region(rules: { public?: number; private?: number; managed?: boolean } = {}): AwsSeed {
  const balancer = (name: string, scheme: 'internet-facing' | 'internal', count: number) => ({
    name,
    scheme,
    state: 'active' as const,
    ...(rules.managed ? { tags: managedTags(name) } : {}),
    listeners: [
      { port: 80, protocol: 'HTTP' as const, redirect: true },
      { port: 443, protocol: 'HTTPS' as const, rules: count },
    ],
  });
  return {
    regions: {
      [REGION]: {
        loadBalancers: [
          balancer('k8s-groundwork-public', 'internet-facing', rules.public ?? 10),
          balancer('k8s-groundwork-private', 'internal', rules.private ?? 10),
        ],
        certificates: [{ domains: [`*.${BASE_DOMAIN}`] }],
      },
    },
    hostedZones: [
      { id: PUBLIC_ZONE, name: 'example.com', private: false },
      { id: PRIVATE_ZONE, name: 'example.com', private: true },
    ],
  };
}

/** Makes the world before the file's tests and takes it down after them. Read it only inside tests. */
export function testWorld(options: WorldOptions = {}): World {
  const database = testDatabase();
  return duringTests<World>(() => openWorld(database.url, options));
}

/** A world on a migrated database of these servers, for a file whose servers are its own. */
export async function openWorld(
  databaseUrl: string,
  options: WorldOptions,
  servers: TestServers = testServers(),
): Promise<World & { close(): Promise<void> }> {
  quietRuntime();
  const prefix = uniqueName('w');
  const namespace = `${prefix}-scopes`;
  const clock = simulatedClock(TIME_SCALE);
  const faults = new FaultPlan();
  const aws = await startAwsEndpoint({
    clock,
    faults,
    seed: options.seed ?? region(),
    ...(options.lifecycle ? { lifecycle: options.lifecycle } : {}),
    ...(options.limits ? { limits: options.limits } : {}),
    ...(options.throttling ? { throttling: options.throttling } : {}),
  });
  const proxy = await startHttpProxy({
    target: servers.kubernetes.url,
    caFile: servers.kubernetes.caFile,
    plan: faults,
  });
  const admin = new KubeConfig();
  admin.loadFromFile(servers.kubernetes.kubeconfig.admin);
  const controllers = await startControllers({
    kubeConfig: admin,
    aws: {
      endpoint: aws.url,
      region: REGION,
      credentials: { accessKeyId: 'controllers', secretAccessKey: 'secret' },
    },
    clock,
    namespaces: (name) => name.startsWith(prefix),
    findCertificates: async (where) =>
      [...aws.state.region(where).certificates.values()].map(({ arn, domains }) => ({ arn, domains: [...domains] })),
  });
  const ways = await openWays({ databaseUrl, temporalAddress: servers.temporal.address }, options.networks);
  const externalDns = await startExternalDns({
    kubeConfig: admin,
    clock,
    namespaces: (name) => name.startsWith(prefix),
  });
  const environment = {
    GROUNDWORK_DATABASE_URL: ways.databaseUrl,
    GROUNDWORK_TASK_QUEUE_PREFIX: `${prefix}-`,
    GROUNDWORK_QUEUES: 'scopes',
    GROUNDWORK_NAMESPACE: namespace,
    GROUNDWORK_REGION: REGION,
    GROUNDWORK_DOMAIN_NAME: BASE_DOMAIN,
    GROUNDWORK_HOSTED_ZONE_PUBLIC: PUBLIC_ZONE,
    GROUNDWORK_HOSTED_ZONE_PRIVATE: PRIVATE_ZONE,
    GROUNDWORK_AUTOCREATE_ENABLED: 'true',
    ...TIMINGS,
    ...options.environment,
  };
  const values = configuration(environment);
  const connection = await Connection.connect({ address: servers.temporal.address });
  const native = await NativeConnection.connect({ address: ways.temporalAddress });
  const client = new Client({
    connection,
    namespace: servers.temporal.namespace,
    interceptors: withTaskTimeout(options.workflowTaskTimeout),
  });
  const database = new Database({ url: databaseUrl, poolSize: 4 });
  const taskQueue = taskQueueName(values.taskQueuePrefix, 'scopes');
  const running: { workers: Worker[]; done: Promise<unknown>; dependencies: Dependencies }[] = [];

  const world: World & { close(): Promise<void> } = {
    around: undefined,
    aws,
    controllers,
    externalDns,
    faults,
    proxy,
    networks: ways.networks,
    client,
    values,
    environment: {
      ...environment,
      TEMPORAL_ADDRESS: ways.temporalAddress,
      TEMPORAL_NAMESPACE: servers.temporal.namespace,
      KUBECONFIG: servers.kubernetes.kubeconfig.worker,
      AWS_ENDPOINT_URL: aws.url,
      AWS_REGION: REGION,
      AWS_ACCESS_KEY_ID: CREDENTIALS.accessKeyId,
      AWS_SECRET_ACCESS_KEY: CREDENTIALS.secretAccessKey,
    },
    database,
    kubernetes: new KubernetesGateway(admin),
    taskQueue,
    namespace,
    request: (fields: Partial<ScopeCreationInput> = {}): ScopeCreationInput => ({
      scopeId: uniqueName('s'),
      slugs: { account: 'acme', namespace: 'payments', application: 'api', scope: uniqueName('env') },
      visibility: 'public',
      ...fields,
    }),
    start: (input: ScopeCreationInput) =>
      client.workflow.start(workflowTypes.scopeCreation, {
        taskQueue,
        workflowId: input.dryRun ? workflowIds.scopePlan(input.scopeId) : workflowIds.scopeCreation(input.scopeId),
        workflowIdConflictPolicy: 'USE_EXISTING',
        args: [input],
      }),
    create: async (input: ScopeCreationInput) => (await (await world.start(input)).result()) as ScopeCreationResult,
    remove: async (scopeId: string) =>
      (await client.workflow.execute(workflowTypes.scopeDeletion, {
        taskQueue,
        workflowId: workflowIds.scopeDeletion(scopeId),
        workflowIdConflictPolicy: 'USE_EXISTING',
        args: [{ scopeId }],
      })) as ScopeDeletionResult,
    status: (workflowId: string) => client.workflow.getHandle(workflowId).query(getStatus),
    startWorker: async (kubernetesToken = servers.kubernetes.tokens.worker) => {
      const worker = new KubeConfig();
      worker.loadFromOptions({
        clusters: [{ name: 'proxy', server: proxy.url, skipTLSVerify: true }],
        users: [{ name: 'worker', token: kubernetesToken }],
        contexts: [{ name: 'proxy', cluster: 'proxy', user: 'worker' }],
        currentContext: 'proxy',
      });
      const dependencies = createDependencies(values, client, {
        kubeConfig: worker,
        aws: { endpoint: aws.url, credentials: CREDENTIALS },
      });
      const workers = await createWorkers({
        connection: native,
        namespace: servers.temporal.namespace,
        values,
        dependencies: surrounded(dependencies, (name, run) => (world.around ? world.around(name, run) : run())),
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
    close: async () => {
      await world.stopWorker();
      await database.close();
      await controllers.stop();
      await externalDns.stop();
      await connection.close();
      await native.close();
      await ways.close();
      await proxy.close();
      await aws.close();
    },
  };
  if (options.worker !== false) await world.startWorker();
  return world;
}

export function configuration(environment: Record<string, string>): Values {
  const result = readConfiguration(environment);
  if (!result.ok) throw new Error(result.problems.join('\n'));
  return result.values;
}
