import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { identify, isAlive, type ProcessIdentity, waitGone } from './identity.ts';
import { findOrphans, type Orphan, Supervisor } from './supervisor.ts';

/** How long the watchdog of a parent that just died may take to clean up before we look for ourselves. */
const WATCHDOG_MS = 20_000;

/** The run folder belongs to a process that lives. */
export class RunFolderBusy extends Error {
  override readonly name = 'RunFolderBusy';
  readonly owner: ProcessIdentity;

  constructor(folder: string, owner: ProcessIdentity) {
    super(`${folder} is in use by process ${owner.pid}: stop it first, or choose another name`);
    this.owner = owner;
  }
}

interface Owner {
  readonly owner: ProcessIdentity;
  readonly watchdog: ProcessIdentity | null;
}

/**
 * Takes a run folder for this process and opens a supervisor in it. `orphans` are the living children of an earlier run
 * that died together with its watchdog: attach to them or stop them. Throws `RunFolderBusy`.
 * The folder is removed at the end, unless `keep` is given.
 */
export async function claimRunFolder(
  folder: string,
  options: { readonly keep?: boolean } = {},
): Promise<{ supervisor: Supervisor; orphans: readonly Orphan[] }> {
  await mkdir(folder, { recursive: true, mode: 0o755 });
  await takeOwnership(folder);
  const orphans = await findOrphans(folder);
  const supervisor = await Supervisor.open(folder);
  await writeOwner(folder, supervisor);
  if (!options.keep) supervisor.removeAtEnd(folder);
  return { supervisor, orphans };
}

/** Gives a folder that is kept back to nobody. */
export async function releaseRunFolder(folder: string): Promise<void> {
  await rm(join(folder, 'owner.json'), { force: true });
}

/** Who holds the run folder, undefined when nobody alive does. */
export async function ownerOf(folder: string): Promise<ProcessIdentity | undefined> {
  const owner = await readOwner(folder);
  return owner !== undefined && (await isAlive(owner.owner)) ? owner.owner : undefined;
}

/** Waits until the watchdog of a dead owner has finished. */
export async function awaitWatchdog(folder: string): Promise<void> {
  const earlier = await readOwner(folder);
  if (earlier?.watchdog) await waitGone(earlier.watchdog, WATCHDOG_MS);
}

/** The file is created exclusively, so that of two claimants one loses. */
async function takeOwnership(folder: string): Promise<void> {
  const self = await ourselves();
  for (let tries = 0; tries < 5; tries += 1) {
    try {
      await mkdir(folder, { recursive: true, mode: 0o755 });
      await writeFile(join(folder, 'owner.json'), JSON.stringify({ owner: self, watchdog: null }), { flag: 'wx' });
      return;
    } catch (error) {
      if (!['EEXIST', 'ENOENT'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
    }
    const owner = await ownerOf(folder);
    if (owner !== undefined) throw new RunFolderBusy(folder, owner);
    await awaitWatchdog(folder);
    await rm(join(folder, 'owner.json'), { force: true });
  }
  throw new Error(`cannot take the run folder ${folder}: other processes keep taking it`);
}

async function writeOwner(folder: string, supervisor: Supervisor): Promise<void> {
  const owner: Owner = { owner: await ourselves(), watchdog: (await identify(supervisor.watchdogPid)) ?? null };
  await writeFile(join(folder, 'owner.json'), JSON.stringify(owner));
}

async function readOwner(folder: string): Promise<Owner | undefined> {
  try {
    return JSON.parse(await readFile(join(folder, 'owner.json'), 'utf8')) as Owner;
  } catch {
    return undefined;
  }
}

async function ourselves(): Promise<ProcessIdentity> {
  const self = await identify(process.pid);
  if (self === undefined) throw new Error('cannot read the start time of this process');
  return self;
}
