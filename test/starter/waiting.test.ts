import { getEventListeners } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { Client, Connection } from '@temporalio/client';
import { afterAll, describe, expect, test } from 'vitest';
import type { Io } from '../../starter/cli/io.ts';
import { watchRun } from '../../starter/cli/watch.ts';
import type { Groundwork } from '../../starter/client.ts';
import { closable } from '../../starter/closable.ts';
import { Deployments } from '../../starter/deployments.ts';
import { OutcomeUnknown } from '../../starter/errors.ts';
import { IpClaims } from '../../starter/ip/claims.ts';
import { queueState } from '../../starter/queues.ts';
import { listRuns } from '../../starter/run-list.ts';
import { Runs, type WaitOptions } from '../../starter/runs.ts';

/** How waiting ends when nothing answers. */

// Nobody listens there: the SDK tries each call again for a long while, and hears no signal meanwhile.
const NOBODY = { address: '127.0.0.1:1' };
const { options, closing } = closable(NOBODY);
const connection = Connection.lazy(options);
afterAll(async () => {
  closing();
  await connection.close();
});

const never = () => new Promise<never>(() => undefined);

/** A client whose calls are kept: `deadlines` has when each would end. */
function clientWithout(answers: object) {
  const client = new Client({ connection });
  const deadlines: number[] = [];
  client.withDeadline = (deadline, call) => {
    deadlines.push(Number(deadline));
    return call();
  };
  return { client: Object.assign(client, answers), deadlines };
}

const runs = new Runs(new Client({ connection }));

/** The open rollout of every scope, with a worker that takes no message. */
function silentRollouts(): Deployments {
  const taskQueue = 'deployments';
  const pollers = [{ identity: 'w', lastAccessTime: { seconds: Math.floor(Date.now() / 1000), nanos: 0 } }];
  const { client } = clientWithout({});
  Object.defineProperty(client, 'workflowService', { value: { describeTaskQueue: async () => ({ pollers }) } });
  const silent = new Runs(client);
  const run = { workflowId: 'deployment/1', runId: 'r', type: 'deployment', taskQueue, state: 'running' } as const;
  silent.findChain = async () => ({ run: { ...run, startedAt: '' }, firstRunId: 'r' });
  silent.handleOf = () => ({ startUpdate: never }) as unknown as ReturnType<Runs['handleOf']>;
  return new Deployments(silent, taskQueue);
}

const claim = {
  owner: 'o',
  namespace: 'n',
  name: 'c',
  spec: { ipFamily: 'IPv4' as const, poolRef: { name: 'p' }, prefixLength: 28 },
};

describe.each([
  ['for the result of a run', (signal: AbortSignal) => runs.resultOf({ workflowId: 'w', runId: 'r' }, { signal })],
  ['for a claim', (signal: AbortSignal) => new IpClaims(runs, 'ip').claim(claim, { signal })],
  ['for the answer of a rollout', (signal: AbortSignal) => silentRollouts().switchTraffic('1', 10, { signal })],
])('waiting %s', (_, wait) => {
  test('ends at once by a signal that was aborted before', async () => {
    await expect(wait(AbortSignal.abort())).rejects.toThrow(/the wait was stopped/);
  });

  test('ends at once by a signal during a call that the SDK repeats, and leaves nothing on it', async () => {
    const stop = new AbortController();
    const waiting = wait(stop.signal);
    setTimeout(() => stop.abort(), 200);
    await expect(Promise.race([waiting, delay(2_000, 'goes on')])).rejects.toBeInstanceOf(OutcomeUnknown);
    expect(getEventListeners(stop.signal, 'abort')).toEqual([]);
  });
});

test('Ctrl-C ends following at once, also while nothing answers a look at the run', async () => {
  const groundwork = { temporal: { withDeadline: never } } as unknown as Groundwork;
  const onInterrupt = (stop: () => void) => {
    const timer = setTimeout(stop, 50);
    return () => clearTimeout(timer);
  };
  const io = { env: {}, stdout: { write: () => undefined }, onInterrupt } as unknown as Io;
  const result = (options?: WaitOptions) => runs.resultOf({ workflowId: 'w', runId: 'r' }, options);
  const run = { workflowId: 'w', runId: 'r', taskQueue: 'q', result };
  const watching = watchRun({ io, groundwork, statusCommand: 'groundwork status' }, run, { follow: true });
  await expect(Promise.race([watching, delay(2_000)])).rejects.toThrow('stopped watching; run w goes on.');
});

test('looks at queues and lists have an end', async () => {
  const { client, deadlines } = clientWithout({});
  Object.defineProperty(client, 'workflowService', { value: { describeTaskQueue: async () => ({ pollers: [] }) } });
  await queueState(client, 'q');
  Object.defineProperty(client, 'workflow', { value: { list: async function* () {} } });
  await listRuns(client, 'x', 'list');
  await listRuns(client, 'x', 'list', 2_500);
  const seconds = deadlines.map((deadline) => Math.round((deadline - Date.now()) / 1000));
  expect(seconds).toEqual([10, 10, 30]);
});

test('a connection is closed while a call is repeated: nothing throws later, and whoever asks anew is told', async () => {
  const thrown: unknown[] = [];
  const { options, closing } = closable(NOBODY);
  const unreachable = Connection.lazy(options);
  const ask = () => unreachable.workflowService.getSystemInfo({});
  const others = process.listeners('uncaughtException');
  process.removeAllListeners('uncaughtException');
  process.on('uncaughtException', (error) => thrown.push(error));
  try {
    const asking = ask().catch(() => undefined);
    await delay(50); // the first attempt has failed, and the next one comes 100 ms later
    closing();
    await unreachable.close();
    await expect(Promise.race([asking, delay(1_000, 'nothing more')])).resolves.toBe('nothing more');
    expect(thrown).toEqual([]);
    await expect(ask()).rejects.toThrow('Channel has been shut down');
  } finally {
    process.removeAllListeners('uncaughtException');
    for (const listener of others) process.on('uncaughtException', listener);
  }
});
