import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { searchAttributeNames } from '../../contract/names.ts';
import { migrate } from '../../migrations/migrate.ts';
import { startKubernetes } from '../../sandbox/kubernetes/server.ts';
import { FOREIGN_CRDS } from '../../sandbox/parts.ts';
import { databaseUrl } from '../../sandbox/postgres/databases.ts';
import { type PostgresServer, startPostgres } from '../../sandbox/postgres/server.ts';
import type { Supervisor } from '../../sandbox/processes/supervisor.ts';
import { startTemporal, type TemporalOptions } from '../../sandbox/temporal/server.ts';

/** Where the servers of tests are. Everything here is plain data, because it crosses into the workers. */
export interface TestServers {
  readonly temporal: { readonly address: string; readonly namespace: string };
  /** `admin` is the URL of the maintenance database, `template` a migrated database that nobody may connect to. */
  readonly postgres: { readonly admin: string; readonly template: string };
  readonly kubernetes: {
    readonly url: string;
    readonly caFile: string;
    readonly tokens: Readonly<Record<string, string>>;
    readonly kubeconfig: { readonly admin: string; readonly worker: string };
  };
}

/** Does something while a server is stopped; it is started again after it. */
type Outage = (meanwhile: () => Promise<void>) => Promise<void>;

export interface StartedServers {
  readonly servers: TestServers;
  /** Of each kind, on the same ports and data. Temporal keeps its runs only with `durable`. */
  readonly outages: { readonly postgres: Outage; readonly temporal: Outage; readonly kubernetes: Outage };
  /** Drops the template, which matters for a server behind DATABASE_URL; the supervisor stops the servers. */
  dropTemplate(): Promise<void>;
}

const deploy = (path: string) => fileURLToPath(new URL(`../../deploy/${path}`, import.meta.url));

/** One Temporal, one PostgreSQL with a migrated template, one kube-apiserver with the worker's role, below `folder`. */
export async function startServers(
  supervisor: Supervisor,
  folder: string,
  options: { readonly durable?: boolean } = {},
): Promise<StartedServers> {
  const temporalOptions: TemporalOptions = {
    supervisor,
    searchAttributes: searchAttributeNames,
    ui: false,
    ...(options.durable ? { databaseFile: join(folder, 'temporal.sqlite') } : {}),
  };
  const [temporal, postgres, kubernetes] = await Promise.all([
    startTemporal(temporalOptions),
    startMigratedPostgres(supervisor, join(folder, 'postgres')),
    startTestKubernetes(supervisor, join(folder, 'kubernetes')),
  ]);
  const { server, template } = postgres;
  return {
    servers: {
      temporal: { address: temporal.address, namespace: temporal.namespace },
      postgres: { admin: server.url, template },
      kubernetes: kubernetes.where,
    },
    outages: {
      kubernetes: kubernetes.outage,
      postgres: async (meanwhile) => {
        if (server.pid === undefined) throw new Error('a PostgreSQL that is not ours is not stopped');
        await server.stop();
        await meanwhile();
        await startPostgres({ supervisor, folder: join(folder, 'postgres'), persist: true, port: server.port });
      },
      temporal: async (meanwhile) => {
        if (temporal.pid === undefined) throw new Error('a Temporal server that is not ours is not stopped');
        await temporal.stop();
        await meanwhile();
        await startTemporal({ ...temporalOptions, port: temporal.port });
      },
    },
    dropTemplate: () => server.dropDatabase(template),
  };
}

/** A kube-apiserver with our definitions and the worker's role. */
export async function startTestKubernetes(
  supervisor: Supervisor,
  folder: string,
): Promise<{ where: TestServers['kubernetes']; outage: Outage }> {
  const server = await startKubernetes({
    supervisor,
    folder,
    manifests: [deploy('crds'), deploy('rbac'), deploy('rbac/scale-down'), FOREIGN_CRDS],
  });
  const { url, caFile, tokens } = server;
  if (url === undefined || caFile === undefined) throw new Error('tests need a kube-apiserver of their own');
  const kubeconfig = { admin: server.kubeconfigFile('admin'), worker: server.kubeconfigFile('worker') };
  return { where: { url, caFile, tokens, kubeconfig }, outage: (meanwhile) => server.restart(meanwhile) };
}

async function startMigratedPostgres(
  supervisor: Supervisor,
  folder: string,
): Promise<{ server: PostgresServer; template: string }> {
  const server = await startPostgres({ supervisor, folder });
  const template = `groundwork_template_${process.pid}`;
  await server.dropDatabase(template);
  await server.createDatabase({ name: template });
  await migrate(databaseUrl(server.url, template));
  return { server, template };
}
