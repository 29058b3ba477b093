import { type ChildProcess, spawn } from 'node:child_process';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { inject, onTestFinished } from 'vitest';

/** The worker as a process of its own, as it runs in production. What a test leaves running is killed after it, by pid. */

export interface Running {
  child: ChildProcess;
  output: () => string;
  errors: () => string;
  ended: Promise<number | null>;
}

/** `environment` on top of this process's, without settings of Groundwork, Temporal or AWS. */
export function onTopOfOurs(environment: Readonly<Record<string, string>>): NodeJS.ProcessEnv {
  const foreign = /^(GROUNDWORK|TEMPORAL|AWS(?!_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED$)|VITEST)/;
  const inherited = Object.entries(process.env).filter(([name]) => !foreign.test(name));
  return { ...Object.fromEntries(inherited), ...environment };
}

/** Starts the worker with `environment` on top of this process's. */
export function runWorker(environment: Record<string, string>, ...args: string[]): Running {
  const child = spawn(process.execPath, [join(inject('dist'), 'worker/main.js'), ...args], {
    env: onTopOfOurs(environment),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  onTestFinished(() => {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
  });
  let output = '';
  let errors = '';
  child.stdout?.on('data', (chunk) => {
    output += chunk;
  });
  child.stderr?.on('data', (chunk) => {
    errors += chunk;
  });
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  return { child, output: () => output, errors: () => errors, ended };
}

/** An address on loopback that nobody listens on just now. */
export async function freeAddress(): Promise<string> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return `127.0.0.1:${port}`;
}
