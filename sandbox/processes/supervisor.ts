import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, writeFileSync } from 'node:fs';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { within } from './deadline.ts';
import { identify, isAlive, type ProcessIdentity, sendSignal, waitGone } from './identity.ts';
import { lastLines } from './log.ts';
import { Watchdog } from './watchdog.ts';

/** In the folder of a supervisor: the folders, as JSON, that it removes at its end. */
export const REMOVAL_FILE = 'remove.json';

/** How a child is asked to go: `signal`, and SIGKILL to its whole group `graceMs` later. */
export interface StopRule {
  readonly signal: NodeJS.Signals;
  readonly graceMs: number;
  /** Ascending order among the children of a supervisor; equal ones stop together. Default 0. */
  readonly order?: number;
}

export interface ChildOptions {
  /** Unique in its supervisor: names the pid file and the log file. */
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
  readonly cwd?: string;
  /** The user to run as; needs root. */
  readonly user?: { readonly uid: number; readonly gid: number };
  readonly stop: StopRule;
  /** Whether the child serves. Asked again every 25 ms until it says true; an exception counts as "not yet". */
  readonly ready: (child: Child) => Promise<boolean>;
  /** Milliseconds until a child that is not ready is given up and stopped. */
  readonly readyWithinMs: number;
}

/** A running child. It leads its own process group, and its output goes to `logFile`, never through a pipe of ours. */
export interface Child extends ProcessIdentity {
  readonly name: string;
  readonly logFile: string;
  /** True when the process was found running and taken over, not started. */
  readonly attached: boolean;
  /** Resolves when the process is gone, whoever ended it. */
  readonly gone: Promise<void>;
}

/** A child ended or was not ready in time; the message carries the last lines of its log. */
export class ChildFailure extends Error {
  override readonly name = 'ChildFailure';
}

interface Entry {
  readonly child: Child;
  readonly stop: StopRule;
}

/**
 * Starts children, keeps a pid file `<name>.pid` of each in its folder, and stops them: on `stop`, and through a watchdog
 * when this process dies in any way, SIGKILL included. Folders given to `removeAtEnd` are removed in both cases; where the
 * watchdog died too, `REMOVAL_FILE` says which those are.
 */
export class Supervisor {
  readonly folder: string;
  readonly #watchdog: Watchdog;
  readonly #entries = new Map<string, Entry>();
  readonly #folders = new Set<string>();

  private constructor(folder: string, watchdog: Watchdog) {
    this.folder = folder;
    this.#watchdog = watchdog;
  }

  /** Opens the folder (made when absent). Children that an earlier supervisor left there are the caller's to stop first. */
  static async open(folder: string): Promise<Supervisor> {
    await mkdir(folder, { recursive: true, mode: 0o755 });
    await rm(join(folder, REMOVAL_FILE), { force: true }); // of an earlier one, which may have meant to keep less
    return new Supervisor(folder, await Watchdog.start());
  }

  get watchdogPid(): number {
    return this.#watchdog.pid;
  }

