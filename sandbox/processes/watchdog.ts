import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/** What the watchdog needs to know of a child to stop exactly that one. */
export interface WatchedChild {
  readonly pid: number;
  /** See `ProcessIdentity`. */
  readonly born: string;
  readonly signal: NodeJS.Signals;
  /** Milliseconds between the signal and SIGKILL. */
  readonly graceMs: number;
  /** Ascending order of stopping; equal ones stop together. */
  readonly order: number;
}

/** The parent's end of the pipe to `watchdog.mjs`, which says what happens when this process dies. */
export class Watchdog {
  readonly #process: ChildProcess;

  private constructor(child: ChildProcess) {
    this.#process = child;
  }

  static async start(): Promise<Watchdog> {
    const program = fileURLToPath(new URL('./watchdog.mjs', import.meta.url));
    // Options of this process (`--import tsx`, `--inspect`) are none of the watchdog's business.
    const { NODE_OPTIONS: _options, ...env } = process.env;
    const child = spawn(process.execPath, [program], { detached: true, stdio: ['pipe', 'ignore', 'ignore'], env });
    await once(child, 'spawn');
    child.unref();
    // A watchdog that somebody killed must not take the parent with it by EPIPE.
    child.stdin?.on('error', () => {});
    (child.stdin as unknown as { unref?: () => void } | null)?.unref?.();
    return new Watchdog(child);
  }

  get pid(): number {
    return this.#process.pid ?? -1;
  }

  watch(child: WatchedChild): void {
    this.#send({ add: child });
  }

  forget(pid: number): void {
    this.#send({ remove: pid });
  }

  /** The folder is removed after the death of this process, when the children are stopped. */
  removeAfterDeath(folder: string): void {
    this.#send({ folder });
  }

  keep(folder: string): void {
    this.#send({ keep: folder });
  }

  /** Ends the watchdog. What is still registered is stopped by it first. */
  async close(): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    this.#process.ref();
    const gone = once(this.#process, 'exit');
    this.#process.stdin?.end();
    await gone;
  }

  #send(message: object): void {
    if (this.#process.stdin?.writable) this.#process.stdin.write(`${JSON.stringify(message)}\n`);
  }
}
