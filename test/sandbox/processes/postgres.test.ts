import { execFile } from 'node:child_process';
import { access, chmod, cp, mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import pg from 'pg';
import { describe, expect, onTestFinished, test } from 'vitest';
import { installedPackage, postgresBinaries } from '../../../sandbox/postgres/binaries.ts';
import { databaseUrl } from '../../../sandbox/postgres/databases.ts';
import { startPostgres } from '../../../sandbox/postgres/server.ts';
import { mayTraverse, parsePasswd, serverUser } from '../../../sandbox/postgres/user.ts';
import { commandLine, identify } from '../../../sandbox/processes/identity.ts';
import { Supervisor } from '../../../sandbox/processes/supervisor.ts';
import { temporaryFolders } from './support.ts';

const folder = temporaryFolders();
const env = { ...process.env, DATABASE_URL: '' };

async function query<Row extends pg.QueryResultRow>(url: string, sql: string): Promise<Row[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<Row>(sql)).rows;
  } finally {
    await client.end();
  }
}

describe('PostgreSQL under the supervisor', () => {
  test('runs version 18 on loopback, as another user than root, and answers only those with the password', async () => {
    const root = await folder();
    const supervisor = await Supervisor.open(join(root, 'run'));
    const server = await startPostgres({ supervisor, folder: join(root, 'run', 'postgres'), env });
    expect(await server.version()).toMatch(/^18\./);
    expect(await commandLine(server.pid ?? -1)).toContain('listen_addresses=127.0.0.1');
    if (process.platform === 'linux') {
      const uid = /^Uid:\s+(\d+)/m.exec(await readFile(`/proc/${server.pid}/status`, 'utf8'))?.[1];
      expect(Number(uid)).toBe((await serverUser())?.uid ?? process.getuid?.());
      expect(uid).not.toBe('0');
    }
    const wrong = new URL(server.url);
    wrong.password = 'guess';
    await expect(query(wrong.href, 'SELECT 1')).rejects.toMatchObject({ code: '28P01' });
    const data = server.folder ?? '';
    await supervisor.stop();
    await expect(access(data)).rejects.toThrow('ENOENT');
  });

  test('copies a database from a template and drops it with the sessions in it', async () => {
    const root = await folder();
    const supervisor = await Supervisor.open(join(root, 'run'));
    const server = await startPostgres({ supervisor, folder: join(root, 'run', 'postgres'), env });
    await query(await server.createDatabase({ name: 'template' }), 'CREATE TABLE colour (name text)');
    const copy = await server.createDatabase({ template: 'template' });
    const client = new pg.Client({ connectionString: copy, application_name: 'forgotten' });
    client.on('error', () => {}); // dropping the database ends it
    await client.connect();
    expect((await client.query('SELECT * FROM colour')).rows).toEqual([]);
    expect((await server.sessions(copy)).map(({ application }) => application)).toEqual(['forgotten']);
    await server.dropDatabase(copy);
    await expect(query(copy, 'SELECT 1')).rejects.toMatchObject({ code: '3D000' });
    await server.dropDatabase(copy); // absent is no error
    await supervisor.stop();
  });

  test('is found again on its data folder by the next supervisor while it runs, and started anew when it does not', async () => {
    const root = await folder();
    const where = { folder: join(root, 'run', 'postgres'), persist: true, env };
    const first = await Supervisor.open(join(root, 'first'));
    const orphan = await startPostgres({ ...where, supervisor: first });
    await query(await orphan.createDatabase({ name: 'kept' }), 'CREATE TABLE colour AS SELECT 1 AS number');

    const second = await Supervisor.open(join(root, 'second'));
    const attached = await startPostgres({ ...where, supervisor: second });
    expect([attached.attached, attached.pid, attached.url]).toEqual([true, orphan.pid, orphan.url]);
    await second.stop();
    expect(await identify(orphan.pid ?? -1)).toBeUndefined();
    await first.stop();

    const third = await Supervisor.open(join(root, 'third'));
    const again = await startPostgres({ ...where, supervisor: third });
    expect(again.attached).toBe(false);
    expect(await query(databaseUrl(again.url, 'kept'), 'SELECT * FROM colour')).toEqual([{ number: 1 }]);
    await third.stop();
  });

  test('passes over a postmaster.pid that names a process which is not its server', async () => {
    const root = await folder();
    const where = { folder: join(root, 'run', 'postgres'), persist: true, env };
    const first = await Supervisor.open(join(root, 'first'));
    const data = join((await startPostgres({ ...where, supervisor: first })).folder ?? '', 'data');
    await first.stop();
    await writeFile(join(data, 'postmaster.pid'), `${process.pid}\n${data}\n0\n5432\n`);
    const second = await Supervisor.open(join(root, 'second'));
    const server = await startPostgres({ ...where, supervisor: second });
    expect(server.attached).toBe(false);
    expect(server.pid).not.toBe(process.pid);
    await second.stop();
  });

  test('takes the server of DATABASE_URL instead, which it does not stop', async () => {
    const root = await folder();
    const supervisor = await Supervisor.open(join(root, 'run'));
    const own = await startPostgres({ supervisor, folder: join(root, 'run', 'postgres'), env });
    const used = await startPostgres({ supervisor, folder: join(root, 'unused'), env: { DATABASE_URL: own.url } });
    expect(used.source).toMatch(/^DATABASE_URL \(PostgreSQL 18\./);
    await used.stop();
    expect(await own.version()).toMatch(/^18\./);
    await supervisor.stop();
    const absent = { supervisor, folder: join(root, 'unused'), env: { DATABASE_URL: own.url } };
    await expect(startPostgres(absent)).rejects.toThrow(/cannot connect to PostgreSQL at 127\.0\.0\.1:\d+\/postgres/);
  });
});

describe('the binaries', () => {
  test('get their library links without an install script', async () => {
    const copy = await folder();
    const installed = await installedPackage();
    await cp(join(installed.folder, 'native'), join(copy, 'native'), { recursive: true, verbatimSymlinks: true });
    const list = await readFile(join(copy, 'native', 'pg-symlinks.json'), 'utf8');
    const links = (JSON.parse(list) as { target: string }[]).map(({ target }) => join(copy, target));
    for (const link of links) await rm(link, { force: true });
    const { postgres } = await postgresBinaries(undefined, env, { ...installed, folder: copy });
    for (const link of links) expect((await stat(link)).isFile()).toBe(true);
    expect((await promisify(execFile)(postgres, ['--version'])).stdout).toMatch(/PostgreSQL\) 18\./);
  });

  test('are copied into the cache, links and all, where the server user cannot reach the package', async () => {
    const root = await folder();
    await chmod(root, 0o755);
    const installed = await installedPackage();
    const home = join(root, 'home');
    await cp(join(installed.folder, 'native'), join(home, 'native'), { recursive: true, verbatimSymlinks: true });
    await chmod(home, 0o700);
    const stranger = { name: 'stranger', uid: (process.getuid?.() ?? 0) + 12_345, gid: 54_321 };
    const cache = { XDG_CACHE_HOME: join(root, 'cache') };
    expect(await mayTraverse(home, stranger)).toBe(false);
    const { postgres } = await postgresBinaries(stranger, cache, { ...installed, folder: home });
    expect(postgres.startsWith(cache.XDG_CACHE_HOME)).toBe(true);
    expect(await mayTraverse(dirname(postgres), stranger)).toBe(true);
    expect((await promisify(execFile)(postgres, ['--version'])).stdout).toMatch(/PostgreSQL\) 18\./);
    expect((await postgresBinaries(stranger, cache, { ...installed, folder: home })).postgres).toBe(postgres);
  });
});

