import { readdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { runner } from 'node-pg-migrate';
import pg from 'pg';

const directory = dirname(fileURLToPath(import.meta.url));

/** Oldest PostgreSQL that the migrations are written for, and the newest that they were tested with. */
export const OLDEST_SERVER = 15;
export const NEWEST_TESTED = 18;

/** The server is older than `OLDEST_SERVER`. */
export class ServerTooOld extends Error {}

const TABLE = 'groundwork_migration';

export interface MigrationReport {
  /** Names of the migrations that this call applied, in order. */
  applied: string[];
}

/**
 * Brings the schema of `databaseUrl` up to date. Harmless to repeat; a second migrator waits for the first (advisory
 * lock of node-pg-migrate, asked for until `patienceMs` has passed) and then finds nothing to do.
 */
export async function migrate(databaseUrl: string, options: { patienceMs?: number } = {}): Promise<MigrationReport> {
  await refuseOldServer(databaseUrl);
  const giveUpAt = Date.now() + (options.patienceMs ?? 60_000);
  for (;;) {
    try {
      const applied = await runner({
        databaseUrl,
        dir: directory, // no glob: the path of a checkout may have brackets in it
        ignorePattern: '(?!.*\\.sql$).*',
        migrationsTable: TABLE,
        direction: 'up',
        count: Number.POSITIVE_INFINITY,
        singleTransaction: true,
        log: () => {},
      });
      return { applied: applied.map(({ name }) => name) };
    } catch (error) {
      const locked = error instanceof Error && /another migration is already running/i.test(error.message);
      if (!locked || Date.now() > giveUpAt) throw error;
      await delay(100);
    }
  }
}

/** Names of the migrations that the database of an open connection lacks, in order. */
export async function pendingMigrations(client: pg.Client): Promise<string[]> {
  const files = (await readdir(directory)).filter((name) => name.endsWith('.sql')).sort();
  const { rows: tables } = await client.query('select 1 where to_regclass($1) is not null', [TABLE]);
  const { rows } =
    tables.length === 0 ? { rows: [] } : await client.query<{ name: string }>(`select name from ${TABLE}`);
  const applied = new Set(rows.map(({ name }) => name));
  return files.map((name) => name.replace(/\.sql$/, '')).filter((name) => !applied.has(name));
}

async function refuseOldServer(databaseUrl: string): Promise<void> {
  const client = new pg.Client({ connectionString: databaseUrl, connectionTimeoutMillis: 10_000 });
  await client.connect();
  try {
    const { rows } = await client.query<{ version: number }>(
      "select current_setting('server_version_num')::int / 10000 as version",
    );
    const version = rows[0]?.version ?? 0;
    if (version < OLDEST_SERVER) {
      throw new ServerTooOld(`PostgreSQL ${version} is too old: Groundwork needs ${OLDEST_SERVER} or newer`);
    }
  } finally {
    await client.end();
  }
}
