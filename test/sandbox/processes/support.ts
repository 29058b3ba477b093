import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach } from 'vitest';

/** A folder for one test, removed after it. */
export function temporaryFolders(): () => Promise<string> {
  const folders: string[] = [];
  afterEach(async () => {
    for (const folder of folders.splice(0)) await rm(folder, { recursive: true, force: true });
  });
  return async () => {
    const folder = await mkdtemp(join(tmpdir(), 'groundwork-test-'));
    await chmod(folder, 0o755); // so that PostgreSQL's user reaches it when the tests run as root
    folders.push(folder);
    return folder;
  };
}

/** Waits until the condition holds; fails after thirty seconds, which only a broken program needs. */
export async function eventually(what: string, condition: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 30_000;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`it did not happen: ${what}`);
    await delay(20);
  }
}
