import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { access, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, test } from 'vitest';
import { identify, isAlive, type ProcessIdentity } from '../../../sandbox/processes/identity.ts';
import { claimRunFolder, clearRunFolder, ownerOf, RunFolderBusy } from '../../../sandbox/processes/run-folder.ts';
import { findOrphans, stopOrphans } from '../../../sandbox/processes/supervisor.ts';
import { Watchdog } from '../../../sandbox/processes/watchdog.ts';
import { runFolder } from '../../../sandbox/record.ts';
import { down, status } from '../../../sandbox/running.ts';
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

/** Both at once, so that nobody is left to clean up. */
async function killWithWatchdog({ parent, watchdog }: Started): Promise<void> {
  process.kill(watchdog, 'SIGKILL');
  await eventually('the watchdog is gone', async () => (await identify(watchdog)) === undefined);
  parent.kill('SIGKILL');
  await once(parent, 'exit');
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
    const started = await startParent(run);
    const { polite, stubborn } = started;
    await killWithWatchdog(started);
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

describe('of a parent that died together with its watchdog', () => {
  const name = `left-${process.pid}`;
  const run = runFolder(name);
  afterEach(() => rm(run, { recursive: true, force: true }));

  test('"down" stops the children and removes the data, also what lies elsewhere', async () => {
    const elsewhere = join(await folder(), 'elsewhere');
    await mkdir(elsewhere);
    const started = await startParent(run, 'remove', elsewhere);
    await mkdir(join(run, 'data'));
    await killWithWatchdog(started);
    expect((await down(name)).state).toBe('orphaned');
    expect([await isAlive(started.polite), await isAlive(started.stubborn)]).toEqual([false, false]);
    for (const gone of [run, elsewhere]) await expect(access(gone)).rejects.toThrow('ENOENT');
  });

  test('"down" removes the data also when no child is left', async () => {
    const started = await startParent(run);
    await killWithWatchdog(started);
    await stopOrphans(run, await findOrphans(run));
    expect((await down(name)).state).toBe('stopped');
    await expect(access(run)).rejects.toThrow('ENOENT');
  });

  test('"down" keeps the data of one that was to be kept, and nothing that says it runs', async () => {
    const started = await startParent(run, 'keep');
    await mkdir(join(run, 'data'));
    await writeFile(join(run, 'sandbox.json'), '{}');
    await killWithWatchdog(started);
    expect((await down(name)).state).toBe('orphaned');
    expect((await readdir(run)).filter((file) => !file.endsWith('.log'))).toEqual(['data']);
    expect(await status(name)).toEqual({ state: 'stopped' });
  });

  test('what was to be removed is kept once a later one is to keep it', async () => {
    await killWithWatchdog(await startParent(run));
    await stopOrphans(run, await findOrphans(run));
    await killWithWatchdog(await startParent(run, 'keep'));
    await down(name);
    await access(run);
  });

  test('nothing is removed from under somebody who has taken the folder since', async () => {
    const started = await startParent(run);
    await killWithWatchdog(started);
    const { supervisor } = await claimRunFolder(run);
    await writeFile(join(run, 'new'), '');
    await clearRunFolder(run);
    expect(await readdir(run)).toEqual(expect.arrayContaining(['new', 'owner.json', 'polite.pid']));
    await stopOrphans(run, await findOrphans(run));
    await supervisor.stop();
  });

  test('the folder is held until it is empty, so that whoever comes meanwhile finds nothing of the dead one', async () => {
    const started = await startParent(run);
    await mkdir(join(run, 'data'));
    for (let file = 0; file < 2_000; file += 1) writeFileSync(join(run, 'data', String(file)), '');
    await killWithWatchdog(started);
    const clearing = clearRunFolder(run);
    await eventually('it is held', async () => (await ownerOf(run)) !== undefined);
    await expect(claimRunFolder(run)).rejects.toThrow(RunFolderBusy); // the child that is deaf to its signal is still there
    let claimed: Awaited<ReturnType<typeof claimRunFolder>> | undefined;
    await eventually('it is free again', async () => {
      claimed = await claimRunFolder(run).catch(() => undefined);
      return claimed !== undefined;
    });
    expect((await readdir(run)).sort()).toEqual(['owner.json', 'remove.json']);
    await clearing;
    expect((await readdir(run)).sort()).toEqual(['owner.json', 'remove.json']);
    await claimed?.supervisor.stop();
  });

  test('of many that clear it and take it at once, each that takes it has it alone and whole', async () => {
    const owner = { pid: 1, born: 'earlier@another-boot' };
    for (let round = 0; round < 3; round += 1) {
      await mkdir(run, { recursive: true });
      await writeFile(join(run, 'owner.json'), JSON.stringify({ owner, watchdog: null }));
      await writeFile(join(run, 'remove.json'), JSON.stringify([run]));
      const clearing = Array.from({ length: 4 }, () => clearRunFolder(run));
      const claims = await Promise.allSettled(Array.from({ length: 4 }, () => claimRunFolder(run, { keep: true })));
      await Promise.all(clearing);
      const taken = claims.flatMap((claim) => (claim.status === 'fulfilled' ? [claim.value.supervisor] : []));
      for (const claim of claims) if (claim.status === 'rejected') expect(claim.reason).toBeInstanceOf(RunFolderBusy);
      expect(taken.length).toBeLessThan(2);
      if (taken.length === 1) await access(join(run, 'owner.json'));
      for (const supervisor of taken) await supervisor.stop();
      await rm(run, { recursive: true, force: true });
    }
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
