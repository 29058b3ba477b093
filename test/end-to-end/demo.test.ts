import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { DescribeLoadBalancersCommand, ElasticLoadBalancingV2Client } from '@aws-sdk/client-elastic-load-balancing-v2';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { cacheRoot } from '../../sandbox/binaries/cache.ts';
import { isAlive, type ProcessIdentity } from '../../sandbox/processes/identity.ts';

/** The demo as a user starts it, in a pipe, with a cache folder of its own that shares only the programs. */

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const PROGRAMS = /^(kubernetes|temporal|postgres)-/;
const RUN_MS = 180_000;

let cache: string;
let child: ChildProcess | undefined;
let servers: (ProcessIdentity & { name: string })[];

beforeEach(async () => {
  const folder = await mkdtemp(join(tmpdir(), 'groundwork-demo-'));
  await chmod(folder, 0o755); // PostgreSQL of an unprivileged user lives in it
  cache = join(folder, 'groundwork');
  await mkdir(cache);
  servers = [];
  for (const name of await readdir(cacheRoot()))
    if (PROGRAMS.test(name) && !/\.(lock|partial)/.test(name))
      await symlink(join(cacheRoot(), name), join(cache, name));
});

afterEach(async () => {
  if (child && child.exitCode === null && child.signalCode === null) {
    child.kill('SIGKILL'); // a failed test; the watchdogs stop what it had started
    await once(child, 'exit');
  }
  await nothingLeft();
  await rm(join(cache, '..'), { recursive: true, force: true });
});

interface Demo {
  readonly exit: Promise<number | null>;
  readonly output: { stdout: string; stderr: string };
  /** Waits for a text on stdout. */
  says(text: string): Promise<void>;
}

