import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { searchAttributeNames } from '../contract/names.ts';
import { startKeptAwsEndpoint } from './aws/keeping.ts';
import type { AwsSeed } from './aws/seed-schema.ts';
import { type AwsEndpoint, type AwsEndpointOptions, startAwsEndpoint } from './aws/server.ts';
import { resolveKubernetes } from './binaries/kubernetes.ts';
import type { Report } from './binaries/progress.ts';
import { resolveTemporal } from './binaries/temporal.ts';
import type { SimulatedClock } from './clock.ts';
import type { ControllerOptions, Controllers } from './controllers/index.ts';
import { startHttpProxy } from './faults/http-proxy.ts';
import type { FaultPlan } from './faults/plan.ts';
import { startTcpProxy } from './faults/tcp-proxy.ts';
import { type KubernetesServer, startKubernetes } from './kubernetes/server.ts';
import { databaseUrl } from './postgres/databases.ts';
import { startPostgres } from './postgres/server.ts';
import { within } from './processes/deadline.ts';
import type { Supervisor } from './processes/supervisor.ts';
import { startTemporal } from './temporal/server.ts';

/** What our endpoint accepts as credentials: it wants signed requests and verifies no signature, so these open nothing. */
export const SANDBOX_CREDENTIALS = { accessKeyId: 'sandbox', secretAccessKey: 'sandbox' } as const;

/** The simulated controllers call under a name of their own, so that faults and counts can tell them from the worker. */
const CONTROLLER_CREDENTIALS = { accessKeyId: 'controllers', secretAccessKey: 'sandbox' } as const;

const DATABASE = 'groundwork';
const CONTROLLERS_READY_MS = 30_000;
/** Definitions of other projects, which a real cluster brings itself. */
export const FOREIGN_CRDS = fileURLToPath(new URL('kubernetes/crds', import.meta.url));
const deploy = (path: string) => fileURLToPath(new URL(`../deploy/${path}`, import.meta.url));

/** Collects how to close what runs in this process; run from the last to the first, before the servers are stopped. */
export type Closing = { readonly name: string; readonly close: () => Promise<unknown> }[];

/** What the parts have in common. */
export interface Frame {
  readonly supervisor: Supervisor;
  /** Holds the data of every part. */
  readonly data: string;
  readonly persist: boolean;
  readonly region: string;
  readonly clock: SimulatedClock;
  readonly plan: FaultPlan;
  readonly report: Report;
  readonly closing: Closing;
  /** Milliseconds since the epoch, for progress lines. */
  readonly startedAt: number;
}

/** The Temporal server, behind a TCP proxy when it is ours. */
export async function startTemporalPart({ supervisor, data, persist, report, closing }: Frame) {
  const from = await resolveTemporal({ report });
  const server = await startTemporal({
    supervisor,
    searchAttributes: searchAttributeNames,
    from,
    ...(persist ? { databaseFile: join(data, 'temporal.sqlite') } : {}),
    ...(process.env.TEMPORAL_NAMESPACE && from.kind === 'external'
      ? { namespace: process.env.TEMPORAL_NAMESPACE }
      : {}),
  });
  if (from.kind === 'external') return { server, proxy: undefined, address: server.address };
  const proxy = await startTcpProxy(server);
  closing.push({ name: 'TCP proxy of Temporal', close: () => proxy.close() });
  return { server, proxy, address: `${proxy.host}:${proxy.port}` };
}

/** The Schedules of an installation with these settings. Without a worker their runs wait. */
export async function startSchedules(address: string, namespace: string, settings: Readonly<Record<string, string>>) {
  const [{ Connection }, { readConfiguration }, { setUpSchedules }] = await Promise.all([
    import('@temporalio/client'),
    import('../worker/configuration.ts'),
    import('../worker/schedules.ts'),
  ]);
  const reading = readConfiguration(settings);
  if (!reading.ok) throw new Error(reading.problems.join('\n'));
  const connection = await Connection.connect({ address });
  try {
    await setUpSchedules(connection, namespace, reading.values);
  } finally {
    await connection.close();
  }
}

