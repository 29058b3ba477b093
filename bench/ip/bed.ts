import { join } from 'node:path';
import { migrate } from '../../migrations/migrate.ts';
import type { Report } from '../../sandbox/binaries/progress.ts';
import { forgetOwnServers } from '../../sandbox/demo/settings.ts';
import { type PostgresServer, startPostgres } from '../../sandbox/postgres/server.ts';
import { claimRunFolder } from '../../sandbox/processes/run-folder.ts';
import type { Supervisor } from '../../sandbox/processes/supervisor.ts';
import { runFolder } from '../../sandbox/record.ts';

/** A PostgreSQL that writes to the disk as in production, with a migrated database to copy. */
export interface Bed {
  readonly server: PostgresServer;
  /** Name of the migrated database. */
  readonly template: string;
  /** Of this run, with the supervisor of what it starts. */
  readonly folder: string;
  readonly supervisor: Supervisor;
  close(): Promise<void>;
}

/** Servers of the user's own are not touched: their settings are taken out of this process's environment. */
export async function makeBed(report: Report): Promise<Bed> {
  for (const name of forgetOwnServers(process.env)) report(`${name} is set; the benchmark uses a server of its own`);
  delete process.env.DATABASE_URL;
  report('Starting PostgreSQL, with fsync');
  const folder = runFolder(`bench-ip-${process.pid}`);
  const { supervisor } = await claimRunFolder(folder);
  try {
    const server = await startPostgres({ supervisor, folder: join(folder, 'postgres'), durable: true });
    const template = `groundwork_bench_${process.pid}`;
    const url = await server.createDatabase({ name: template });
    await migrate(url);
    return { server, template, folder, supervisor, close: () => supervisor.stop() };
  } catch (error) {
    await supervisor.stop();
    throw error;
  }
}
