import { access, mkdir, readdir, readFile, rename, rm, rmdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { identify, isAlive, type ProcessIdentity, waitGone } from './identity.ts';
import { withLock } from './lock.ts';
import { findOrphans, foldersToRemove, type Orphan, REMOVAL_FILE, Supervisor, stopOrphans } from './supervisor.ts';

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

/**
 * Clears the folder of an owner that died together with its watchdog: stops its children, and removes what it would have
 * removed at its end, which is nothing of one that keeps its data but `files`, which describe it. The folder is held meanwhile,
 * so that nobody takes it half cleared. One that somebody alive has is left alone.
 */
export async function clearRunFolder(folder: string, files: readonly string[] = []): Promise<void> {
  if (!(await exists(folder))) return;
  try {
    await takeOwnership(folder);
  } catch (error) {
    if (error instanceof RunFolderBusy) return;
    throw error;
  }
  try {
    await stopOrphans(folder, await findOrphans(folder));
    for (const file of files) await rm(join(folder, file), { force: true });
    const folders = await foldersToRemove(folder);
    for (const other of folders) if (other !== folder) await rm(other, { recursive: true, force: true });
    if (folders.includes(folder)) await emptyFolder(folder);
  } finally {
    await releaseRunFolder(folder);
  }
  await alone(folder, () => rmdir(folder).catch(() => {})); // kept, or taken by somebody meanwhile
}

/** Leaves the file that says who holds the folder, which whoever comes meanwhile must see, and until the end the one that says what to remove. */
async function emptyFolder(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    if (name === 'owner.json' || name === REMOVAL_FILE) continue;
    await rm(join(folder, name), { recursive: true, force: true, maxRetries: 5 });
  }
  await rm(join(folder, REMOVAL_FILE), { force: true });
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

/** One process at a time looks who has the folder, and takes it. */
async function takeOwnership(folder: string): Promise<void> {
  await refuseBusy(folder);
  await awaitWatchdog(folder); // of a dead owner, which may be removing the folder
  await alone(folder, async () => {
    await refuseBusy(folder);
    await mkdir(folder, { recursive: true, mode: 0o755 });
    await putOwner(folder, { owner: await ourselves(), watchdog: null });
  });
}

async function refuseBusy(folder: string): Promise<void> {
  const owner = await ownerOf(folder);
  if (owner !== undefined) throw new RunFolderBusy(folder, owner);
}

/** The work takes a moment, so nobody is told about whom it waits for. */
function alone(folder: string, work: () => Promise<void>): Promise<void> {
  return withLock(`${folder}.lock`, () => {}, work);
}

async function writeOwner(folder: string, supervisor: Supervisor): Promise<void> {
  await putOwner(folder, {
    owner: await ourselves(),
    watchdog: (await identify(supervisor.watchdogPid)) ?? null,
  });
}

/** Only its owner writes it; nobody sees half of it. */
async function putOwner(folder: string, owner: Owner): Promise<void> {
  const file = join(folder, 'owner.json');
  await writeFile(`${file}.new`, JSON.stringify(owner));
  await rename(`${file}.new`, file);
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

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
