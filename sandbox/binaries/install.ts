import { chmod, mkdir, mkdtemp, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { identify, isAlive, type ProcessIdentity } from '../processes/identity.ts';
import { elapsed, type Report } from './progress.ts';

/**
 * Fills `folder` once: `fill` works in a temporary folder beside it, which is renamed when it has succeeded, so nobody
 * ever sees half an installation. Of several processes one works, the others wait and find the folder filled.
 * Answers false when `complete` says that the folder is there already.
 */
export async function installOnce(options: {
  readonly folder: string;
  readonly complete: (folder: string) => Promise<boolean>;
  readonly fill: (temporary: string) => Promise<void>;
  readonly report: Report;
}): Promise<boolean> {
  const { folder, complete, fill, report } = options;
  await mkdir(dirname(folder), { recursive: true, mode: 0o755 });
  return withLock(`${folder}.lock`, report, async () => {
    if (await complete(folder)) return false;
    await removeLeftovers(folder);
    const temporary = await mkdtemp(`${folder}.partial-`);
    try {
      await fill(temporary);
      if (!(await complete(temporary))) throw new Error(`the installation for ${folder} lacks its files`);
      await chmod(temporary, 0o755); // mkdtemp closes it to others
      await rm(folder, { recursive: true, force: true });
      await rename(temporary, folder);
    } catch (error) {
      await rm(temporary, { recursive: true, force: true });
      throw error;
    }
    return true;
  });
}

/** What an installer that was killed left; only the holder of the lock may look. */
async function removeLeftovers(folder: string): Promise<void> {
  for (const name of await readdir(dirname(folder))) {
    if (name.startsWith(`${basename(folder)}.partial-`)) await rm(join(dirname(folder), name), { recursive: true });
  }
}

/** Runs `work` while holding the lock file; waits for a living holder, and takes over from a dead one. */
export async function withLock<T>(file: string, report: Report, work: () => Promise<T>): Promise<T> {
  const started = Date.now();
  let announced = 0;
  while (!(await take(file))) {
    const holder = await holderOf(file);
    if (holder === undefined) continue;
    if (Date.now() - announced > 15_000) {
      announced = Date.now();
      report(`waiting for process ${holder.pid}, which is at work on the same (${elapsed(Date.now() - started)})`);
    }
    await delay(200);
  }
  try {
    return await work();
  } finally {
    await rm(file, { force: true });
  }
}

/** True when we made the file: creation with the exclusive flag succeeds for one process only. */
async function take(file: string): Promise<boolean> {
  const self = await identify(process.pid);
  try {
    await writeFile(file, JSON.stringify(self), { flag: 'wx' });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

/** Who holds the lock. A file of a dead holder, or one that stays empty, is removed. */
async function holderOf(file: string): Promise<ProcessIdentity | undefined> {
  const text = await readFile(file, 'utf8').catch(() => undefined);
  if (text === undefined) return undefined;
  try {
    const holder = JSON.parse(text) as ProcessIdentity;
    if (await isAlive(holder)) return holder;
  } catch {
    const age =
      Date.now() -
      (await stat(file).then(
        (found) => found.mtimeMs,
        () => Date.now(),
      ));
    if (age < 2_000) {
      await delay(50); // its maker is still writing
      return undefined;
    }
  }
  await rm(file, { force: true });
  return undefined;
}
