// The checks that need no server. `npm run lint` runs those that read code; `npm test` runs all of them first.
//   node tools/run.mjs tools/checks.ts [--only NAME,NAME]
import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('..', import.meta.url));

interface Check {
  name: string;
  /** Arguments of this Node: all tools run under the Node that runs us, whatever else is on the PATH. */
  argv: () => string[];
  /** Part of `npm run test:fast`. */
  fast: boolean;
}

/** Of several each checks a part of the types again: half as much work more, and the other processor is in use. */
const ONE_CHECKER = ['--checkers', '1'];

const CHECKS: readonly Check[] = [
  { name: 'types', argv: () => [command('typescript', 'tsc'), '-p', 'tsconfig.json', ...ONE_CHECKER], fast: true },
  { name: 'lint', argv: () => [command('@biomejs/biome', 'biome'), 'check', '--error-on-warnings', '.'], fast: true },
  { name: 'imports', argv: () => ['tools/run.mjs', 'tools/check-imports.ts'], fast: true },
  { name: 'validators', argv: () => ['tools/run.mjs', 'tools/check-validators.ts'], fast: true },
  { name: 'unused', argv: () => [command('knip', 'knip'), '--no-progress', '--no-config-hints'], fast: false },
  { name: 'lock', argv: () => ['tools/complete-lock.mjs', '--check'], fast: false },
  { name: 'schemas', argv: () => ['tools/run.mjs', 'tools/schemas.ts', '--check'], fast: false },
];

export interface ChecksOutcome {
  passed: number;
  failed: number;
}

/** Runs the checks, two at a time, and prints a line for each when it ends, with its output when it failed. */
export async function runChecks(options: { fastOnly?: boolean; only?: readonly string[] }): Promise<ChecksOutcome> {
  const { fastOnly = false, only } = options;
  const chosen = CHECKS.filter(({ name, fast }) => (fast || !fastOnly) && (only?.includes(name) ?? true));
  const outcome = { passed: 0, failed: 0 };
  const next = chosen.values();
  const lane = async () => {
    for (const { name, argv } of next) {
      const startedAt = performance.now();
      const { code, output } = await node(argv());
      const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
      console.log(`${name.padEnd(11)} ${code === 0 ? 'ok' : 'FAILED'}  ${seconds} s`);
      if (code !== 0) console.log(output.trimEnd());
      outcome[code === 0 ? 'passed' : 'failed'] += 1;
    }
  };
  await Promise.all([lane(), lane()]);
  return outcome;
}

/** The JavaScript file behind a package's command. */
export function command(packageName: string, name: string): string {
  const require = createRequire(import.meta.url);
  const file = join(ROOT, 'node_modules', packageName, 'package.json');
  const { bin } = require(file) as { bin: string | Record<string, string> };
  const path = typeof bin === 'string' ? bin : bin[name];
  if (path === undefined) throw new Error(`The package ${packageName} has no command ${name}.`);
  return join(dirname(file), path);
}

function node(argv: readonly string[]): Promise<{ code: number; output: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, argv, { cwd: ROOT, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    const collect = (chunk: Buffer) => {
      output += chunk.toString();
    };
    child.stdout.on('data', collect);
    child.stderr.on('data', collect);
    child.on('error', reject);
    child.on('close', (code) => resolve({ code: code ?? 1, output }));
  });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const flag = process.argv.indexOf('--only');
  const only = flag === -1 ? undefined : (process.argv[flag + 1] ?? '').split(',');
  const unknown = only?.filter((name) => !CHECKS.some((check) => check.name === name)) ?? [];
  if (unknown.length > 0) {
    console.error(`There is no check ${unknown.join(', ')}; there are ${CHECKS.map(({ name }) => name).join(', ')}.`);
    process.exit(2);
  }
  const { failed } = await runChecks(only === undefined ? {} : { only });
  process.exitCode = failed === 0 ? 0 : 1;
}
