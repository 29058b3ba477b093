import { randomBytes } from 'node:crypto';
import pg from 'pg';

/** The databases of one server, seen by its administrator. */
export interface Databases {
  /** The server's version, such as "18.4". Throws when it is not between 15 and 18, or cannot be reached. */
  version(): Promise<string>;
  /**
   * Makes a database, a copy of `template` when given, and answers its URL. Without a name a unique one is made up.
   * Copying needs a template that nobody is connected to.
   */
  createDatabase(options?: { readonly name?: string; readonly template?: string }): Promise<string>;
  /** Drops a database by its name or its URL, and ends the sessions that are left in it. Absent is no error. */
  dropDatabase(nameOrUrl: string): Promise<void>;
  /** The sessions of clients in a database: `application_name` and state of each. */
  sessions(nameOrUrl: string): Promise<readonly { readonly application: string; readonly state: string }[]>;
}

export function databasesOf(adminUrl: string): Databases {
  return {
    version: () => withClient(adminUrl, checkedVersion),
    createDatabase: async (options = {}) => {
      const name = options.name ?? `groundwork_${randomBytes(6).toString('hex')}`;
      const template = options.template === undefined ? '' : ` TEMPLATE ${pg.escapeIdentifier(options.template)}`;
      await withClient(adminUrl, (client) => client.query(`CREATE DATABASE ${pg.escapeIdentifier(name)}${template}`));
      return databaseUrl(adminUrl, name);
    },
    dropDatabase: async (nameOrUrl) => {
      const name = pg.escapeIdentifier(databaseName(nameOrUrl));
      await withClient(adminUrl, (client) => client.query(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`));
    },
    sessions: (nameOrUrl) =>
      withClient(adminUrl, async (client) => {
        const { rows } = await client.query<{ application: string; state: string }>(
          `SELECT application_name AS application, coalesce(state, '') AS state
             FROM pg_stat_activity WHERE datname = $1 AND backend_type = 'client backend'`,
          [databaseName(nameOrUrl)],
        );
        return rows;
      }),
  };
}

/** The same server and user, another database. */
export function databaseUrl(url: string, database: string): string {
  const changed = new URL(url);
  changed.pathname = `/${encodeURIComponent(database)}`;
  return changed.href;
}

/** The name of a database that may be given by its URL. */
export function databaseName(nameOrUrl: string): string {
  return nameOrUrl.includes('://') ? decodeURIComponent(new URL(nameOrUrl).pathname.slice(1)) : nameOrUrl;
}

async function checkedVersion(client: pg.Client): Promise<string> {
  const { rows } = await client.query<{ server_version: string; server_version_num: string }>(
    `SELECT current_setting('server_version') AS server_version, current_setting('server_version_num') AS server_version_num`,
  );
  const { server_version = 'unknown', server_version_num = '0' } = rows[0] ?? {};
  const major = Math.floor(Number(server_version_num) / 10_000);
  if (major < 15 || major > 18) {
    throw new Error(`the server is PostgreSQL ${server_version}; Groundwork supports 15 to 18`);
  }
  return server_version.split(' ')[0] ?? server_version;
}

async function withClient<T>(url: string, use: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({
    connectionString: url,
    connectionTimeoutMillis: 10_000,
    query_timeout: 60_000,
    application_name: 'groundwork-sandbox',
  });
  client.on('error', () => {}); // a lost connection is reported by the query that needs it
  try {
    await client.connect();
  } catch (cause) {
    const { host, pathname } = new URL(url);
    const reason = cause instanceof Error ? cause.message || (cause as NodeJS.ErrnoException).code : String(cause);
    throw new Error(`cannot connect to PostgreSQL at ${host}${pathname}: ${reason}`, { cause });
  }
  try {
    return await use(client);
  } finally {
    await client.end();
  }
}