function demo(args: readonly string[] = [], env: Readonly<Record<string, string>> = {}): Demo {
  const started = spawn(process.execPath, ['tools/run.mjs', 'sandbox/demo/main.ts', ...args], {
    cwd: ROOT,
    env: { ...process.env, XDG_CACHE_HOME: join(cache, '..'), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  child = started;
  const output = { stdout: '', stderr: '' };
  started.stdout.on('data', (chunk) => {
    output.stdout += chunk;
  });
  started.stderr.on('data', (chunk) => {
    output.stderr += chunk;
  });
  const exit = once(started, 'close').then(([code]) => code as number | null);
  const says = async (text: string) => {
    while (!output.stdout.includes(text)) {
      const ended = await Promise.race([delay(50).then(() => false), exit.then(() => true)]);
      if (ended && !output.stdout.includes(text))
        throw new Error(`it ended without "${text}":\n${output.stdout}${output.stderr}`);
    }
  };
  return { exit, output, says };
}

/** Takes down from the pid files who runs: PostgreSQL shows neither the test's folder nor its environment to `ps`. */
async function noteServers(): Promise<void> {
  const files = (await readdir(join(cache, 'run'), { recursive: true })).filter(
    (file) => file.endsWith('.pid') && basename(file) !== 'postmaster.pid', // PostgreSQL's own
  );
  for (const file of files) {
    const identity = JSON.parse(await readFile(join(cache, 'run', file), 'utf8').catch(() => '{}'));
    if (identity.born) servers.push({ ...identity, name: basename(file, '.pid') });
  }
  expect(servers.map(({ name }) => name)).toEqual(expect.arrayContaining(['temporal', 'postgres', 'etcd', 'worker']));
  for (const server of servers) expect(await isAlive(server), server.name).toBe(true);
  expect((await processesLeft()).length).toBeGreaterThan(servers.length);
}

/** What runs still of the demo: what has the test's folder in its command line or environment, and the noted servers. */
async function processesLeft(): Promise<string[]> {
  const { stdout } = await promisify(execFile)('ps', ['axeww', '-o', 'pid=,command='], { maxBuffer: 64 * 1024 * 1024 });
  const byFolder = stdout.split('\n').filter((line) => line.includes(cache));
  const alive = await Promise.all(servers.map(isAlive));
  const noted = servers.filter((_, at) => alive[at]).map(({ pid, name }) => `${pid} ${name}`);
  return [...byFolder.map((line) => line.slice(0, 120)), ...noted];
}

/** The watchdogs end a moment after the process that they watched over, or seconds after one that was killed. */
async function nothingLeft(): Promise<void> {
  for (let tries = 0; tries < 150 && (await processesLeft()).length > 0; tries += 1) await delay(200);
  expect(await processesLeft()).toEqual([]);
  expect(await readdir(join(cache, 'run')).catch(() => [])).toEqual([]);
}

describe('the demo', () => {
  test('plays to its end in plain text: every claim ok, a row for each scope, exit code 0, and nothing left', {
    timeout: RUN_MS,
  }, async () => {
    const { exit, output, says } = demo();
    await says('Five scopes at once');
    await noteServers();
    expect(await exit, output.stdout + output.stderr).toBe(0);
    await nothingLeft();
    const lines = output.stdout.split('\n');
    expect(output.stderr).toBe('');
    expect(output.stdout).not.toContain('\x1b');
    expect(output.stdout).not.toContain('FAILED');
    const claims = lines.filter((line) => line.startsWith('    ok  '));
    expect(claims.length).toBeGreaterThanOrEqual(25);
    expect(lines).toContainEqual(expect.stringContaining(`All ${claims.length} claims hold.`));
    expect(lines).toContainEqual(expect.stringMatching(/it runs 50 times as fast/));

    const start = lines.findIndex((line) => /^scope +host +balancer +load +outcome +time +Temporal UI$/.test(line));
    const rows = lines.slice(start + 1, start + 7).map((line) => line.split(/ {2,}/));
    expect(rows.map(([scope]) => scope).sort()).toEqual(
      ['accounts', 'billing', 'catalog', 'orders', 'payroll', 'search'].map((name) => `${name}-production`),
    );
    expect(rows.map((row) => row[4]).sort()).toEqual([
      'created it',
      'failed: CertificateMissing',
      'had room',
      'had room',
      'joined',
      'joined',
    ]);
    for (const [scope, , , , , time, link] of rows) {
      expect(time).toMatch(/^\d+\.\d s$/);
      expect(link).toMatch(
        new RegExp(`^http://127\\.0\\.0\\.1:\\d+/namespaces/default/workflows/scope-creation%2F${scope}$`),
      );
    }

    const rollouts = lines.flatMap(
      (line) => /\/deployment%2Fstorefront-production\/([0-9a-f-]{36})$/.exec(line)?.[1] ?? [],
    );
    expect(new Set(rollouts).size, 'each version has the page of its own run').toBe(3);
  });

  test('with --keep everything stays reachable by what it prints, until Ctrl-C, which is its ordinary end', {
    timeout: RUN_MS,
  }, async () => {
    const { exit, output, says } = demo(['ip', '--keep']);
    await says('Everything stays up until Ctrl-C');
    await says('Log of the worker');
    await noteServers();
    const environment = Object.fromEntries(
      [...output.stdout.matchAll(/^ {2}export (\w+)='?([^'\n]*)'?$/gm)].map(([, name, value]) => [name, value]),
    );
    const elb = new ElasticLoadBalancingV2Client({
      endpoint: environment.AWS_ENDPOINT_URL ?? '',
      region: environment.AWS_REGION ?? '',
      credentials: {
        accessKeyId: environment.AWS_ACCESS_KEY_ID ?? '',
        secretAccessKey: environment.AWS_SECRET_ACCESS_KEY ?? '',
      },
    });
    const { LoadBalancers = [] } = await elb.send(new DescribeLoadBalancersCommand({}));
    elb.destroy();
    expect(LoadBalancers.map(({ LoadBalancerName }) => LoadBalancerName)).toContainEqual('k8s-groundwork-public');
    const [ui = ''] =
      /http:\/\/127\.0\.0\.1:\d+(?=\n)/.exec(output.stdout.slice(output.stdout.indexOf('Temporal UI:'))) ?? [];
    expect((await fetch(`${ui}/api/v1/namespaces`)).status).toBe(200);
    child?.kill('SIGINT');
    expect(await exit, output.stdout + output.stderr).toBe(0);
    await nothingLeft();
  });

  test('killed at its work it leaves nothing either', { timeout: RUN_MS }, async () => {
    const { exit, says } = demo(['ip']);
    await says('A hierarchy of pools');
    await noteServers();
    child?.kill('SIGKILL');
    expect(await exit).toBeNull();
    await nothingLeft();
  });

  test('a start that fails is one message and exit code 1', { timeout: RUN_MS }, async () => {
    const { exit, output } = demo(['--json'], { TEMPORAL_CLI_PATH: join(cache, 'no-such-temporal') });
    expect(await exit).toBe(1);
    await nothingLeft();
    expect(output.stderr).toMatch(/The demo cannot be played: Temporal: TEMPORAL_CLI_PATH: .*no-such-temporal/);
    expect(output.stderr).not.toMatch(/^\s+at .*:\d+/m);
    expect(JSON.parse(output.stdout)).toMatchObject({
      ok: false,
      claims: [{ ok: false, found: expect.stringContaining('TEMPORAL_CLI_PATH') }],
    });
  });

  test('a wrong option is told with the usage, exit code 2', { timeout: RUN_MS }, async () => {
    const { exit, output } = demo(['--fast']);
    expect(await exit).toBe(2);
    expect(output.stderr).toMatch(/Unknown option '--fast'[\s\S]*npm run demo/);
  });
});
