import { existsSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Client, Connection } from '@temporalio/client';
import { loadClientConnectConfig } from '@temporalio/envconfig';
import { NativeConnection, Runtime, type Worker } from '@temporalio/worker';
import { IpMetrics } from '../activities/ip/metrics.ts';
import { Metrics } from '../activities/metrics.ts';
import { publicValues, readConfiguration, type Values } from './configuration.ts';
import { createDependencies } from './dependencies.ts';
import { serveHealth } from './health.ts';
import { repeatedly } from './repeatedly.ts';
import { installTelemetry } from './telemetry.ts';
import { startWatchers } from './watchers/index.ts';
import { createWorkers, type WorkflowCode } from './workers.ts';

/** The worker process. Exit codes: 0 after a graceful stop, 1 when something failed, 2 for a wrong configuration. */

/** How long one part may take to close at the end, and after the last one whatever still keeps the process alive. */
const CLOSE_MS = 2_000;
const LAST_WORDS_MS = 5_000;

const values = readOrExit();
const logger = telemetryOrExit();
logger.info({ configuration: publicValues(values), node: process.version }, 'starting');
try {
  await run(values);
  logger.info('stopped');
} catch (error) {
  logger.fatal({ err: error }, 'the worker ended with an error');
  process.exitCode = 1;
}
setTimeout(() => process.exit(), LAST_WORDS_MS).unref();

/** Runs until a signal or a failure; whatever was opened by then is closed, last first, so that the process can end. */
async function run(values: Values): Promise<void> {
  const closing: (() => unknown)[] = [];
  try {
    const config = connectConfigOrExit();
    const namespace = config.namespace ?? 'default';
    const native = await NativeConnection.connect(config.connectionOptions);
    closing.unshift(() => native.close());
    const connection = await Connection.connect(config.connectionOptions);
    closing.unshift(() => connection.close());
    const temporal = new Client({ connection, namespace });
    const dependencies = createDependencies(values, temporal, {
      metrics: new Metrics(Runtime.instance().metricMeter),
      ipMetrics: new IpMetrics(Runtime.instance().metricMeter),
      onDatabaseError: (err) => logger.warn({ err }, 'an idle connection to PostgreSQL broke'),
    });
    closing.unshift(() => dependencies.close());
    // Before the workers: one that was made but never ran would keep the process from ending.
    const workers: Worker[] = [];
    const health = await serveHealth(values.healthAddress, workers);
    closing.unshift(() => health.close());
    workers.push(
      ...(await createWorkers({ connection: native, namespace, values, dependencies, workflows: workflowCode() })),
    );
    closing.unshift(startWatchers(values, dependencies, temporal, (trouble) => logger.warn(trouble)));
    if (values.queues.includes('ip')) {
      closing.unshift(
        repeatedly(values.ipSampleSeconds, dependencies.sampleIp, (err) =>
          logger.warn({ err }, 'pools cannot be sampled'),
        ),
      );
    }
    await serve(workers);
  } finally {
    for (const close of closing) await Promise.race([letGo(close), delay(CLOSE_MS, undefined, { ref: false })]);
  }
}

/** What cannot be closed hinders neither the others, nor the first error from being told. */
async function letGo(close: () => unknown): Promise<void> {
  try {
    await close();
  } catch (err) {
    logger.warn({ err }, 'a part of the worker could not be closed');
  }
}

/** Runs the workers until SIGTERM or SIGINT; when one fails, the others stop too. */
async function serve(workers: readonly Worker[]): Promise<void> {
  const shutDown = () => {
    for (const worker of workers) if (worker.getState() === 'RUNNING') worker.shutdown();
  };
  const stop = (signal: string) => {
    logger.info({ signal }, 'stopping: no new work, running activities may finish');
    shutDown();
  };
  process.once('SIGTERM', stop);
  process.once('SIGINT', stop);
  const runs = workers.map((worker) => worker.run());
  try {
    await Promise.all(runs);
  } finally {
    shutDown();
    await Promise.allSettled(runs);
  }
}

/** The bundle made by `npm run build`; from source only in a checkout that was not built. */
function workflowCode(): WorkflowCode {
  const bundlePath = fileURLToPath(new URL('../workflow-bundle.js', import.meta.url));
  return existsSync(bundlePath) ? { bundlePath } : 'source';
}

function readOrExit(): Values {
  const environment = { ...process.env };
  try {
    const { values: options } = parseArgs({ options: { queues: { type: 'string' } } });
    if (options.queues !== undefined) environment.GROUNDWORK_QUEUES = options.queues;
  } catch (error) {
    exitWith([words(error)]);
  }
  const result = readConfiguration(environment);
  return result.ok ? result.values : exitWith(result.problems);
}

function telemetryOrExit() {
  try {
    return installTelemetry(values);
  } catch (error) {
    return exitWith([`GROUNDWORK_METRICS_ADDRESS ${values.metricsAddress}: ${words(error)}`], 1);
  }
}

/** What the `temporal` command would connect to; a profile or file that cannot be read is a wrong configuration. */
function connectConfigOrExit() {
  try {
    return loadClientConnectConfig();
  } catch (error) {
    return exitWith([`Temporal: ${words(error)}`]);
  }
}

function words(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function exitWith(problems: readonly string[], code = 2): never {
  for (const problem of problems) process.stderr.write(`groundwork-worker: ${problem}\n`);
  process.exit(code);
}
