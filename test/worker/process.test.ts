import { type ChildProcess, spawn } from 'node:child_process';
import { createServer } from 'node:net';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, test } from 'vitest';
import { eventually } from '../support/inspect.ts';
import { testDatabase, testServers, uniqueName } from '../support/servers.ts';

/** The worker as a process of its own, as it runs in production. */

const MAIN = fileURLToPath(new URL('../../worker/main.ts', import.meta.url));
const database = testDatabase();
const started: ChildProcess[] = [];

afterEach(() => {
  for (const child of started.splice(0))
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
});

interface Running {
  child: ChildProcess;
  output: () => string;
  errors: () => string;
  ended: Promise<number | null>;
}

function run(environment: Record<string, string>, ...args: string[]): Running {
  const inherited = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^(GROUNDWORK|TEMPORAL|VITEST)/.test(name)),
  );
  const child = spawn(process.execPath, ['--import', 'tsx', MAIN, ...args], {
    env: {
      ...inherited,
      AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true',
      ...environment,
    } as NodeJS.ProcessEnv,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  started.push(child);
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

async function freeAddress(): Promise<string> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return `127.0.0.1:${port}`;
}

async function environment() {
  const { temporal, kubernetes } = testServers();
  return {
    TEMPORAL_ADDRESS: temporal.address,
    TEMPORAL_NAMESPACE: temporal.namespace,
    KUBECONFIG: kubernetes.kubeconfig.worker,
    AWS_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: 'planted-key-id',
    AWS_SECRET_ACCESS_KEY: 'planted-secret',
    GROUNDWORK_DATABASE_URL: database.url,
    GROUNDWORK_TASK_QUEUE_PREFIX: `${uniqueName('process')}-`,
    GROUNDWORK_HEALTH_ADDRESS: await freeAddress(),
    GROUNDWORK_METRICS_ADDRESS: await freeAddress(),
  };
}

describe('the worker process', () => {
  test('gets ready, serves health and metrics, logs JSON without secrets, and stops gracefully with code 0', async () => {
    const settings = await environment();
    const worker = run(settings);
    const ready = await eventually(async () => {
      const response = await fetch(`http://${settings.GROUNDWORK_HEALTH_ADDRESS}/readyz`);
      expect(response.status).toBe(200);
      return response.json();
    });
    expect(ready).toMatchObject({
      ready: true,
      queues: [{ taskQueue: `${settings.GROUNDWORK_TASK_QUEUE_PREFIX}scopes`, state: 'RUNNING' }],
    });
    expect((await fetch(`http://${settings.GROUNDWORK_HEALTH_ADDRESS}/healthz`)).status).toBe(200);
    expect((await fetch(`http://${settings.GROUNDWORK_HEALTH_ADDRESS}/other`)).status).toBe(404);
    const metrics = await eventually(async () => {
      const text = await (await fetch(`http://${settings.GROUNDWORK_METRICS_ADDRESS}/metrics`)).text();
      expect(text).toContain('temporal_');
      return text;
    });
    expect(metrics).toMatch(/temporal_num_pollers|temporal_worker_start/);

    worker.child.kill('SIGTERM');
    expect(await worker.ended).toBe(0);
    const lines = worker
      .output()
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { msg: string });
    expect(lines.map(({ msg }) => msg)).toEqual(
      expect.arrayContaining(['starting', 'stopping: no new work, running activities may finish', 'stopped']),
    );
    expect(worker.output() + worker.errors()).not.toMatch(/planted-secret|127\.0\.0\.1:\d+\/.*@|postgres(ql)?:\/\//);
  });

  test('refuses a wrong configuration with one line each and code 2, before it connects anywhere', async () => {
    const worker = run({ GROUNDWORK_POLL_INTERVAL: 'x', GROUNDWORK_TYPO: '1' });
    expect(await worker.ended).toBe(2);
    expect(worker.errors().trim().split('\n')).toEqual([
      'groundwork-worker: GROUNDWORK_POLL_INTERVAL must be a positive number, got "x"',
      'groundwork-worker: GROUNDWORK_TYPO is not a setting of Groundwork',
      expect.stringContaining('groundwork-worker: GROUNDWORK_DATABASE_URL is required'),
    ]);
  });

  test('refuses an unknown option with one line and code 2', async () => {
    const worker = run({ GROUNDWORK_DATABASE_URL: 'postgresql://x' }, '--quues', 'scopes');
    expect(await worker.ended).toBe(2);
    expect(worker.errors()).toMatch(/^groundwork-worker: .*--quues/);
  });

  test('ends with code 1 and a log line when Temporal cannot be reached', async () => {
    const settings = { ...(await environment()), TEMPORAL_ADDRESS: await freeAddress() };
    const worker = run(settings);
    expect(await worker.ended).toBe(1);
    expect(worker.output()).toContain('the worker ended with an error');
  });
});
