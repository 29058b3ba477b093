import { spawn } from 'node:child_process';
import { chmod, cp, readdir, rm, stat } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { buildWorkflowBundle } from './build-workflow-bundle.ts';
import { command, ROOT } from './checks.ts';

/** Their TypeScript is compiled; what they read or start (SQL, JSON Schemas, Go modules, .mjs scripts) is copied. */
const LAYERS = ['contract', 'domain', 'workflows', 'activities', 'migrations', 'worker', 'starter', 'sandbox'];
/** Copied whole. */
const FOLDERS = ['deploy'];

export interface Built {
  /** Files copied beside the compiled ones. */
  readonly copied: number;
  /** Size of the workflow bundle in bytes. */
  readonly bundle: number;
}

/**
 * Makes `dist` anew: what the TypeScript project compiles, the files that the layers read at run time, and the workflow
 * bundle. Rejects when the compiler does.
 */
export async function buildDist(dist: string, project = 'tsconfig.build.json'): Promise<Built> {
  await rm(dist, { recursive: true, force: true });
  const [bundle] = await Promise.all([buildWorkflowBundle(join(dist, 'workflow-bundle.js')), compile(dist, project)]);
  let copied = 0;
  for (const folder of [...LAYERS, ...FOLDERS]) copied += await copyOthers(folder, dist);
  return { copied, bundle };
}

function compile(dist: string, project: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const argv = [command('typescript', 'tsc'), '-p', project, '--outDir', dist];
    spawn(process.execPath, argv, { cwd: ROOT, stdio: 'inherit' })
      .on('error', reject)
      .on('close', (code) => (code === 0 ? resolve() : reject(new Error(`tsc ended with exit code ${code}`))));
  });
}

async function copyOthers(folder: string, dist: string): Promise<number> {
  const from = join(ROOT, folder);
  if ((await stat(from).catch(() => undefined)) === undefined) return 0;
  const entries = await readdir(from, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile() && !/\.[jt]s$/.test(entry.name));
  for (const entry of files) {
    const source = join(entry.parentPath, entry.name);
    const target = join(dist, relative(ROOT, source));
    await cp(source, target);
    await chmod(target, (await stat(source)).mode);
  }
  return files.length;
}
