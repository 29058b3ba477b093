import { join } from 'node:path';
import { lastLines } from '../../sandbox/processes/log.ts';
import { freePorts } from '../../sandbox/processes/ports.ts';
import { Supervisor } from '../../sandbox/processes/supervisor.ts';
import { metricSum } from '../prometheus.ts';
import type { ProbeReading } from './probe.ts';

export interface WorkerReading extends ProbeReading {
  /** Calls to AWS, and milliseconds from each call to its answer; the wait for its turn under the rate limit is not in it. */
  readonly awsCalls: number;
  readonly awsMs: number;
  readonly failedWorkflowTasks: number;
}

export interface MeasuredWorker {
  readonly pid: number;
  /** Resolves with the reason when the worker ends before it is stopped. */
  readonly ended: Promise<string>;
  probe(): Promise<ProbeReading>;
  read(): Promise<WorkerReading>;
  stop(): Promise<void>;
}

const READY_MS = 60_000;
const STOP = { signal: 'SIGTERM', graceMs: 10_000 } as const;

/** Starts the worker that `buildWorker` built as a process of its own, and waits until it polls. */
export async function startMeasuredWorker(
  program: string,
  folder: string,
  environment: Readonly<Record<string, string>>,
): Promise<MeasuredWorker> {
  const [health = 0, metrics = 0, probePort = 0] = await freePorts(3);
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
      args: [program],
      env: {
        ...process.env,
        ...environment,
        BENCH_PROBE_PORT: String(probePort),
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
    const probe = async () => (await (await fetch(`http://127.0.0.1:${probePort}/`)).json()) as ProbeReading;
    const read = async () => {
      const exposition = await (await fetch(`http://127.0.0.1:${metrics}/metrics`)).text();
      return {
        ...(await probe()),
        awsCalls: metricSum(exposition, 'groundwork_external_calls_total'),
        awsMs: metricSum(exposition, 'groundwork_external_call_seconds_sum') * 1000,
        failedWorkflowTasks: metricSum(exposition, 'temporal_workflow_task_execution_failed_total'),
      };
    };
    return { pid: child.pid, ended, probe, read, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}