describe('under a umask that closes new folders to others', () => {
  const closing = () => {
    const before = process.umask(0o077);
    onTestFinished(() => void process.umask(before));
  };

  test('the server starts, for root in a folder that its user reaches, also where an earlier run left it closed', async () => {
    const root = await folder();
    const systemCache = join(root, 'system', 'groundwork');
    closing();
    const start = async (run: string) => {
      const supervisor = await Supervisor.open(join(root, run));
      const server = await startPostgres({ supervisor, folder: join(root, run, 'postgres'), systemCache, env });
      expect(await server.version()).toMatch(/^18\./);
      if ((await serverUser()) !== undefined) expect(server.folder?.startsWith(join(systemCache, 'run'))).toBe(true);
      await supervisor.stop();
      await expect(access(server.folder ?? '')).rejects.toThrow('ENOENT');
    };
    await start('first');
    if ((await serverUser()) === undefined) return; // only root has another user for it
    await chmod(join(systemCache, 'run'), 0o700);
    await chmod(systemCache, 0o700);
    await start('second');
  });

  // Only root has another user for it.
  test.runIf(process.getuid?.() === 0)(
    'a folder above the cache that is closed is named, with the remedy',
    async () => {
      const root = await folder();
      const closed = join(root, 'closed');
      await mkdir(closed, { mode: 0o700 });
      closing();
      const supervisor = await Supervisor.open(join(root, 'run'));
      const systemCache = join(closed, 'cache');
      const starting = startPostgres({ supervisor, folder: join(root, 'run', 'postgres'), systemCache, env });
      await expect(starting).rejects.toThrow(/may not pass through \S+\/closed: open it \(chmod o\+x .*DATABASE_URL/);
      await supervisor.stop();
    },
  );

  test('a copy of the binaries can be used by the other user, also one of a closed package and one that was left closed', async () => {
    const root = await folder();
    const installed = await installedPackage();
    closing();
    const home = join(root, 'home');
    await cp(join(installed.folder, 'native'), join(home, 'native'), { recursive: true, verbatimSymlinks: true });
    for (const path of ['', 'bin', 'bin/initdb', 'bin/postgres']) await chmod(join(home, 'native', path), 0o700);
    const stranger = { name: 'stranger', uid: (process.getuid?.() ?? 0) + 12_345, gid: 54_321 };
    const systemCache = join(root, 'system');
    const own = { XDG_CACHE_HOME: join(root, 'own') };
    const copied = () => postgresBinaries(stranger, own, { ...installed, folder: home }, systemCache);
    const { initdb } = await copied();
    const usable = async () =>
      (await mayTraverse(dirname(initdb), stranger)) && ((await stat(initdb)).mode & 0o777).toString(8);
    expect([initdb.startsWith(systemCache), await usable()]).toEqual([true, '755']);
    await chmod(initdb, 0o700);
    await chmod(systemCache, 0o700);
    await copied();
    expect(await usable()).toBe('755');
  });
});

test('passwd entries are read by name', () => {
  const users = parsePasswd('root:x:0:0:root:/root:/bin/sh\npostgres:x:101:104:,,,:/var/lib/postgresql:/bin/bash\n\n');
  expect(users.get('postgres')).toEqual({ name: 'postgres', uid: 101, gid: 104 });
  expect(users.size).toBe(2);
});