  children(): readonly Child[] {
    return [...this.#entries.values()].map((entry) => entry.child);
  }

  /** The folder goes when the supervisor has stopped everything, or when this process is dead. */
  removeAtEnd(folder: string): void {
    this.#folders.add(folder);
    this.#watchdog.removeAfterDeath(folder);
    writeFileSync(join(this.folder, REMOVAL_FILE), JSON.stringify([...this.#folders]));
  }

  /** Starts a child and waits until it is ready. Throws `ChildFailure` when it ends or stays silent; it is stopped then. */
  async start(options: ChildOptions): Promise<Child> {
    if (this.#entries.has(options.name)) throw new Error(`a child named ${options.name} is running already`);
    const logFile = join(this.folder, `${options.name}.log`);
    const spawned = await this.#spawn(options, logFile);
    const exited = once(spawned, 'exit').then(() => undefined);
    const identity = await identify(spawned.pid ?? -1);
    if (identity === undefined) {
      await exited;
      throw new ChildFailure(await ended(options.name, spawned, logFile));
    }
    const child: Child = { ...identity, name: options.name, logFile, attached: false, gone: exited };
    await this.#register(child, options.stop);
    void exited.then(() => this.#forget(options.name, identity.pid));
    try {
      await untilReady(options, child, spawned);
    } catch (error) {
      await this.stopChild(options.name);
      throw error;
    }
    return child;
  }

  /** Takes over a process that an earlier run left, so that it is stopped with the rest. */
  async attach(name: string, identity: ProcessIdentity, stop: StopRule): Promise<Child> {
    const gone = (async () => {
      while (await isAlive(identity)) await delay(200, undefined, { ref: false });
      await this.#forget(name, identity.pid);
    })();
    const child = { ...identity, name, logFile: join(this.folder, `${name}.log`), attached: true, gone };
    await this.#register(child, stop);
    return child;
  }

  /** Stops one child by its rule. A child that is gone, or was never there, is no error. */
  async stopChild(name: string): Promise<void> {
    const entry = this.#entries.get(name);
    if (entry === undefined) return;
    await stopProcess(entry.child, entry.stop);
    await this.#forget(name, entry.child.pid);
  }

  /** Stops every child in the order of their rules, then removes the folders and ends the watchdog. */
  async stop(): Promise<void> {
    const orders = [...new Set([...this.#entries.values()].map((entry) => entry.stop.order ?? 0))].sort(
      (a, b) => a - b,
    );
    for (const order of orders) {
      const due = [...this.#entries.values()].filter((entry) => (entry.stop.order ?? 0) === order);
      await Promise.all(due.map((entry) => this.stopChild(entry.child.name)));
    }
    for (const folder of this.#folders) await rm(folder, { recursive: true, force: true, maxRetries: 5 });
    await rm(join(this.folder, REMOVAL_FILE), { force: true });
    await this.#watchdog.close();
  }

  async #spawn(options: ChildOptions, logFile: string): Promise<ChildProcess> {
    const log = openSync(logFile, 'a');
    try {
      const child = spawn(options.command, options.args, {
        detached: true,
        stdio: ['ignore', log, log],
        env: options.env ?? process.env,
        ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
        ...options.user,
      });
      await once(child, 'spawn'); // rejects with the spawn error, which names the command
      child.unref();
      return child;
    } finally {
      closeSync(log);
    }
  }

  async #register(child: Child, stop: StopRule): Promise<void> {
    const { pid, born } = child;
    const order = stop.order ?? 0;
    this.#entries.set(child.name, { child, stop });
    this.#watchdog.watch({ pid, born, signal: stop.signal, graceMs: stop.graceMs, order });
    await writeFile(join(this.folder, `${child.name}.pid`), JSON.stringify({ pid, born, stop: { ...stop, order } }));
  }

  async #forget(name: string, pid: number): Promise<void> {
    if (this.#entries.get(name)?.child.pid !== pid) return;
    this.#entries.delete(name);
    this.#watchdog.forget(pid);
    await rm(join(this.folder, `${name}.pid`), { force: true });
  }
}

/** Stops a process by a rule, whoever started it, and waits until it is gone. */
export async function stopProcess(identity: ProcessIdentity, stop: StopRule): Promise<void> {
  if (!(await isAlive(identity))) return;
  sendSignal(identity.pid, stop.signal);
  if (await waitGone(identity, stop.graceMs)) return;
  sendSignal(identity.pid, 'SIGKILL', 'group');
  sendSignal(identity.pid, 'SIGKILL');
  if (!(await waitGone(identity, 5_000))) throw new Error(`process ${identity.pid} survives SIGKILL`);
}

/** A child that a pid file names and that still runs. */
export interface Orphan extends ProcessIdentity {
  readonly name: string;
  readonly stop: StopRule;
}

/** The living children of an earlier supervisor of this folder. Pid files of dead ones are removed. */
export async function findOrphans(folder: string): Promise<Orphan[]> {
  const orphans: Orphan[] = [];
  for (const file of await readdir(folder).catch(() => [])) {
    if (!file.endsWith('.pid')) continue;
    const orphan = parsePidFile(file.slice(0, -'.pid'.length), await readFile(join(folder, file), 'utf8'));
    if (orphan !== undefined && (await isAlive(orphan))) orphans.push(orphan);
    else await rm(join(folder, file), { force: true });
  }
  return orphans.sort((a, b) => (a.stop.order ?? 0) - (b.stop.order ?? 0));
}

/** Stops the given orphans one after the other, in the order of their rules. */
export async function stopOrphans(folder: string, orphans: readonly Orphan[]): Promise<void> {
  for (const orphan of orphans) {
    await stopProcess(orphan, orphan.stop);
    await rm(join(folder, `${orphan.name}.pid`), { force: true });
  }
}

/** What the earlier supervisor of this folder was to remove at its end, and did not. */
export async function foldersToRemove(folder: string): Promise<readonly string[]> {
  try {
    return JSON.parse(await readFile(join(folder, REMOVAL_FILE), 'utf8')) as string[];
  } catch {
    return []; // none, or one that its writer could not finish
  }
}

/** A file that its writer could not finish names no process. */
function parsePidFile(name: string, text: string): Orphan | undefined {
  try {
    const { pid, born, stop } = JSON.parse(text) as Orphan;
    return typeof pid === 'number' && typeof born === 'string' ? { name, pid, born, stop } : undefined;
  } catch {
    return undefined;
  }
}

async function untilReady(options: ChildOptions, child: Child, spawned: ChildProcess): Promise<void> {
  const deadline = Date.now() + options.readyWithinMs;
  let reason = 'it never answered';
  while (Date.now() < deadline) {
    if (spawned.exitCode !== null || spawned.signalCode !== null) {
      throw new ChildFailure(await ended(options.name, spawned, child.logFile));
    }
    try {
      // Alive still: where a port was lost to another server of the kind, it is that one which answers.
      if (
        (await within(deadline - Date.now(), 'the ready check hangs', options.ready(child))) &&
        (await isAlive(child))
      )
        return;
    } catch (error) {
      reason = error instanceof Error ? error.message : String(error);
    }
    await delay(25);
  }
  const log = await lastLines(child.logFile);
  throw new ChildFailure(
    `${options.name} was not ready after ${options.readyWithinMs} ms (${reason}); its log ends:\n${log}`,
  );
}

async function ended(name: string, child: ChildProcess, logFile: string): Promise<string> {
  const how = child.signalCode === null ? `exit code ${child.exitCode}` : child.signalCode;
  return `${name} ended before it was ready (${how}); its log ends:\n${await lastLines(logFile)}`;
}
