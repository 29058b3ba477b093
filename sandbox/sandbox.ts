import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { AwsSeed } from './aws/seed-schema.ts';
import type { AwsEndpoint, AwsEndpointOptions } from './aws/server.ts';
import { cacheRoot } from './binaries/cache.ts';
import { type Report, reportToStderr } from './binaries/progress.ts';
import { type SimulatedClock, simulatedClock } from './clock.ts';
import { startControl } from './control.ts';
import type { ControllerOptions, Controllers } from './controllers/index.ts';
import type { HttpProxy } from './faults/http-proxy.ts';
import { FaultPlan } from './faults/plan.ts';
import type { TcpProxy } from './faults/tcp-proxy.ts';
import type { KubernetesServer } from './kubernetes/server.ts';
import {
  type Closing,
  type Frame,
  loadControllers,
  SANDBOX_CREDENTIALS,
  startAwsPart,
  startControllersPart,
  startKubernetesPart,
  startPostgresPart,
  startSchedules,
  startTemporalPart,
} from './parts.ts';
import type { PostgresServer } from './postgres/server.ts';
import { within } from './processes/deadline.ts';
import { claimRunFolder, releaseRunFolder } from './processes/run-folder.ts';
import { type Orphan, type Supervisor, stopOrphans } from './processes/supervisor.ts';
import { runFolder, SANDBOX_VARIABLE, type SandboxAddresses, type SandboxRecord, writeRecord } from './record.ts';
import type { TemporalServer } from './temporal/server.ts';

/** How long a part in this process may take to close before it is left to the end of the process. */
const CLOSE_MS = 5_000;

export interface SandboxOptions {
  /** Names the run folder. Default "default"; one sandbox of a name runs at a time. */
  readonly name?: string;
  /** Keep PostgreSQL, etcd, Temporal runs and the AWS state for the next start of the same name. Default false. */
  readonly persist?: boolean;
  /** Real seconds per simulated second of AWS and the controllers. Default 1. */
  readonly timeScale?: number;
  /** Default us-east-1. */
  readonly region?: string;
  /** PostgreSQL with fsync, for benchmarks. */
  readonly durable?: boolean;
  /** Use the cluster of KUBECONFIG instead of a kube-apiserver of ours. Controllers are not started then. */
  readonly useKubeconfig?: boolean;
  /** Added to `environment()`: the settings of the worker that go with the time scale. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Seed, quotas, life cycle and throttling of the AWS endpoint; clock and faults are the sandbox's. The seed replaces what is kept. */
  readonly aws?: Omit<AwsEndpointOptions, 'clock' | 'faults'>;
  /** What AWS holds where no seed is given and nothing is kept. */
  readonly awsAtFirst?: AwsSeed;
  /** Options of the simulated controllers, or false for none. */
  readonly controllers?: Partial<Omit<ControllerOptions, 'kubeConfig' | 'aws' | 'clock'>> | false;
  readonly plan?: FaultPlan;
  readonly report?: Report;
  /** Brings the schema of a database up to date. */
  readonly migrate: (url: string) => Promise<unknown>;
}

export interface Sandbox {
  readonly name: string;
  /** Logs of the servers, pid files, `sandbox.json`. */
  readonly folder: string;
  readonly addresses: SandboxAddresses;
  readonly sources: Readonly<Record<string, string>>;
  readonly clock: SimulatedClock;
  readonly faults: FaultPlan;
  /** Network faults in front of servers of ours; an external server has no proxy. */
  readonly proxies: { readonly postgres?: TcpProxy; readonly temporal?: TcpProxy; readonly kubernetes?: HttpProxy };
  readonly temporal: TemporalServer;
  readonly postgres: PostgresServer;
  readonly kubernetes: KubernetesServer;
  readonly aws: AwsEndpoint;
  readonly controllers: Controllers | undefined;
  /** For worker, `temporal`, `kubectl` and `psql`. */
  environment(): Record<string, string>;
  /** Stops everything and removes the run folder; harmless to repeat. */
  stop(): Promise<void>;
}

