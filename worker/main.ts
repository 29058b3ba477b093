import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Client, Connection } from '@temporalio/client';
import { loadClientConnectConfig } from '@temporalio/envconfig';
import { NativeConnection, Runtime } from '@temporalio/worker';
import { Metrics } from '../activities/metrics.ts';
import { publicValues, readConfiguration, type Values } from './configuration.ts';
import { createDependencies } from './dependencies.ts';
import { serveHealth } from './health.ts';
import { installTelemetry } from './telemetry.ts';
import { createWorkers, type WorkflowCode } from './workers.ts';

/** The worker process. Exit codes: 0 after a graceful stop, 1 when something failed, 2 for a wrong configuration. */

const values = readOrExit();
const logger = installTelemetry(values);
logger.info({ configuration: publicValues(values), node: process.version }, 'starting');
try {
  await run(values);
  logger.info('stopped');
} catch (error) {
  logger.fatal({ err: error }, 'the worker ended with an error');
  process.exitCode = 1;
}

async function run(values: Values): Promise<void> {
  const config = loadClientConnectConfig();
  const namespace = config.namespace ?? 'default';
  const native = await NativeConnection.connect(config.connectionOptions);
  const connection = await Connection.connect(config.connectionOptions);
  const client = new Client({ connection, namespace });
  const dependencies = createDependencies(values, client, {
    metrics: new Metrics(Runtime.instance().metricMeter),
    onDatabaseError: (err) => logger.warn({ err }, 'an idle connection to PostgreSQL broke'),
  });
  const workers = await createWorkers({
    connection: native,
    namespace,
    values,
    dependencies,
    workflows: workflowCode(),
  });
  const health = await serveHealth(values.healthAddress, workers);

  const stop = (signal: string) => {
    logger.info({ signal }, 'stopping: no new work, running activities may finish');
    for (const worker of workers) if (worker.getState() === 'RUNNING') worker.shutdown();
  };
  process.once('SIGTERM', stop);
  process.once('SIGINT', stop);
  try {
    await Promise.all(workers.map((worker) => worker.run()));
  } finally {
    health.close();
    await dependencies.close();
    await connection.close();
    await native.close();
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
    exitWith([error instanceof Error ? error.message : String(error)]);
  }
  const result = readConfiguration(environment);
  return result.ok ? result.values : exitWith(result.problems);
}

function exitWith(problems: readonly string[]): never {
  for (const problem of problems) process.stderr.write(`groundwork-worker: ${problem}\n`);
  process.exit(2);
}
