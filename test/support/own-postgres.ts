import { join } from 'node:path';
import { migrate } from '../../migrations/migrate.ts';
import { startPostgres } from '../../sandbox/postgres/server.ts';
import { claimRunFolder } from '../../sandbox/processes/run-folder.ts';
import { runFolder } from '../../sandbox/record.ts';
import { uniqueName } from './servers.ts';

/** A PostgreSQL for one test file, with one migrated database: transactions of other files are seen across databases. */
export async function startOwnPostgres(): Promise<{ readonly url: string; stop(): Promise<void> }> {
  const folder = runFolder(uniqueName('test-postgres'));
  const { supervisor } = await claimRunFolder(folder);
  try {
    const server = await startPostgres({ supervisor, folder: join(folder, 'postgres'), env: {} });
    const url = await server.createDatabase({ name: 'own' });
    await migrate(url);
    return { url, stop: () => supervisor.stop() };
  } catch (error) {
    await supervisor.stop();
    throw error;
  }
}
