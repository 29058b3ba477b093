import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import os from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

/** What a benchmark ran on. */
export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGb: number;
  readonly os: string;
  /** Share of the processors that others used in the second before the run, 0 to 1. */
  readonly busyBefore: number;
  /** Load averages over 1 minute. */
  readonly loadBefore: number;
  readonly loadAfter: number;
}

const LOOK_MS = 1_000;

/** Looks at the machine before a run; the answer completes the picture after it. */
export async function observeMachine(): Promise<() => Machine> {
  const [loadBefore = 0] = os.loadavg();
  const busy = watchProcessors();
  await delay(LOOK_MS);
  const busyBefore = busy();
  return () => ({
    cpu: os.cpus()[0]?.model.trim() ?? 'unknown',
    cores: os.availableParallelism(),
    memoryGb: Math.round(os.totalmem() / 1e8) / 10,
    os: `${os.type()} ${os.release()} ${os.arch()}`,
    busyBefore: Math.round(busyBefore * 100) / 100,
    loadBefore,
    loadAfter: os.loadavg()[0] ?? 0,
  });
}

/** The answer tells which share of all processors was busy since this call, 0 to 1, whoever used them. */
export function watchProcessors(): () => number {
  const before = processorTimes();
  return () => {
    const after = processorTimes();
    return 1 - (after.idle - before.idle) / Math.max(1, after.all - before.all);
  };
}

function processorTimes(): { idle: number; all: number } {
  let idle = 0;
  let all = 0;
  for (const { times } of os.cpus()) {
    idle += times.idle;
    all += times.user + times.nice + times.sys + times.idle + times.irq;
  }
  return { idle, all };
}

/** Version of an npm package as installed here. */
export async function packageVersion(name: string): Promise<string> {
  const file = fileURLToPath(new URL(`../node_modules/${name}/package.json`, import.meta.url));
  return (JSON.parse(await readFile(file, 'utf8')) as { version: string }).version;
}

/** The commit of the sources, with "+ changes" when the work tree differs; undefined outside a repository. */
export async function sourceRevision(): Promise<string | undefined> {
  const cwd = fileURLToPath(new URL('..', import.meta.url));
  const git = async (...args: string[]) => (await promisify(execFile)('git', args, { cwd })).stdout.trim();
  try {
    const commit = await git('rev-parse', '--short=12', 'HEAD');
    return (await git('status', '--porcelain', '--untracked-files=no')) === '' ? commit : `${commit} + changes`;
  } catch {
    return undefined;
  }
}
