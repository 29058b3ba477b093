import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { access } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { afterEach, expect, test } from 'vitest';
import { identify } from '../../../sandbox/processes/identity.ts';
import { runFolder } from '../../../sandbox/record.ts';
import { down, faults, status } from '../../../sandbox/running.ts';
import { eventually } from './support.ts';

const NAME = `sandbox-test-${process.pid}`;

/** Each server and the stop have limits of their own, which name what was slow; the test's only has to be longer than their sum. */
const WHOLE_SANDBOX = { timeout: 240_000 };

afterEach(async () => {
  await down(NAME);
}, WHOLE_SANDBOX.timeout);

/** `up` in a process of its own, as `npm run sandbox` has it; resolves when it has printed its environment. */
async function startInAnotherProcess() {
  const program = fileURLToPath(new URL('./sandbox-process.ts', import.meta.url));
  const child = spawn(process.execPath, ['--import', 'tsx', program, NAME], { stdio: ['ignore', 'pipe', 'inherit'] });
  const lines = createInterface({ input: child.stdout as NodeJS.ReadableStream });
  const [line] = (await Promise.race([once(lines, 'line'), once(child, 'exit').then(() => [''])])) as [string];
  expect(line).not.toBe('');
  const { environment, pids } = JSON.parse(line) as { environment: Record<string, string>; pids: number[] };
  return { child, environment, pids };
}

async function allGone(pids: readonly number[]): Promise<boolean> {
  return (await Promise.all(pids.map(identify))).every((found) => found === undefined);
}

async function selectOne(url: string | undefined): Promise<unknown> {
  const client = new pg.Client({ connectionString: url ?? '', connectionTimeoutMillis: 10_000, query_timeout: 10_000 });
  client.on('error', () => {});
  await client.connect();
  try {
    return (await client.query('SELECT 1 AS one')).rows[0];
  } finally {
    await client.end().catch(() => {});
  }
}

test('a sandbox is seen, made to fail and stopped from another process', WHOLE_SANDBOX, async () => {
  const { child, environment, pids } = await startInAnotherProcess();
  const found = await status(NAME);
  expect(found).toMatchObject({ state: 'running', record: { pid: child.pid, environment } });
  expect(environment).toMatchObject({
    TEMPORAL_NAMESPACE: 'default',
    AWS_REGION: 'us-east-1',
    GROUNDWORK_ACCOUNT_ID: '123456789012',
  });
  expect(await selectOne(environment.DATABASE_URL)).toEqual({ one: 1 });

  await faults(NAME, { kind: 'tcp', proxy: 'postgres', faults: { refuse: true } });
  await expect(selectOne(environment.DATABASE_URL)).rejects.toMatchObject({ code: 'ECONNRESET' });
  const rule = { match: { service: 'kubernetes' }, effect: { kind: 'throttle' } } as const;
  expect((await faults(NAME, { kind: 'add', rule })).rules).toHaveLength(1);
  expect(await faults(NAME, { kind: 'clear' })).toMatchObject({ rules: [], tcp: { postgres: { refuse: false } } });
  expect(await selectOne(environment.DATABASE_URL)).toEqual({ one: 1 });
  await expect(faults(NAME, { kind: 'cut', proxy: 'nothing' })).rejects.toThrow(
    'no proxy nothing; there are postgres, temporal',
  );

  const exit = once(child, 'exit');
  expect((await down(NAME)).state).toBe('running');
  expect(await exit).toEqual([143, null]);
  expect(await allGone(pids)).toBe(true);
  expect(await status(NAME)).toEqual({ state: 'stopped' });
  await expect(access(runFolder(NAME))).rejects.toThrow('ENOENT');
});

test(
  'a sandbox that is killed leaves no process and no folder, and its name is free again',
  WHOLE_SANDBOX,
  async () => {
    const { child, pids } = await startInAnotherProcess();
    expect(pids).toHaveLength(4);
    child.kill('SIGKILL');
    await eventually('all four servers are gone', () => allGone(pids));
    await eventually('the run folder is gone', () =>
      access(runFolder(NAME)).then(
        () => false,
        () => true,
      ),
    );
    expect(await status(NAME)).toEqual({ state: 'stopped' });
  },
);

test('a name that would leave the cache folder is refused', async () => {
  await expect(status('../elsewhere')).rejects.toThrow('the name of a sandbox must be 1 to 41 letters');
});
