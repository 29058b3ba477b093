import { execFile } from 'node:child_process';
import { symlink, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { buildWorkflowBundle } from '../../tools/build-workflow-bundle.ts';
import { command, ROOT } from '../../tools/checks.ts';

const PROJECT = fileURLToPath(new URL('./tsconfig.json', import.meta.url));
/** What the project compiles, from the root. */
const PROGRAM = relative(ROOT, fileURLToPath(new URL('./worker-process.ts', import.meta.url)));

/**
 * Builds the worker with its probe into `folder` as production runs it: compiled, with a workflow bundle made ahead. A
 * worker from its sources carries a compiler and a bundler in its memory. Answers the program.
 */
export async function buildWorker(folder: string): Promise<string> {
  const compile = [command('typescript', 'tsc'), '-p', PROJECT, '--outDir', folder];
  await Promise.all([
    promisify(execFile)(process.execPath, compile, { cwd: ROOT }),
    buildWorkflowBundle(join(folder, 'workflow-bundle.js')),
  ]);
  await writeFile(join(folder, 'package.json'), '{ "type": "module" }\n');
  await symlink(join(ROOT, 'node_modules'), join(folder, 'node_modules'), 'dir');
  return join(folder, PROGRAM.replace(/ts$/, 'js'));
}
