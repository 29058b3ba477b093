import { symlink, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildDist } from '../../tools/build-dist.ts';
import { ROOT } from '../../tools/checks.ts';

const PROJECT = fileURLToPath(new URL('./tsconfig.json', import.meta.url));
/** What the project compiles, from the root. */
const PROGRAM = relative(ROOT, fileURLToPath(new URL('./worker-process.ts', import.meta.url)));

/**
 * Builds the worker with its probe into `folder` as production runs it: compiled, with a workflow bundle made ahead. A
 * worker from its sources carries a compiler and a bundler in its memory. Answers the program.
 */
export async function buildWorker(folder: string): Promise<string> {
  await buildDist(folder, PROJECT);
  await writeFile(join(folder, 'package.json'), '{ "type": "module" }\n');
  await symlink(join(ROOT, 'node_modules'), join(folder, 'node_modules'), 'dir');
  return join(folder, PROGRAM.replace(/ts$/, 'js'));
}