/**
 * Starts every part at once, each from the first source that works, and wires them together. When one cannot be started the
 * others are stopped and the error says which and why. When this process dies, however, a watchdog stops the servers.
 */
export async function startSandbox(options: SandboxOptions): Promise<Sandbox> {
  const name = options.name ?? 'default';
  const folder = runFolder(name);
  const persist = options.persist ?? false;
  const clock = simulatedClock(options.timeScale ?? 1);
  const { supervisor, orphans } = await claimRunFolder(folder, { keep: persist });
  const frame: Frame = {
    supervisor,
    data: join(folder, 'data'),
    persist,
    region: options.region ?? 'us-east-1',
    clock,
    plan: options.plan ?? new FaultPlan(),
    report: options.report ?? reportToStderr,
    closing: [],
    startedAt: Date.now(),
  };
  let stopped: Promise<void> | undefined;
  const stop = () => {
    stopped ??= closeAll(supervisor, frame.closing, persist ? folder : undefined);
    return stopped;
  };
  try {
    await clearOrphans(folder, orphans, persist);
    await mkdir(frame.data, { recursive: true, mode: 0o755 });
    return await compose(options, frame, { name, folder, stop });
  } catch (error) {
    await stop();
    throw error;
  }
}

async function compose(
  options: SandboxOptions,
  frame: Frame,
  { name, folder, stop }: { name: string; folder: string; stop: () => Promise<void> },
): Promise<Sandbox> {
  const { region, plan, clock, closing } = frame;
  if (options.controllers !== false) loadControllers().catch(() => {}); // reported where they are started
  const [temporal, postgres, kubernetes, aws] = await allOrFirstError([
    ready(frame, 'Temporal', startTemporalPart(frame)),
    ready(frame, 'PostgreSQL', startPostgresPart(frame, options.migrate, options.durable ?? false)),
    ready(frame, 'Kubernetes API server', startKubernetesPart(frame, options.useKubeconfig ?? false)),
    ready(frame, 'AWS endpoint', startAwsPart(frame, options.aws ?? {}, options.awsAtFirst)),
  ]);
  const controllers =
    options.controllers === false
      ? undefined
      : await ready(
          frame,
          'Controllers',
          startControllersPart(frame, kubernetes.server, aws, options.controllers ?? {}),
        );

  const proxies = {
    ...(postgres.proxy === undefined ? {} : { postgres: postgres.proxy }),
    ...(temporal.proxy === undefined ? {} : { temporal: temporal.proxy }),
  };
  const control = await startControl(plan, proxies);
  closing.push({ name: 'control door', close: () => control.close() });
  const addresses = addressesOf(temporal, postgres, kubernetes, aws.url, control.url);
  const environment = environmentOf(addresses, region, {
    ...(temporal.proxy === undefined ? {} : ownTemporal),
    [SANDBOX_VARIABLE]: name,
    ...options.environment,
  });
  // An external server is not ours to write to: "groundwork setup" does it there.
  if (temporal.proxy !== undefined)
    await startSchedules(temporal.server.address, temporal.server.namespace, environment);
  const sources = {
    temporal: temporal.server.source,
    postgres: postgres.server.source,
    kubernetes: `${kubernetes.server.source} (${kubernetes.server.version})`,
    aws: 'in this process',
    ...(controllers === undefined ? {} : { controllers: 'in this process' }),
  };
  const record: SandboxRecord = {
    name,
    pid: process.pid,
    startedAt: new Date().toISOString(),
    addresses,
    environment,
    sources,
  };
  await writeRecord(folder, record);
  return {
    name,
    folder,
    addresses,
    sources,
    clock,
    faults: plan,
    proxies: { ...proxies, ...(kubernetes.proxy === undefined ? {} : { kubernetes: kubernetes.proxy }) },
    temporal: temporal.server,
    postgres: postgres.server,
    kubernetes: kubernetes.server,
    aws,
    controllers,
    environment: () => ({ ...environment }),
    stop,
  };
}

