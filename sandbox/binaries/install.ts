import { chmod, mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { withLock } from '../processes/lock.ts';
import type { Report } from './progress.ts';

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
