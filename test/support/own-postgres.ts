import { join } from 'node:path';
import pg from 'pg';
import { migrate } from '../../migrations/migrate.ts';
import { startPostgres } from '../../sandbox/postgres/server.ts';
import { claimRunFolder } from '../../sandbox/processes/run-folder.ts';
import { runFolder } from '../../sandbox/record.ts';
import { uniqueName } from './servers.ts';

/**
 * A PostgreSQL for one test file, with one migrated database: what other files have open is seen across databases. Of its own
 * accord it vacuums and analyzes nothing, which nobody can foresee either.
 */
export async function startOwnPostgres(): Promise<{ readonly url: string; stop(): Promise<void> }> {
  const folder = runFolder(uniqueName('test-postgres'));
  const { supervisor } = await claimRunFolder(folder);
  try {
    const server = await startPostgres({ supervisor, folder: join(folder, 'postgres'), env: {} });
    await withoutAutovacuum(server.url);
    const url = await server.createDatabase({ name: 'own' });
    await migrate(url);
    return { url, stop: () => supervisor.stop() };
  } catch (error) {
    await supervisor.stop();
    throw error;
  }
}

/** Before there is a database that it could work in. */
async function withoutAutovacuum(url: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query('alter system set autovacuum = off');
    await client.query('select pg_reload_conf()');
  } finally {
    await client.end();
  }
}
