import { freePorts } from '../../sandbox/processes/ports.ts';
import { startWorkerProcess, type WorkerProcess } from '../../sandbox/worker-process.ts';
import { metricSum } from '../prometheus.ts';
import { workerStart } from '../worker-start.ts';
import type { ProbeReading } from './probe.ts';

export interface WorkerReading extends ProbeReading {
  /** Calls to AWS, and milliseconds from each call to its answer; the wait for its turn under the rate limit is not in it. */
  readonly awsCalls: number;
  readonly awsMs: number;
  readonly failedWorkflowTasks: number;
}

export interface MeasuredWorker extends WorkerProcess {
  probe(): Promise<ProbeReading>;
  read(): Promise<WorkerReading>;
}

/** Starts the worker that `buildWorker` built, under the probe. */
export async function startMeasuredWorker(
  program: string,
  folder: string,
  environment: Readonly<Record<string, string>>,
): Promise<MeasuredWorker> {
  const [probePort = 0] = await freePorts(1);
  const start = workerStart();
  const worker = await startWorkerProcess(
    folder,
    { ...start.environment, ...environment, BENCH_PROBE_PORT: String(probePort) },
    [...start.flags, program],
  );
  const probe = async () => (await (await fetch(`http://127.0.0.1:${probePort}/`)).json()) as ProbeReading;
  const read = async () => {
    const exposition = await (await fetch(worker.metricsUrl)).text();
    return {
      ...(await probe()),
      awsCalls: metricSum(exposition, 'groundwork_external_calls_total'),
      awsMs: metricSum(exposition, 'groundwork_external_call_seconds_sum') * 1000,
      failedWorkflowTasks: metricSum(exposition, 'temporal_workflow_task_execution_failed_total'),
    };
  };
  return { ...worker, probe, read };
}
