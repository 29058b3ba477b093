// `npm run build`: dist/ with the compiled layers, the files they read at run time, and the workflow bundle.
import { spawn } from 'node:child_process';
import { chmod, cp, readdir, rm, stat } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { buildWorkflowBundle } from './build-workflow-bundle.ts';
import { command, ROOT } from './checks.ts';

const DIST = join(ROOT, 'dist');
/** Their TypeScript is compiled; what they read or start (SQL, JSON Schemas, Go modules, .mjs scripts) is copied. */
const LAYERS = ['contract', 'domain', 'workflows', 'activities', 'migrations', 'worker', 'starter', 'sandbox'];
/** Copied whole. */
const FOLDERS = ['deploy'];

await rm(DIST, { recursive: true, force: true });
await compile();
let copied = 0;
for (const folder of [...LAYERS, ...FOLDERS]) copied += await copyOthers(folder);
const size = await buildWorkflowBundle(join(DIST, 'workflow-bundle.js'));
console.log(`dist/ is built: ${copied} files copied, workflow bundle ${(size / 1_000_000).toFixed(1)} MB`);

function compile(): Promise<void> {
  return new Promise((resolve, reject) => {
    const argv = [command('typescript', 'tsc'), '-p', 'tsconfig.build.json'];
    spawn(process.execPath, argv, { cwd: ROOT, stdio: 'inherit' })
      .on('error', reject)
      .on('close', (code) => (code === 0 ? resolve() : process.exit(code ?? 1)));
  });
}

async function copyOthers(folder: string): Promise<number> {
  const from = join(ROOT, folder);
  if ((await stat(from).catch(() => undefined)) === undefined) return 0;
  const entries = await readdir(from, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile() && !/\.[jt]s$/.test(entry.name));
  for (const entry of files) {
    const source = join(entry.parentPath, entry.name);
    const target = join(DIST, relative(ROOT, source));
    await cp(source, target);
    await chmod(target, (await stat(source)).mode);
  }
  return files.length;
}
