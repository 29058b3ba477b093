import { createServer } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { startTcpProxy } from '../../sandbox/faults/tcp-proxy.ts';
import { eventually } from '../support/inspect.ts';
import { addressOf, throughProxy } from '../support/networks.ts';
import { testDatabase, testServers, uniqueName } from '../support/servers.ts';
import { freeAddress, runWorker as run } from '../support/worker-process.ts';

/** The worker as a process of its own, as it runs in production. */

const database = testDatabase();
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
  test('gets ready, serves health and metrics, logs JSON without secrets, and stops gracefully with code 0', {
    timeout: 120_000,
  }, async () => {
    const settings = await environment();
    const worker = run(settings);
    const ready = await eventually(async () => {
      const response = await fetch(`http://${settings.GROUNDWORK_HEALTH_ADDRESS}/readyz`);
      expect(response.status).toBe(200);
      return response.json();
    }, 60);
    expect(ready).toMatchObject({
      ready: true,
      queues: ['scopes', 'deployments', 'ip', 'workshops'].map((room) => ({
        taskQueue: `${settings.GROUNDWORK_TASK_QUEUE_PREFIX}${room}`,
        state: 'RUNNING',
      })),
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

  test('stops with code 0 while its database does not answer', { timeout: 120_000 }, async () => {
    const network = await startTcpProxy(addressOf(database.url));
    try {
      const settings = {
        ...(await environment()),
        GROUNDWORK_DATABASE_URL: throughProxy(database.url, network),
        GROUNDWORK_IP_SAMPLE_SECONDS: '0.05',
      };
      const worker = run(settings);
      await eventually(async () => {
        expect((await fetch(`http://${settings.GROUNDWORK_HEALTH_ADDRESS}/readyz`)).status).toBe(200);
      }, 60);
      network.set({ blackHole: true });
      await delay(500); // a sample of the pools is under way, and waits a minute for its answer
      worker.child.kill('SIGTERM');
      expect(await Promise.race([worker.ended, delay(40_000, 'still there')])).toBe(0);
      expect(worker.output()).toContain('"msg":"stopped"');
    } finally {
      await network.close();
    }
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

  test('refuses a profile of Temporal that does not exist with one line and code 2', async () => {
    const worker = run({ ...(await environment()), TEMPORAL_PROFILE: 'nope' });
    expect(await worker.ended).toBe(2);
    expect(worker.errors()).toMatch(/^groundwork-worker: Temporal: .*nope.*\n$/);
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

  test('ends with code 1 when its health address is taken, instead of hanging half started', {
    timeout: 120_000,
  }, async () => {
    const settings = await environment();
    const [, port] = settings.GROUNDWORK_HEALTH_ADDRESS.split(':');
    const holder = createServer();
    await new Promise<void>((resolve) => holder.listen(Number(port), '127.0.0.1', resolve));
    try {
      const worker = run(settings);
      expect(await worker.ended).toBe(1);
      expect(worker.output()).toContain('EADDRINUSE');
    } finally {
      holder.close();
    }
  });
});
