import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { inject } from 'vitest';

/** The `groundwork` command as a user types it: a process of its own, from the build. */

export interface CliResult {
  code: number | null;
  stdout: string;
  stderr: string;
}

export interface CliOptions {
  env?: Readonly<Record<string, string>>;
  stdin?: string;
  /** Sends Ctrl-C once the output so far contains this. */
  interruptAt?: string;
}

/** What a machine has set for its own use must not reach the command. */
const FOREIGN = /^(GROUNDWORK|TEMPORAL|AWS|KUBE|PG|DATABASE)/;

export function groundwork(argv: readonly string[], options: CliOptions = {}): Promise<CliResult> {
  const inherited = Object.fromEntries(Object.entries(process.env).filter(([name]) => !FOREIGN.test(name)));
  const child = spawn(process.execPath, [join(inject('dist'), 'starter/cli/main.js'), ...argv], {
    env: { ...inherited, ...options.env },
  });
  const result: CliResult = { code: null, stdout: '', stderr: '' };
  let interrupted = false;
  const collect = (name: 'stdout' | 'stderr') => (chunk: Buffer) => {
    result[name] += chunk.toString();
    const { interruptAt } = options;
    if (interruptAt === undefined || interrupted || !`${result.stdout}${result.stderr}`.includes(interruptAt)) return;
    interrupted = true;
    child.kill('SIGINT');
  };
  child.stdout.on('data', collect('stdout'));
  child.stderr.on('data', collect('stderr'));
  child.stdin.end(options.stdin ?? '');
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => resolve({ ...result, code }));
  });
}