function addressesOf(
  temporal: Awaited<ReturnType<typeof startTemporalPart>>,
  postgres: Awaited<ReturnType<typeof startPostgresPart>>,
  kubernetes: Awaited<ReturnType<typeof startKubernetesPart>>,
  aws: string,
  control: string,
): SandboxAddresses {
  const { uiUrl } = temporal.server;
  const { url } = kubernetes.server;
  return {
    temporal: temporal.address,
    temporalNamespace: temporal.server.namespace,
    ...(uiUrl === undefined ? {} : { temporalUi: uiUrl }),
    postgres: postgres.url,
    ...(kubernetes.proxy === undefined ? {} : { kubernetes: kubernetes.proxy.url }),
    kubeconfig: { admin: kubernetes.server.kubeconfigFile('admin'), worker: kubernetes.workerKubeconfig },
    aws,
    control,
    direct: {
      temporal: temporal.server.address,
      postgres: postgres.directUrl,
      ...(url === undefined ? {} : { kubernetes: url }),
    },
  };
}

/** An absent file counts as no settings; otherwise temporal.toml of the user's home is read. */
const ownTemporal = { TEMPORAL_CONFIG_FILE: join(cacheRoot(), 'no-temporal.toml') };

function environmentOf(
  addresses: SandboxAddresses,
  region: string,
  added: Readonly<Record<string, string>>,
): Record<string, string> {
  return {
    TEMPORAL_ADDRESS: addresses.temporal,
    TEMPORAL_NAMESPACE: addresses.temporalNamespace,
    DATABASE_URL: addresses.postgres,
    GROUNDWORK_DATABASE_URL: addresses.postgres,
    KUBECONFIG: addresses.kubeconfig.worker,
    AWS_ENDPOINT_URL: addresses.aws,
    AWS_REGION: region,
    AWS_ACCESS_KEY_ID: SANDBOX_CREDENTIALS.accessKeyId,
    AWS_SECRET_ACCESS_KEY: SANDBOX_CREDENTIALS.secretAccessKey,
    ...added,
  };
}

async function ready<T>(frame: Frame, what: string, part: Promise<T>): Promise<T> {
  const started = await part;
  frame.report(`${what}: ready after ${((Date.now() - frame.startedAt) / 1000).toFixed(1)} s`);
  return started;
}

/** PostgreSQL is attached to again where its data is kept; everything else of a dead run is stopped. */
async function clearOrphans(folder: string, orphans: readonly Orphan[], persist: boolean): Promise<void> {
  await stopOrphans(folder, persist ? orphans.filter((orphan) => orphan.name !== 'postgres') : orphans);
  if (!persist) await rm(join(folder, 'data'), { recursive: true, force: true });
}

async function closeAll(supervisor: Supervisor, closing: Closing, kept: string | undefined): Promise<void> {
  const failures: unknown[] = [];
  for (const { name, close } of closing.reverse()) {
    await within(CLOSE_MS, `the ${name} did not close`, close()).catch((error: unknown) => failures.push(error));
  }
  if (kept !== undefined) await rm(join(kept, 'sandbox.json'), { force: true });
  await supervisor.stop();
  if (kept !== undefined) await releaseRunFolder(kept);
  if (failures.length > 0) {
    const reasons = failures.map((failure) => (failure instanceof Error ? failure.message : String(failure)));
    throw new AggregateError(failures, `everything is stopped, but not cleanly: ${reasons.join('; ')}`);
  }
}

/** Waits for all, so that nothing is still starting when the first error is handled. */
async function allOrFirstError<T extends readonly unknown[]>(
  parts: { readonly [K in keyof T]: Promise<T[K]> },
): Promise<T> {
  const results = await Promise.allSettled(parts);
  const reasons = results.flatMap((result) => (result.status === 'rejected' ? [result.reason as unknown] : []));
  if (reasons.length === 1) throw reasons[0];
  if (reasons.length > 1) {
    throw new AggregateError(
      reasons,
      reasons.map((reason) => (reason instanceof Error ? reason.message : String(reason))).join('\n'),
    );
  }
  return results.map((result) => (result as PromiseFulfilledResult<unknown>).value) as unknown as T;
}
