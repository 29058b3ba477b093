import { fileURLToPath } from 'node:url';
import type { TestProject } from 'vitest/node';
import { searchAttributeNames } from '../../contract/names.ts';
import { migrate } from '../../migrations/migrate.ts';
import { startKubernetes } from '../../sandbox/kubernetes/server.ts';
import { FOREIGN_CRDS } from '../../sandbox/parts.ts';
import { databaseUrl } from '../../sandbox/postgres/databases.ts';
import { type PostgresServer, startPostgres } from '../../sandbox/postgres/server.ts';
import { claimRunFolder } from '../../sandbox/processes/run-folder.ts';
import type { Supervisor } from '../../sandbox/processes/supervisor.ts';
import { runFolder } from '../../sandbox/record.ts';
import { startTemporal } from '../../sandbox/temporal/server.ts';
import { install } from './installation.ts';

/** Where the servers of this run are. Everything here is plain data, because it crosses into the workers. */
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

declare module 'vitest' {
  export interface ProvidedContext {
    servers: TestServers;
    /** Folder of the compiled program: worker/main.js, starter/cli/main.js, workflow-bundle.js. */
    dist: string;
  }
}

const deploy = (path: string) => fileURLToPath(new URL(`../../deploy/${path}`, import.meta.url));

/** Starts the servers before the first test of the project, stops them after the last; a killed run is cleaned up by the watchdog. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const folder = runFolder(`test-${process.pid}`);
  const { supervisor } = await claimRunFolder(folder);
  try {
    const [dist, temporal, postgres, kubernetes] = await Promise.all([
      install(`${folder}/installation`),
      startTemporal({ supervisor, searchAttributes: searchAttributeNames, ui: false }),
      startMigratedPostgres(supervisor, `${folder}/postgres`),
      startKubernetes({
        supervisor,
        folder: `${folder}/kubernetes`,
        manifests: [deploy('crds'), deploy('rbac'), deploy('rbac/scale-down'), FOREIGN_CRDS],
      }),
    ]);
    if (kubernetes.url === undefined || kubernetes.caFile === undefined)
      throw new Error('tests need a kube-apiserver of their own');
    project.provide('dist', dist);
    project.provide('servers', {
      temporal: { address: temporal.address, namespace: temporal.namespace },
      postgres: { admin: postgres.server.url, template: postgres.template },
      kubernetes: {
        url: kubernetes.url,
        caFile: kubernetes.caFile,
        tokens: kubernetes.tokens,
        kubeconfig: { admin: kubernetes.kubeconfigFile('admin'), worker: kubernetes.kubeconfigFile('worker') },
      },
    });
    return async () => {
      await postgres.server.dropDatabase(postgres.template); // matters for a server behind DATABASE_URL
      await supervisor.stop();
    };
  } catch (error) {
    await supervisor.stop();
    throw error;
  }
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
