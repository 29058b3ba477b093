import pg from 'pg';
import { NEWEST_TESTED, OLDEST_SERVER, pendingMigrations } from '../../migrations/migrate.ts';
import { databaseTrouble } from '../database-trouble.ts';
import { type Finding, failed, ok, warning } from '../findings.ts';

/** Reachable, of a known version, migrated, and with the rights and connections that the worker needs. */

const SUBJECT = 'PostgreSQL';

export async function* examineDatabase(url: string, poolSize: number): AsyncGenerator<Finding> {
  const client = new pg.Client({
    connectionString: url,
    connectionTimeoutMillis: 5_000,
    query_timeout: 10_000,
    application_name: 'groundwork doctor',
  });
  client.on('error', () => {}); // told by the query that fails
  try {
    await client.connect();
    yield await examineServer(client);
    const pending = await pendingMigrations(client);
    if (pending.length > 0) {
      yield failed(`${SUBJECT} schema`, 'notFound', `lacks ${pending.join(', ')}`, 'Run "groundwork setup".');
    } else {
      yield ok(`${SUBJECT} schema`, 'up to date');
      yield await examineRights(client);
    }
    yield await examineConnections(client, poolSize);
  } catch (error) {
    const { trouble, message, remedy } = databaseTrouble(error);
    yield failed(SUBJECT, trouble, message, remedy);
  } finally {
    await client.end().catch(() => undefined);
  }
}

async function examineServer(client: pg.Client): Promise<Finding> {
  const { rows } = await client.query<{ name: string; major: number; version: string }>(
    `select current_database() as name, current_setting('server_version_num')::int / 10000 as major, current_setting('server_version') as version`,
  );
  const { name = '', major = 0, version = '' } = rows[0] ?? {};
  const words = `version ${version}, database ${name}`;
  if (major < OLDEST_SERVER)
    return failed(SUBJECT, 'conflict', words, `Use PostgreSQL ${OLDEST_SERVER} to ${NEWEST_TESTED}.`);
  if (major > NEWEST_TESTED)
    return warning(SUBJECT, words, `Groundwork was tested with ${OLDEST_SERVER} to ${NEWEST_TESTED} only.`);
  return ok(SUBJECT, words);
}

/** The tables of the allocator are read, and written by its functions alone; all others are the worker's own. */
async function examineRights(client: pg.Client): Promise<Finding> {
  const { rows } = await client.query<{ name: string }>(
    `select c.relname as name from pg_class c
      where c.relkind = 'r' and c.relnamespace = current_schema()::regnamespace and c.relname <> 'groundwork_migration'
        and exists (
          select from unnest(array['select', 'insert', 'update', 'delete']) needed
            where (needed = 'select' or not starts_with(c.relname, 'ipam_')) and not has_table_privilege(c.oid, needed)
        )
    union all
    select p.proname || '()' from pg_proc p
      where p.pronamespace = current_schema()::regnamespace and starts_with(p.proname, 'ipam_') and p.prosecdef
        and not has_function_privilege(p.oid, 'execute')`,
  );
  const subject = `${SUBJECT} rights`;
  if (rows.length === 0) return ok(subject, 'all tables and functions can be used');
  const names = rows.map(({ name }) => name).join(', ');
  const remedy = 'Grant the role groundwork_worker to the user of DATABASE_URL, or connect as the owner of the tables.';
  return failed(subject, 'forbidden', `not all of ${names} may be used`, remedy);
}

async function examineConnections(client: pg.Client, poolSize: number): Promise<Finding> {
  const { rows } = await client.query<{ free: number }>(
    `select current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int
       - (select count(*)::int from pg_stat_activity where backend_type = 'client backend' and pid <> pg_backend_pid()
           and application_name <> 'groundwork') as free`,
  );
  const free = rows[0]?.free ?? 0;
  const subject = `${SUBJECT} connections`;
  const words = `a worker uses up to ${poolSize}, ${free} are left by others`;
  if (free >= poolSize) return ok(subject, words);
  return warning(subject, words, 'Raise max_connections, or lower GROUNDWORK_DATABASE_POOL_SIZE.');
}
