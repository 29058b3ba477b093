import { writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { KubeConfig } from '@kubernetes/client-node';
import { Client, Connection } from '@temporalio/client';
import type { Duration } from '@temporalio/common';
import { NativeConnection } from '@temporalio/worker';
import { afterEach, inject } from 'vitest';
import { CustomResources } from '../../activities/kubernetes/custom-resources.ts';
import { Database } from '../../activities/postgres/database.ts';
import { wakeAutoscaler } from '../../activities/workshop/wake.ts';
import { taskQueueName, workflowIds } from '../../contract/names.ts';
import { getAutoscalerStatus } from '../../contract/workshop/messages.ts';
import type { AutoscalerStatus } from '../../contract/workshop/status.ts';
import { KubeClient } from '../../sandbox/controllers/client.ts';
import { type HttpProxy, startHttpProxy } from '../../sandbox/faults/http-proxy.ts';
import { FaultPlan } from '../../sandbox/faults/plan.ts';
import type { Values } from '../../worker/configuration.ts';
import { createDependencies } from '../../worker/dependencies.ts';
import { startWatchers } from '../../worker/watchers/index.ts';
import { createWorkers } from '../../worker/workers.ts';
import { type Around, wrapped } from './around.ts';
import { duringTests } from './during-tests.ts';
import { type Networks, openWays } from './networks.ts';
import { startOwnKubernetes } from './own-kubernetes.ts';
import { quietRuntime } from './quiet-runtime.ts';
import { testDatabase, testServers, uniqueName } from './servers.ts';
import { withTaskTimeout } from './task-timeout.ts';
import { TestWorkshop, type WorkshopOptions } from './workshop-objects.ts';
import { configuration } from './world.ts';

/** Workshops of one test file: a namespace, a worker and its watchers on the servers that all files share. */

/** Minutes of a workshop last milliseconds: a cool-down of 120 s is 0.6 s. */
export const SECONDS_SCALE = 0.005;

const TIMINGS = {
  GROUNDWORK_WORKSHOP_DEBOUNCE: '0.05',
  GROUNDWORK_WORKSHOP_POLL_FIRST: '0.3',
  GROUNDWORK_WORKSHOP_POLL_MAX: '1',
  GROUNDWORK_WORKSHOP_BACKOFF_FIRST: '1',
  GROUNDWORK_WORKSHOP_BACKOFF_MAX: '4',
  GROUNDWORK_WORKSHOP_CONFLICT_BACKOFF: '0.5',
  GROUNDWORK_WORKSHOP_ERROR_BACKOFF: '0.7',
  GROUNDWORK_WORKSHOP_STATUS_INTERVAL: '0.5',
  GROUNDWORK_WORKSHOP_RETRY_FIRST: '0.05',
  GROUNDWORK_WORKSHOP_RETRY_MAX: '0.4',
  GROUNDWORK_WORKSHOP_CALL_TIMEOUT: '3',
  GROUNDWORK_WORKSHOP_CALL_PATIENCE: '6',
  GROUNDWORK_WORKSHOP_SECONDS_SCALE: String(SECONDS_SCALE),
  GROUNDWORK_STICKY_TIMEOUT_SECONDS: '1',
  GROUNDWORK_SHUTDOWN_GRACE_SECONDS: '2',
};

export interface WorkshopWorld {
  client: Client;
  values: Values;
  /** The environment of a worker process of this world. */
  environment: Record<string, string>;
  database: Database;
  /** As an administrator, past the fault proxy. */
  kube: KubeClient;
  /** As the worker, through the fault proxy. */
  kubeConfig: KubeConfig;
  resources: CustomResources;
  faults: FaultPlan;
  proxy: HttpProxy;
  networks: Networks;
  /** Only where the world has its own. */
  restartKubernetes(): Promise<void>;
  taskQueue: string;
  namespace: string;
  /** Runs around every activity from the next call on; undefined: nothing. */
  around: Around | undefined;
  /** A workshop that no other test uses, with one provision whose claims are all complete. */
  workshop(options?: WorkshopOptions): Promise<TestWorkshop>;
  workflowId(provision: string): string;
  wake(provision: string): Promise<void>;
  status(provision: string): Promise<AutoscalerStatus>;
  /** The PATCH requests of the worker on an object so far, as `status` or `object`, in their order. */
  patches(name: string): string[];
  startWorker(options?: { watch?: boolean }): Promise<void>;
  stopWorker(): Promise<void>;
  /** Removes the workshops made so far, and ends their runs. */
  endRuns(): Promise<void>;
}

export interface WorldOptions {
  environment?: Record<string, string>;
  /** Whether a worker runs in the test's own process; default true. */
  worker?: boolean;
  /** Whether the test makes `networks` bad; default false: there are none. */
  networks?: boolean;
  /** Until the server gives up a workflow task, as when its worker died; default 10 s. */
  workflowTaskTimeout?: Duration;
  /** Whether it watches; else tests wake the autoscalers. Default true. */
  watch?: boolean;
  /** Whether the runs of a test's workshops end with it; else the test calls `endRuns`. Default true. */
  endRuns?: boolean;
  /** A kube-apiserver of this world alone, which it may restart; else the one that all files share. */
  ownKubernetes?: boolean;
}

/** Makes the world before the file's tests and takes it down after them. Read it only inside tests. */
export function workshopWorld(options: WorldOptions = {}): WorkshopWorld {
  const database = testDatabase();
  const world = duringTests<WorkshopWorld>(() => openWorld(database.url, options));
  // Autoscalers do not end by themselves, and would go on to look at their workshops.
  if (options.endRuns !== false) afterEach(() => world.endRuns());
  return world;
}

interface OpenWorld extends WorkshopWorld {
  close(): Promise<void>;
}

async function openWorld(databaseUrl: string, options: WorldOptions): Promise<OpenWorld> {
  const servers = testServers();
  quietRuntime();
  const own = options.ownKubernetes ? await startOwnKubernetes() : undefined;
  const kubernetes = own ?? servers.kubernetes;
  const faults = new FaultPlan();
  const proxy = await startHttpProxy({ target: kubernetes.url, caFile: kubernetes.caFile, plan: faults });
  const namespace = uniqueName('ws');
  const admin = new KubeConfig();
  admin.loadFromFile(kubernetes.kubeconfig.admin);
  const kube = new KubeClient(admin, 'test');
  await kube.create('/api/v1/namespaces', { metadata: { name: namespace } });
  const ways = await openWays({ databaseUrl, temporalAddress: servers.temporal.address }, options.networks);
  const environment = {
    GROUNDWORK_DATABASE_URL: ways.databaseUrl,
    GROUNDWORK_TASK_QUEUE_PREFIX: `${namespace}-`,
    GROUNDWORK_QUEUES: 'workshops',
    GROUNDWORK_CLUSTER_NAME: namespace,
    GROUNDWORK_WORKSHOP_NAMESPACE: namespace,
    ...TIMINGS,
    ...options.environment,
  };
  const values = configuration(environment);
  const kubeConfig = proxied(proxy.url, kubernetes.tokens.worker ?? '');
  // Beside the others: the folder goes with the servers of the run.
  const kubeconfigFile = join(dirname(kubernetes.kubeconfig.worker), `${namespace}.kubeconfig`);
  await writeFile(kubeconfigFile, kubeConfig.exportConfig());
  const connection = await Connection.connect({ address: servers.temporal.address });
  const native = await NativeConnection.connect({ address: ways.temporalAddress });
  const client = new Client({
    connection,
    namespace: servers.temporal.namespace,
    interceptors: withTaskTimeout(options.workflowTaskTimeout),
  });
  const database = new Database({ url: databaseUrl, poolSize: 4 });
  const taskQueue = taskQueueName(values.taskQueuePrefix, 'workshops');
  const running: (() => Promise<void>)[] = [];
  const workflowId = (provision: string) => workflowIds.provisionAutoscaler(namespace, namespace, provision);

  const made: TestWorkshop[] = [];
  const world: OpenWorld = {
    around: undefined,
    client,
    values,
    environment: {
      ...environment,
      TEMPORAL_ADDRESS: ways.temporalAddress,
      TEMPORAL_NAMESPACE: servers.temporal.namespace,
      KUBECONFIG: kubeconfigFile,
    },
    database,
    kube,
    kubeConfig,
    resources: new CustomResources(kubeConfig),
    faults,
    proxy,
    networks: ways.networks,
    restartKubernetes: async () => {
      if (!own) throw new Error('the API server of all files is not restarted');
      await own.restart();
    },
    taskQueue,
    namespace,
    workshop: async (workshopOptions = {}) => {
      const name = uniqueName('shop');
      const workshop = await TestWorkshop.create(kube, namespace, name, workshopOptions);
      made.push(workshop);
      return workshop;
    },
    workflowId,
    wake: (name) => wakeAutoscaler(client, taskQueue, { cluster: namespace, namespace, name }, 'test'),
    status: (name) => client.workflow.getHandle(workflowId(name)).query(getAutoscalerStatus),
    patches: (name) =>
      faults
        .applied()
        .filter(({ ruleId, path }) => ruleId === PATCH_LOG && path.split('/').includes(name))
        .map(({ path }) => (path.endsWith('/status') ? 'status' : 'object')),
    startWorker: async ({ watch = options.watch ?? true } = {}) => {
      const dependencies = createDependencies(values, client, { kubeConfig });
      const workshops = wrapped(dependencies.workshops, (name, run) =>
        world.around ? world.around(name, run) : run(),
      );
      const workers = await createWorkers({
        connection: native,
        namespace: servers.temporal.namespace,
        values,
        dependencies: { ...dependencies, workshops },
        workflows: { bundlePath: join(inject('dist'), 'workflow-bundle.js') },
      });
      const done = Promise.all(workers.map((one) => one.run()));
      const stopWatchers = watch ? startWatchers(values, dependencies, client, () => {}) : async () => {};
      running.push(async () => {
        await stopWatchers();
        for (const one of workers) one.shutdown();
        await done;
        await dependencies.close();
      });
    },
    stopWorker: async () => {
      for (const stop of running.splice(0)) await stop();
    },
    endRuns: async () => {
      await Promise.all(
        made.splice(0).map(async (workshop) => {
          await workshop.removeAll();
          const run = client.workflow.getHandle(workflowId(workshop.name));
          await run.terminate('the test is over').catch(() => undefined);
        }),
      );
    },
    close: async () => {
      await world.stopWorker();
      await world.endRuns();
      await database.close();
      await kube.close();
      await connection.close();
      await native.close();
      await ways.close();
      await proxy.close();
      await own?.stop();
    },
  };
  logPatches(faults);
  if (options.worker !== false) await world.startWorker();
  return world;
}

/** The worker's own rights, through the fault proxy. */
function proxied(server: string, token: string): KubeConfig {
  const kubeConfig = new KubeConfig();
  kubeConfig.loadFromOptions({
    clusters: [{ name: 'proxy', server, skipTLSVerify: true }],
    users: [{ name: 'worker', token }],
    contexts: [{ name: 'proxy', cluster: 'proxy', user: 'worker' }],
    currentContext: 'proxy',
  });
  return kubeConfig;
}

const PATCH_LOG = 'patch-log';

/** A fault that does nothing but leave its mark in the log of the plan. */
export function logPatches(faults: FaultPlan): void {
  faults.add({
    id: PATCH_LOG,
    match: { service: 'kubernetes', method: 'PATCH' },
    effect: { kind: 'latency', ms: 0 },
  });
}
