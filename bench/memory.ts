import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';

const SAMPLE_MS = 250;

/** Resident memory of a process in bytes. Throws when it is gone. */
async function residentBytes(pid: number): Promise<number> {
  if (process.platform === 'linux') {
    const [, kilobytes] = /^VmRSS:\s+(\d+) kB/m.exec(await readFile(`/proc/${pid}/status`, 'utf8')) ?? [];
    return Number(kilobytes) * 1024;
  }
  const { stdout } = await promisify(execFile)('ps', ['-o', 'rss=', '-p', String(pid)]);
  return Number(stdout.trim()) * 1024;
}

/** Watches the resident memory of a process from now on; `stop` answers it at the begin and the most that was seen. */
export async function watchMemory(pid: number): Promise<{ stop(): Promise<{ before: number; most: number }> }> {
  const before = await residentBytes(pid);
  let most = before;
  const stopping = new AbortController();
  const sampling = (async () => {
    while (!stopping.signal.aborted) {
      most = Math.max(most, await residentBytes(pid));
      await delay(SAMPLE_MS, undefined, { signal: stopping.signal });
    }
  })().catch(() => {}); // stopped, or the process is gone, which its callers hear
  return {
    stop: async () => {
      stopping.abort();
      await sampling;
      return { before, most };
    },
  };
}
