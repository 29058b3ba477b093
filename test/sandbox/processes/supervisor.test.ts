import { access, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { isAlive } from '../../../sandbox/processes/identity.ts';
import { tail } from '../../../sandbox/processes/log.ts';
import { type ChildOptions, Supervisor } from '../../../sandbox/processes/supervisor.ts';
import { eventually, temporaryFolders } from './support.ts';

const folder = temporaryFolders();

function program(name: string, source: string, more: Partial<ChildOptions> = {}): ChildOptions {
  return {
    name,
    command: process.execPath,
    args: ['-e', source],
    stop: { signal: 'SIGTERM', graceMs: 2_000 },
    ready: async ({ logFile }) => (await tail(logFile)).includes('ready'),
    readyWithinMs: 10_000,
    ...more,
  };
}

const SERVES = "console.log('ready'); setInterval(() => {}, 1000);";

describe('a supervisor', () => {
  test('starts a child in its own process group, with a pid file that goes with it', async () => {
    const supervisor = await Supervisor.open(await folder());
    const child = await supervisor.start(program('server', SERVES));
    const pidFile = join(supervisor.folder, 'server.pid');
    expect(JSON.parse(await readFile(pidFile, 'utf8'))).toMatchObject({ pid: child.pid, born: child.born });
    expect(() => process.kill(-child.pid, 0)).not.toThrow(); // it leads a group of its own
    await supervisor.stop();
    expect(await isAlive(child)).toBe(false);
    await expect(access(pidFile)).rejects.toThrow('ENOENT');
  });

  test('reports the last lines of a child that ends before it is ready', async () => {
    const supervisor = await Supervisor.open(await folder());
    const failing = program('server', "console.error('cannot open the data folder'); process.exit(3)");
    await expect(supervisor.start(failing)).rejects.toThrow(/exit code 3.*cannot open the data folder/s);
    expect(supervisor.children()).toEqual([]);
    await supervisor.stop();
  });

  test('stops a child that is not ready by its deadline, and says what its check said', async () => {
    const supervisor = await Supervisor.open(await folder());
    const silent = program('server', '', {
      command: '/bin/sh', // prints at once: a Node that starts on a busy machine has nothing in its log by then
      args: ['-c', 'echo warming up; exec sleep 60'],
      readyWithinMs: 2_000,
      ready: () => Promise.reject(new Error('connection refused')),
    });
    await expect(supervisor.start(silent)).rejects.toThrow(
      /not ready after 2000 ms \(connection refused\).*warming up/s,
    );
    expect(supervisor.children()).toEqual([]);
    await supervisor.stop();
  });

  test('gives up a ready check that hangs', async () => {
    const supervisor = await Supervisor.open(await folder());
    const hanging = program('server', SERVES, { readyWithinMs: 300, ready: () => new Promise(() => {}) });
    await expect(supervisor.start(hanging)).rejects.toThrow('the ready check hangs');
    await supervisor.stop();
  });

  test('names the command that cannot be started', async () => {
    const supervisor = await Supervisor.open(await folder());
    await expect(supervisor.start(program('server', '', { command: '/nowhere/postgres' }))).rejects.toThrow(
      '/nowhere/postgres',
    );
    await supervisor.stop();
  });

  test('stops children in the order of their rules, and kills one that does not listen', async () => {
    const supervisor = await Supervisor.open(await folder());
    const first = await supervisor.start(
      program('first', `process.on('SIGTERM', () => {}); ${SERVES}`, {
        stop: { signal: 'SIGTERM', graceMs: 200, order: 0 },
      }),
    );
    // The exit events of both may arrive in any order; what the second one finds when its turn comes is the fact.
    const finding = join(await folder(), 'first-is');
    const look = `let state = 'gone'; try { state = /\\) ([A-Z])/.exec(fs.readFileSync('/proc/${first.pid}/stat', 'utf8'))[1] } catch {}`;
    await supervisor.start(
      program(
        'second',
        `const fs = require('node:fs'); process.on('SIGTERM', () => { ${look}; fs.writeFileSync(${JSON.stringify(finding)}, state); process.exit() }); ${SERVES}`,
        {
          stop: { signal: 'SIGTERM', graceMs: 5_000, order: 1 },
        },
      ),
    );
    await supervisor.stop();
    expect(['gone', 'Z', 'X']).toContain(await readFile(finding, 'utf8'));
  });

  test('forgets a child that ends by itself', async () => {
    const supervisor = await Supervisor.open(await folder());
    const child = await supervisor.start(program('server', SERVES));
    process.kill(child.pid, 'SIGKILL');
    await child.gone;
    await eventually('the child is forgotten', () => supervisor.children().length === 0);
    const again = await supervisor.start(program('server', SERVES));
    expect(again.pid).not.toBe(child.pid);
    await supervisor.stop();
  });
});
