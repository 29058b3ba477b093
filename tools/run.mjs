// Runs a TypeScript entry file of this repository from its sources, dependencies included:
//   node tools/run.mjs sandbox/demo/main.ts [arguments]
// The entry runs in this process, so it receives the signals, and sees itself as the main module (process.argv[1]).
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { ensureDependencies } from './ensure-dependencies.mjs';

const [entry, ...argv] = process.argv.slice(2);
const file = entry === undefined ? undefined : resolve(fileURLToPath(new URL('..', import.meta.url)), entry);
if (file === undefined || !existsSync(file)) {
  console.error(
    entry === undefined ? 'usage: node tools/run.mjs ENTRY [ARGUMENT ...]' : `There is no ${entry} in this repository.`,
  );
  process.exit(2);
}
await ensureDependencies();
// The SDK's notice about Node 20 from 2027 on is for us (docs/dependencies.md), not for each command's output.
process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= 'true';
const { register } = await import('tsx/esm/api');
register();
const { exemptLoopback } = await import('../starter/loopback.ts');
exemptLoopback(process.env);
process.argv = [process.argv[0] ?? 'node', file, ...argv];
await import(pathToFileURL(file).href);
