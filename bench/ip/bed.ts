import { join } from 'node:path';
import { migrate } from '../../migrations/migrate.ts';
import type { Report } from '../../sandbox/binaries/progress.ts';
import { type PostgresServer, startPostgres } from '../../sandbox/postgres/server.ts';
import { claimRunFolder } from '../../sandbox/processes/run-folder.ts';
import { runFolder } from '../../sandbox/record.ts';

/** A PostgreSQL that writes to the disk as in production, with a migrated database to copy. */
export interface Bed {
  readonly server: PostgresServer;
  /** Name of the migrated database. */
  readonly template: string;
  close(): Promise<void>;
}

export async function makeBed(report: Report): Promise<Bed> {
  report('Starting PostgreSQL, with fsync');
  const folder = runFolder(`bench-ip-${process.pid}`);
  const { supervisor } = await claimRunFolder(folder);
  try {
    const server = await startPostgres({ supervisor, folder: join(folder, 'postgres'), durable: true });
    const template = `groundwork_bench_${process.pid}`;
    const url = await server.createDatabase({ name: template });
    await migrate(url);
    return {
      server,
      template,
      close: async () => {
        await server.dropDatabase(template);
        await supervisor.stop();
      },
    };
  } catch (error) {
    await supervisor.stop();
    throw error;
  }
}
