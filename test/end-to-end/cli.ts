import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { inject } from 'vitest';
import { runCli } from '../../starter/cli/program.ts';
import { giveBack } from '../support/keep-environment.ts';
import { testServers } from '../support/servers.ts';

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

/** What leads a command to the worker whose task queues have this prefix. */
export function environmentOf(taskQueuePrefix: string): Record<string, string> {
  const { temporal } = testServers();
  return {
    TEMPORAL_ADDRESS: temporal.address,
    TEMPORAL_NAMESPACE: temporal.namespace,
    GROUNDWORK_TASK_QUEUE_PREFIX: taskQueuePrefix,
  };
}

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

/** The commands that run in this process, all with one environment, which is this process's meanwhile; `own` is put back. */
const here = { running: 0, text: '', own: {} as NodeJS.ProcessEnv };

function enter(environment: Record<string, string> = {}): void {
  const text = JSON.stringify(environment);
  if (here.running > 0 && text !== here.text) throw new Error('a command with another environment runs here');
  here.running += 1;
  if (here.running > 1) return;
  here.text = text;
  here.own = { ...process.env };
  for (const name of Object.keys(process.env)) if (FOREIGN.test(name)) delete process.env[name];
  Object.assign(process.env, environment);
}

function leave(): void {
  here.running -= 1;
  if (here.running > 0) return;
  giveBack(here.own);
}

/** The same command line in this process, for what a process of its own need not show again: that costs a second each. */
export async function groundworkHere(argv: readonly string[], options: CliOptions = {}): Promise<CliResult> {
  enter(options.env);
  const result: CliResult = { code: null, stdout: '', stderr: '' };
  let interrupt: (() => void) | undefined;
  const output = (name: 'stdout' | 'stderr') => ({
    write: (text: string) => {
      result[name] += text;
      const { interruptAt } = options;
      if (interruptAt !== undefined && `${result.stdout}${result.stderr}`.includes(interruptAt)) interrupt?.();
    },
  });
  try {
    result.code = await runCli(argv, {
      stdout: output('stdout'),
      stderr: output('stderr'),
      stdin: (async function* () {
        yield options.stdin ?? '';
      })(),
      env: process.env,
      onInterrupt: (handler) => {
        interrupt = handler;
        return () => {
          interrupt = undefined;
        };
      },
    });
    return result;
  } finally {
    leave();
  }
}