/** PostgreSQL with a migrated database, behind a TCP proxy when the server is ours. */
export async function startPostgresPart(
  { supervisor, data, persist, closing }: Frame,
  migrate: (url: string) => Promise<unknown>,
  durable: boolean,
) {
  const server = await startPostgres({ supervisor, folder: join(data, 'postgres'), persist, durable });
  if (server.folder === undefined) {
    await migrate(server.url);
    return { server, proxy: undefined, url: server.url, directUrl: server.url };
  }
  const directUrl = databaseUrl(server.url, DATABASE);
  await server.createDatabase({ name: DATABASE }).catch((error: unknown) => {
    if ((error as { code?: string }).code !== '42P04') throw error; // duplicate_database: kept from the last time
  });
  await migrate(directUrl);
  const proxy = await startTcpProxy(server);
  closing.push({ name: 'TCP proxy of PostgreSQL', close: () => proxy.close() });
  const url = new URL(directUrl);
  url.port = String(proxy.port);
  return { server, proxy, url: url.href, directUrl };
}

/** kube-apiserver with our definitions and RBAC, behind the fault proxy when it is ours. */
export async function startKubernetesPart({ supervisor, data, plan, report, closing }: Frame, useKubeconfig: boolean) {
  const server = await startKubernetes({
    supervisor,
    folder: join(data, 'kubernetes'),
    manifests: [deploy('crds'), deploy('rbac'), deploy('rbac/scale-down'), FOREIGN_CRDS],
    from: await resolveKubernetes({ report, useKubeconfig }),
  });
  if (server.url === undefined || server.caFile === undefined) {
    return { server, proxy: undefined, workerKubeconfig: server.kubeconfigFile('worker') };
  }
  const proxy = await startHttpProxy({ target: server.url, caFile: server.caFile, plan });
  closing.push({ name: 'fault proxy of kube-apiserver', close: () => proxy.close() });
  return { server, proxy, workerKubeconfig: await server.writeKubeconfig('worker', proxy.url) };
}

/** The AWS endpoint, which with `persist` goes on where the last one ended. */
export async function startAwsPart(
  { data, persist, clock, plan, report, closing }: Frame,
  options: Partial<AwsEndpointOptions>,
  atFirst: AwsSeed | undefined,
): Promise<AwsEndpoint> {
  const common = { ...options, clock, faults: plan };
  const seed = options.seed ?? atFirst;
  const endpoint = persist
    ? await startKeptAwsEndpoint({ ...common, file: join(data, 'aws.json'), report, ...(atFirst && { atFirst }) })
    : await startAwsEndpoint({ ...common, ...(seed && { seed }) });
  closing.push({ name: 'AWS endpoint', close: () => endpoint.close() });
  return endpoint;
}

/**
 * The simulated controllers, as administrators past the fault proxy: faults are for the worker, not for the simulation. A
 * cluster of the user's has controllers of its own, and gets none of ours.
 */
export async function startControllersPart(
  { region, clock, closing }: Frame,
  kubernetes: KubernetesServer,
  aws: AwsEndpoint,
  options: Partial<ControllerOptions>,
): Promise<Controllers | undefined> {
  if (kubernetes.kind === 'external') return undefined;
  const [{ startControllers }, { KubeConfig }, { startExternalDns }] = await loadControllers();
  const kubeConfig = new KubeConfig();
  kubeConfig.loadFromFile(kubernetes.kubeconfigFile('admin'));
  const starting = startControllers({
    kubeConfig,
    aws: { endpoint: aws.url, region, credentials: CONTROLLER_CREDENTIALS },
    clock,
    findCertificates: async (where) =>
      [...aws.state.region(where).certificates.values()].map(({ arn, domains }) => ({ arn, domains: [...domains] })),
    ...options,
  });
  const controllers = await within(CONTROLLERS_READY_MS, 'the simulated controllers are not ready', starting);
  closing.push({ name: 'controllers', close: () => controllers.stop() });
  const externalDns = await startExternalDns({ kubeConfig, clock });
  closing.push({ name: 'external-dns', close: () => externalDns.stop() });
  return controllers;
}

/** Half a second of imports, worth beginning while the servers start. */
export function loadControllers() {
  return Promise.all([
    import('./controllers/index.ts'),
    import('@kubernetes/client-node'),
    import('./controllers/external-dns/controller.ts'),
  ] as const);
}
