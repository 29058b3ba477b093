import { readFile, rm, stat, writeFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { elapsed, type Report } from '../binaries/progress.ts';
import { identify, isAlive, type ProcessIdentity } from './identity.ts';

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
