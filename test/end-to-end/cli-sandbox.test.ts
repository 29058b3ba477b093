import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterAll, expect, test } from 'vitest';
import type { SandboxRecord } from '../../sandbox/record.ts';
import { uniqueName } from '../support/servers.ts';
import { groundwork } from './cli.ts';

const name = uniqueName('cli');
const sandbox = (...argv: string[]) => groundwork(['sandbox', ...argv, '--name', name]);

/** Two boots' worth of patience: a dozen processes take their turns on few cores. */
const PATIENCE_MS = 180_000;

afterAll(() => sandbox('down'));

test(
  'a sandbox is started, pasted from, made to fail and stopped from the command line',
  async () => {
    expect(await sandbox('status')).toMatchObject({ code: 3, stdout: expect.stringContaining('does not run') });
    expect(await sandbox('faults')).toMatchObject({ code: 3, stderr: expect.stringContaining('does not run') });

    // In a shell that still has the environment of another sandbox.
    const up = groundwork(['sandbox', 'up', '--name', name, '--json', '--time-scale', '0.05'], {
      env: {
        GROUNDWORK_SANDBOX: 'gone',
        TEMPORAL_ADDRESS: '127.0.0.1:9',
        DATABASE_URL: 'postgresql://127.0.0.1:9/gone',
      },
    });
    await expect.poll(async () => (await sandbox('status')).code, { timeout: PATIENCE_MS / 2, interval: 500 }).toBe(0);

    const { pid } = JSON.parse((await sandbox('status', '--json')).stdout).record as SandboxRecord;
    expect(await sandbox('up')).toEqual({
      code: 5,
      stdout: '',
      stderr: `groundwork: Sandbox ${name} runs in process ${pid}: stop it with "groundwork sandbox down --name ${name}", or choose another name with --name.\n`,
    });

    const { stdout } = await sandbox('status', '--env');
    const lines = stdout.trimEnd().split('\n');
    // Who took this is served by the same program under its plain name, and the shell finds it once.
    const typed = 'eval "$1"; groundwork sandbox status --env --name "$2"';
    const again = await promisify(execFile)('/bin/sh', ['-ec', typed, 'sh', stdout, name]);
    expect(again.stdout.trimEnd().split('\n')).toEqual(lines.slice(0, -1));
    expect(lines.at(-1)).toMatch(/^export PATH=\S+\/bin:"\$PATH"$/);
    const environment = Object.fromEntries(
      lines.slice(0, -1).map((line) => /^export (\w+)=(\S+)$/.exec(line)?.slice(1) as [string, string]),
    );
    expect(environment).toMatchObject({
      GROUNDWORK_SANDBOX: name,
      GROUNDWORK_POLL_INTERVAL: '0.5',
      AWS_REGION: 'us-east-1',
    });
    const checked = await groundwork(['doctor', '--json'], { env: environment });
    expect(checked.code, checked.stdout).toBe(0);

    const rule = JSON.stringify({
      match: { service: 'sts' },
      effect: { kind: 'error', code: 'AccessDenied', status: 403 },
    });
    const faults = await sandbox('faults', '--add', rule, '--network', 'postgres={"refuse":true}', '--json');
    expect(JSON.parse(faults.stdout)).toMatchObject({ rules: [JSON.parse(rule)], tcp: { postgres: { refuse: true } } });
    const broken = await groundwork(['doctor', '--json'], { env: environment });
    expect(broken.code).toBe(8);
    expect(
      JSON.parse(broken.stdout).findings.filter(({ state }: { state: string }) => state === 'failed'),
    ).toMatchObject([
      { subject: 'PostgreSQL', trouble: 'unavailable' },
      { subject: 'AWS credentials', trouble: 'forbidden' },
    ]);
    expect(await sandbox('faults', '--add', '{"match":{}}')).toMatchObject({ code: 4 });
    expect((await sandbox('faults', '--clear')).stdout).toMatch(/^No rule\./);

    const made = await sandbox('workshop', 'user-1/lab', '--count', '2', '--completion', '2', '--json');
    expect(JSON.parse(made.stdout)).toEqual({ namespace: 'user-1', workshop: 'lab', provision: 'lab', count: 2 });
    await expect
      .poll(async () => JSON.parse((await sandbox('crowd', 'user-1/lab', '--people', '3', '--json')).stdout), {
        timeout: 30_000,
      })
      .toEqual({ arrived: 3, seated: 2, rejected: { none: 0, full: 1 }, left: 0 });
    expect((await sandbox('workshop', 'user-1/lab', '--count', '3')).stdout).toContain('count 3');
    expect(await sandbox('crowd', 'user-1/lab')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('--people'),
    });
    expect((await sandbox('workshop', 'lab')).code).toBe(2);

    expect(await sandbox('down')).toMatchObject({ code: 0, stdout: 'The sandbox is stopped.\n' });
    const ended = await up;
    expect(ended.code).toBe(143);
    expect(ended.stderr).toContain('This shell has the environment of sandbox gone');
    expect((JSON.parse(ended.stdout) as SandboxRecord).environment).toEqual(environment);
  },
  PATIENCE_MS,
);
