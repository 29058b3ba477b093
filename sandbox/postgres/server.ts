import { execFile } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { chmod, chown, mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import pg from 'pg';
import { commandLine, identify, type ProcessIdentity } from '../processes/identity.ts';
import { tail } from '../processes/log.ts';
import { freePort } from '../processes/ports.ts';
import { type Child, ChildFailure, type StopRule, type Supervisor } from '../processes/supervisor.ts';
import { type PostgresBinaries, postgresBinaries } from './binaries.ts';
import { type Databases, databasesOf } from './databases.ts';
import { makeOpenFolder, requirePassage } from './open-folders.ts';
import { mayTraverse, serverUser, systemCacheRoot, type UnixUser } from './user.ts';

const run = promisify(execFile);

/** SIGINT is PostgreSQL's fast shutdown: sessions are ended, the data folder is left clean. */
const STOP: StopRule = { signal: 'SIGINT', graceMs: 10_000, order: 1 };
const READY_MS = 30_000;
const ADMIN = 'groundwork';

export interface PostgresOptions {
  readonly supervisor: Supervisor;
  /** Holds the data. As root another one is used when the server's user cannot reach it: see `folder` of the result. */
  readonly folder: string;
  /** Keep the data at the end. Default false. */
  readonly persist?: boolean;
  /** fsync on, for benchmarks and data that matters. Default false: a crash of the *machine* may lose data. */
  readonly durable?: boolean;
  readonly port?: number;
  readonly env?: NodeJS.ProcessEnv;
  /** Holds the other folder that root may need. Default `systemCacheRoot()`. */
  readonly systemCache?: string;
}

export interface PostgresServer extends Databases {
  /** The administrator's URL of the maintenance database. */
  readonly url: string;
  readonly host: string;
  readonly port: number;
  /** For people: where the server comes from. */
  readonly source: string;
  /** Found running in its data folder and taken over. */
  readonly attached: boolean;
  /** Undefined for a server that is not ours. */
  readonly folder: string | undefined;
  readonly pid: number | undefined;
  stop(): Promise<void>;
}

/**
 * PostgreSQL for the sandbox: the server behind `DATABASE_URL` when that is set, else our own under the supervisor.
 * Errors name the remedy; a server of ours that does not come up reports the end of its log.
 */
export async function startPostgres(options: PostgresOptions): Promise<PostgresServer> {
  const url = (options.env ?? process.env).DATABASE_URL;
  return url === undefined || url === '' ? startOwn(options) : useExisting(url);
}

async function useExisting(url: string): Promise<PostgresServer> {
  const { hostname, port } = new URL(url);
  const databases = databasesOf(url);
  const version = await databases.version();
  return {
    ...databases,
    url,
    host: hostname,
    port: Number(port || 5432),
    source: `DATABASE_URL (PostgreSQL ${version})`,
    attached: false,
    folder: undefined,
    pid: undefined,
    stop: async () => {},
  };
}

async function startOwn(options: PostgresOptions): Promise<PostgresServer> {
  const user = await serverUser();
  const binaries = await postgresBinaries(user, options.env);
  const folder = await dataFolder(options.folder, user, options.systemCache ?? systemCacheRoot());
  const data = join(folder, 'data');
  const running = await runningServer(data);
  if (!options.persist) {
    options.supervisor.removeAtEnd(folder);
    if (running === undefined) await emptyFolder(folder);
  }
  const password = await initialise(binaries, folder, data, user);
  const { child, port } =
    running === undefined
      ? await launch(options, binaries, data, user, password)
      : { child: await options.supervisor.attach('postgres', running, STOP), port: running.port };
  const url = adminUrl(port, password);
  const databases = databasesOf(url);
  if (child.attached) await databases.version(); // whoever answers there must know our password
  return {
    ...databases,
    url,
    host: '127.0.0.1',
    port,
    source: binaries.source,
    attached: child.attached,
    folder,
    pid: child.pid,
    stop: () => options.supervisor.stopChild(child.name),
  };
}

/** The wanted folder, or for root one of the same name that the server's user can reach; its owner and closed to others. */
async function dataFolder(wanted: string, user: UnixUser | undefined, systemCache: string): Promise<string> {
  await mkdir(wanted, { recursive: true, mode: 0o755 });
  let folder = wanted;
  if (user !== undefined) {
    if (!(await mayTraverse(dirname(wanted), user))) {
      const unique = createHash('sha256').update(wanted).digest('hex').slice(0, 8);
      folder = join(systemCache, 'run', `${basename(dirname(wanted))}-${basename(wanted)}-${unique}`);
      await makeOpenFolder(dirname(folder), systemCache);
      await requirePassage(dirname(folder), user);
      await mkdir(folder, { recursive: true });
    }
    await chown(folder, user.uid, user.gid);
  }
  await chmod(folder, 0o700);
  return folder;
}

/** Makes the cluster once; answers the administrator's password, which is kept beside the data for the next start. */
async function initialise(
  binaries: PostgresBinaries,
  folder: string,
  data: string,
  user: UnixUser | undefined,
): Promise<string> {
  const passwordFile = join(folder, 'password');
  const version = await readFile(join(data, 'PG_VERSION'), 'utf8').catch(() => undefined);
  if (version !== undefined && (await isFile(join(folder, 'initialised')))) {
    return (await readFile(passwordFile, 'utf8')).trim();
  }
  await rm(data, { recursive: true, force: true }); // an initdb that was cut off
  const password = randomBytes(18).toString('base64url');
  await writeFile(passwordFile, `${password}\n`, { mode: 0o600 });
  if (user !== undefined) await chown(passwordFile, user.uid, user.gid);
  const options = ['-A', 'scram-sha-256', '-E', 'UTF8', '--locale=C', '--no-sync', '--no-instructions'];
  await run(binaries.initdb, ['-D', data, '-U', ADMIN, `--pwfile=${passwordFile}`, ...options], {
    cwd: folder,
    timeout: 60_000,
    env: serverEnvironment(folder),
    ...(user === undefined ? {} : { uid: user.uid, gid: user.gid }),
  });
  await writeFile(join(folder, 'initialised'), '');
  return password;
}

/**
 * A server that outlived its parent holds the data folder: `postmaster.pid` names its pid in line 1 and its port in
 * line 4. It counts when it is alive and serves this very folder; a file that names another process is stale and goes.
 */
async function runningServer(data: string): Promise<(ProcessIdentity & { port: number }) | undefined> {
  const file = join(data, 'postmaster.pid');
  const lines = (await readFile(file, 'utf8').catch(() => '')).split('\n');
  const pid = Number(lines[0]);
  if (!Number.isInteger(pid) || pid <= 0) return undefined;
  const identity = await identify(pid);
  if (identity !== undefined && ((await commandLine(pid)) ?? '').includes(`-D ${data} `)) {
    return { ...identity, port: Number(lines[3]) };
  }
  await rm(file, { force: true });
  return undefined;
}

async function emptyFolder(folder: string): Promise<void> {
  for (const name of await readdir(folder)) await rm(join(folder, name), { recursive: true, force: true });
}

/** Starts the server on a free port, and on another one when somebody was faster. */
async function launch(
  options: PostgresOptions,
  binaries: PostgresBinaries,
  data: string,
  user: UnixUser | undefined,
  password: string,
): Promise<{ child: Child; port: number }> {
  for (let attempt = 1; ; attempt += 1) {
    const port = options.port ?? (await freePort());
    try {
      const child = await options.supervisor.start({
        name: 'postgres',
        command: binaries.postgres,
        args: ['-D', data, '-p', String(port), ...settings(options.durable ?? false)],
        cwd: data,
        env: serverEnvironment(data),
        ...(user === undefined ? {} : { user }),
        stop: STOP,
        readyWithinMs: READY_MS,
        ready: (starting) => isReady(starting, adminUrl(port, password)),
      });
      return { child, port };
    } catch (error) {
      const taken = error instanceof ChildFailure && error.message.includes('could not bind');
      if (!taken || options.port !== undefined || attempt === 5) throw error;
    }
  }
}

function settings(durable: boolean): string[] {
  const fast = ['fsync=off', 'synchronous_commit=off', 'full_page_writes=off'];
  // No Unix socket: its path may not exceed 107 bytes, and nobody needs it.
  const all = [
    'listen_addresses=127.0.0.1',
    'unix_socket_directories=',
    'max_connections=400',
    ...(durable ? [] : fast),
  ];
  return all.flatMap((setting) => ['-c', setting]);
}

/** Both, because the log line alone comes before the first connection is served, and an old server may hold the port. */
async function isReady(child: Child, url: string): Promise<boolean> {
  if (!(await tail(child.logFile)).includes('ready to accept connections')) return false;
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 2_000 });
  try {
    await client.connect();
    await client.query('SELECT 1');
    return true;
  } finally {
    await client.end().catch(() => {});
  }
}

function adminUrl(port: number, password: string): string {
  return `postgres://${ADMIN}:${password}@127.0.0.1:${port}/postgres`;
}

/** Nothing of the caller's environment that PostgreSQL reads (PGDATA, PGPORT, a locale) may reach the server. */
function serverEnvironment(home: string): NodeJS.ProcessEnv {
  return { PATH: process.env.PATH, HOME: home, LC_ALL: 'C', TZ: 'UTC' };
}

async function isFile(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isFile(),
    () => false,
  );
}
