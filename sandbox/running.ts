import { control, type FaultCommand, type FaultState } from './control.ts';
import { isAlive, sendSignal, waitGone } from './processes/identity.ts';
import { awaitWatchdog, clearRunFolder, ownerOf } from './processes/run-folder.ts';
import { findOrphans } from './processes/supervisor.ts';
import { readRecord, runFolder, type SandboxRecord } from './record.ts';

/** Sandboxes that some process keeps. Loads none of their parts: commands that only ask answer at once. */

/** How long a sandbox that was told to stop may take before it is killed; its watchdog cleans up then. */
const DOWN_MS = 30_000;
const KILLED_MS = 5_000;

export type SandboxStatus =
  | { readonly state: 'running'; readonly record: SandboxRecord }
  /** The process lives, but its servers are still starting or already stopping. */
  | { readonly state: 'changing'; readonly pid: number }
  /** The process is gone and left servers behind: `down` stops them. */
  | { readonly state: 'orphaned'; readonly processes: readonly { readonly name: string; readonly pid: number }[] }
  | { readonly state: 'stopped' };

export async function status(name = 'default'): Promise<SandboxStatus> {
  const folder = runFolder(name);
  const owner = await ownerOf(folder);
  if (owner !== undefined) {
    const record = await readRecord(folder);
    return record?.pid === owner.pid ? { state: 'running', record } : { state: 'changing', pid: owner.pid };
  }
  const processes = (await findOrphans(folder)).map((orphan) => ({ name: orphan.name, pid: orphan.pid }));
  return processes.length > 0 ? { state: 'orphaned', processes } : { state: 'stopped' };
}

/** Stops a sandbox, wherever it runs, and removes what a dead one left that was not to persist. Answers what was there before. */
export async function down(name = 'default'): Promise<SandboxStatus> {
  const before = await status(name);
  const folder = runFolder(name);
  const owner = await ownerOf(folder);
  if (owner !== undefined) {
    sendSignal(owner.pid, 'SIGTERM');
    if (!(await waitGone(owner, DOWN_MS)) && (await isAlive(owner))) {
      sendSignal(owner.pid, 'SIGKILL');
      await waitGone(owner, KILLED_MS);
    }
  }
  await awaitWatchdog(folder);
  await clearRunFolder(folder, ['sandbox.json']);
  return before;
}

/** The faults of a running sandbox, after `command` when one is given. Throws one line when it does not run. */
export async function faults(name = 'default', command?: FaultCommand): Promise<FaultState> {
  const now = await status(name);
  if (now.state !== 'running') throw new Error(`the sandbox ${name} is ${now.state}, not running`);
  return control(now.record.addresses.control, command);
}
