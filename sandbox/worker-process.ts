import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { lastLines } from './processes/log.ts';
import { freePorts } from './processes/ports.ts';
import { Supervisor } from './processes/supervisor.ts';

export interface WorkerProcess {
  readonly pid: number;
  readonly logFile: string;
  /** Where Prometheus would read its metrics. */
  readonly metricsUrl: string;
  /** Resolves with the reason when the worker ends before it is stopped. */
  readonly ended: Promise<string>;
  stop(): Promise<void>;
}

const STOP = { signal: 'SIGTERM', graceMs: 10_000 } as const;
/** It bundles the workflows first, which is seconds of work on a busy machine. */
const READY_MS = 90_000;

/**
 * Starts the worker as anybody would, as a process of its own with `environment` on top of this one's, and waits until it
 * polls. It is stopped also when this process dies in any way.
 */
export async function startWorkerProcess(
  folder: string,
  environment: Readonly<Record<string, string>>,
  program: readonly string[] = workerProgram(),
): Promise<WorkerProcess> {
  const [health = 0, metrics = 0] = await freePorts(2);
  const supervisor = await Supervisor.open(join(folder, 'worker'));
  let stopping = false;
  const stop = async () => {
    stopping = true;
    await supervisor.stop();
  };
  try {
    const child = await supervisor.start({
      name: 'worker',
      command: process.execPath,
      args: [...program],
      env: {
        ...process.env,
        ...environment,
        GROUNDWORK_HEALTH_ADDRESS: `127.0.0.1:${health}`,
        GROUNDWORK_METRICS_ADDRESS: `127.0.0.1:${metrics}`,
      },
      stop: STOP,
      readyWithinMs: READY_MS,
      ready: async () => (await fetch(`http://127.0.0.1:${health}/readyz`)).ok,
    });
    const ended = child.gone.then(async () =>
      stopping ? new Promise<string>(() => {}) : `the worker ended; its log ends:\n${await lastLines(child.logFile)}`,
    );
    return { pid: child.pid, logFile: child.logFile, metricsUrl: `http://127.0.0.1:${metrics}/metrics`, ended, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** `worker/main` through tsx from the sources, as it is from `dist`. */
function workerProgram(): string[] {
  const fromSources = import.meta.url.endsWith('.ts');
  const file = fileURLToPath(new URL(`../worker/main.${fromSources ? 'ts' : 'js'}`, import.meta.url));
  return fromSources ? ['--import', import.meta.resolve('tsx'), file] : [file];
}
