import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { access, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, test } from 'vitest';
import { identify, isAlive, type ProcessIdentity } from '../../../sandbox/processes/identity.ts';
import { claimRunFolder, RunFolderBusy } from '../../../sandbox/processes/run-folder.ts';
import { findOrphans, stopOrphans } from '../../../sandbox/processes/supervisor.ts';
import { Watchdog } from '../../../sandbox/processes/watchdog.ts';
import { eventually, temporaryFolders } from './support.ts';

const folder = temporaryFolders();
const spawned: ChildProcess[] = [];

afterEach(() => {
  for (const child of spawned.splice(0)) child.kill('SIGKILL');
});

interface Started {
  readonly parent: ChildProcess;
  readonly polite: ProcessIdentity;
  readonly stubborn: ProcessIdentity;
  readonly watchdog: number;
}

async function startParent(runFolder: string, ...args: string[]): Promise<Started> {
  const program = fileURLToPath(new URL('./parent.ts', import.meta.url));
  const parent = spawn(process.execPath, ['--import', 'tsx', program, runFolder, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  spawned.push(parent);
  const [line] = (await once(createInterface({ input: parent.stdout as NodeJS.ReadableStream }), 'line')) as [string];
  return { parent, ...(JSON.parse(line) as Omit<Started, 'parent'>) };
}

describe('when the parent is killed with SIGKILL', () => {
  test('the watchdog stops its children, also one that ignores its signal, and removes the run folder', async () => {
    const run = join(await folder(), 'run');
    const { parent, polite, stubborn } = await startParent(run);
    expect([await isAlive(polite), await isAlive(stubborn)]).toEqual([true, true]);
    parent.kill('SIGKILL');
    await eventually('both children are gone', async () => !(await isAlive(polite)) && !(await isAlive(stubborn)));
    await eventually('the run folder is gone', () =>
      access(run).then(
        () => false,
        () => true,
      ),
    );
  });

  test('a folder that is to be kept stays', async () => {
    const run = join(await folder(), 'run');
    const { parent, polite, stubborn } = await startParent(run, 'keep');
    parent.kill('SIGKILL');
    await eventually('both children are gone', async () => !(await isAlive(polite)) && !(await isAlive(stubborn)));
    await access(run);
  });

  test('children that outlive the watchdog too are found by their pid files at the next start', async () => {
    const run = join(await folder(), 'run');
    const { parent, polite, stubborn, watchdog } = await startParent(run);
    process.kill(watchdog, 'SIGKILL');
    await eventually('the watchdog is gone', async () => (await identify(watchdog)) === undefined);
    parent.kill('SIGKILL');
    await once(parent, 'exit');
    expect([await isAlive(polite), await isAlive(stubborn)]).toEqual([true, true]);
    const { supervisor, orphans } = await claimRunFolder(run);
    expect(orphans.map(({ name, pid }) => ({ name, pid }))).toEqual([
      { name: 'polite', pid: polite.pid },
      { name: 'stubborn', pid: stubborn.pid },
    ]);
    await stopOrphans(run, orphans);
    expect([await isAlive(polite), await isAlive(stubborn)]).toEqual([false, false]);
    expect(await findOrphans(run)).toEqual([]);
    await supervisor.stop();
  });
});

test('a pid that was given to another process since is left alone', async () => {
  const bystander = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' });
  spawned.push(bystander);
  await once(bystander, 'spawn');
  const watchdog = await Watchdog.start();
  const pid = bystander.pid ?? -1;
  watchdog.watch({ pid, born: 'earlier@another-boot', signal: 'SIGKILL', graceMs: 0, order: 0 });
  await watchdog.close();
  expect(await identify(pid)).toBeDefined();
});

test('a second claim of a run folder is refused while its owner lives, and names the owner', async () => {
  const run = join(await folder(), 'run');
  const { supervisor } = await claimRunFolder(run);
  await expect(claimRunFolder(run)).rejects.toThrow(RunFolderBusy);
  await expect(claimRunFolder(run)).rejects.toThrow(`process ${process.pid}`);
  expect(JSON.parse(await readFile(join(run, 'owner.json'), 'utf8')).owner.pid).toBe(process.pid);
  await supervisor.stop();
  await expect(access(run)).rejects.toThrow('ENOENT');
});
