import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundleWorkflowCode, Runtime } from '@temporalio/worker';
import { workflowSources } from './workflow-sources.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

/** What decides which code the bundle holds: ours, and by the lock file that of others. */
const PARTS = ['workflows', 'contract', 'domain', 'worker/workflow-sources.ts', 'package-lock.json'];

/**
 * Workflow code of a checkout that was not built, for all rooms. To bundle it takes seconds of each start, so the last bundle is
 * kept beside the dependencies and taken again while what it was made of is the same.
 */
export async function bundleFromSource(): Promise<{ code: string }> {
  const folder = join(ROOT, 'node_modules/.cache/groundwork');
  const make = async () => (await bundleWorkflowCode({ ...workflowSources, logger: Runtime.instance().logger })).code;
  return { code: await kept(folder, `workflows-${await contentKey(ROOT, PARTS)}.js`, make) };
}

/**
 * The text of file `name`, made by `make` when it is not there; then it is the only one of its folder. A folder that cannot be
 * written to keeps nothing, which is no error.
 */
export async function kept(folder: string, name: string, make: () => Promise<string>): Promise<string> {
  const file = join(folder, name);
  const before = await readFile(file, 'utf8').catch(() => undefined);
  if (before !== undefined) return before;
  const text = await make();
  try {
    await mkdir(folder, { recursive: true });
    const others = await readdir(folder);
    // Under its name it is whole: another worker may start at the same time.
    await writeFile(`${file}.${process.pid}`, text);
    await rename(`${file}.${process.pid}`, file);
    await Promise.all(others.map((other) => rm(join(folder, other), { force: true })));
  } catch {
    // The next start bundles again.
  }
  return text;
}

/** Changes with any name or content below these files and folders of `root`. */
export async function contentKey(root: string, parts: readonly string[]): Promise<string> {
  const hash = createHash('sha256');
  for (const part of parts) {
    const isFolder = (await stat(join(root, part))).isDirectory();
    const files = isFolder
      ? (await readdir(join(root, part), { recursive: true })).map((file) => join(part, file))
      : [part];
    for (const file of files.sort()) {
      if (isFolder && !file.endsWith('.ts')) continue;
      const content = await readFile(join(root, file));
      hash.update(`${file}\n${content.length}\n`).update(content);
    }
  }
  return hash.digest('hex').slice(0, 16);
}
