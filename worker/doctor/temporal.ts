import { Client, Connection } from '@temporalio/client';
import { loadClientConnectConfig } from '@temporalio/envconfig';
import { livePollers, WORKFLOW_TASKS } from '../../contract/pollers.ts';
import type { Values } from '../configuration.ts';
import { type Finding, failed, ok, SetupError, warning } from '../findings.ts';
import { missingSchedules } from '../schedules.ts';
import { missingSearchAttributes } from '../setup.ts';
import { temporalTrouble } from '../temporal-trouble.ts';

/** Server, namespace, search attributes, and who serves the task queues. */

const CALL_MS = 10_000;
const CONNECT_MS = 5_000;

/** Without `values` the configuration cannot be read, and what follows from it is not looked at. */
export async function* examineTemporal(taskQueues: readonly string[], values?: Values): AsyncGenerator<Finding> {
  let config: ReturnType<typeof loadClientConnectConfig>;
  try {
    config = loadClientConnectConfig();
  } catch (error) {
    const words = error instanceof Error ? error.message : String(error);
    yield failed('Temporal configuration', 'usage', words, 'Correct TEMPORAL_PROFILE, or the file it is looked up in.');
    return;
  }
  const address = config.connectionOptions.address ?? 'localhost:7233';
  const namespace = config.namespace ?? 'default';
  let connection: Connection;
  try {
    connection = await Connection.connect({ ...config.connectionOptions, connectTimeout: CONNECT_MS });
  } catch (error) {
    const { trouble, message } = temporalTrouble(error);
    yield failed('Temporal server', trouble, `${address}: ${message}`, 'Start it, or correct TEMPORAL_ADDRESS.');
    return;
  }
  const client = new Client({ connection, namespace });
  const ask = <T>(call: () => Promise<T>) => client.withDeadline(Date.now() + CALL_MS, call);
  try {
    const { serverVersion } = await ask(() => connection.workflowService.getSystemInfo({}));
    yield ok('Temporal server', `${address}, version ${serverVersion}`);
    const reachable = yield* examineNamespace(connection, namespace, ask);
    if (!reachable) return;
    yield await ask(() => examineSearchAttributes(connection, namespace));
    if (values) yield await ask(() => examineSchedules(client, values));
    for (const taskQueue of taskQueues) yield await ask(() => examineQueue(connection, namespace, taskQueue));
  } catch (error) {
    const { trouble, message } = temporalTrouble(error);
    yield failed('Temporal server', trouble, message, 'Look at the log of the Temporal server.');
  } finally {
    await connection.close();
  }
}

async function* examineNamespace(
  connection: Connection,
  namespace: string,
  ask: <T>(call: () => Promise<T>) => Promise<T>,
): AsyncGenerator<Finding, boolean> {
  const subject = `Temporal namespace ${namespace}`;
  try {
    const { config } = await ask(() => connection.workflowService.describeNamespace({ namespace }));
    const hours = Number(config?.workflowExecutionRetentionTtl?.seconds ?? 0) / 3600;
    const kept = hours > 0 ? `closed runs are kept for ${hours} h` : 'no retention is told';
    yield ok(subject, kept);
    return true;
  } catch (error) {
    const { trouble, message } = temporalTrouble(error);
    const remedy =
      trouble === 'notFound'
        ? `Create it (temporal operator namespace create -n ${namespace}), or correct TEMPORAL_NAMESPACE.`
        : 'Check the credentials of the worker for this namespace.';
    yield failed(subject, trouble, message, remedy);
    return false;
  }
}

async function examineSearchAttributes(connection: Connection, namespace: string): Promise<Finding> {
  const subject = 'Temporal search attributes';
  try {
    const missing = await missingSearchAttributes(connection, namespace);
    if (missing.length === 0) return ok(subject, 'all registered');
    return failed(subject, 'notFound', `missing: ${missing.join(', ')}`, 'Run "groundwork setup".');
  } catch (error) {
    if (error instanceof SetupError) return failed(subject, error.trouble, error.message, 'See above.');
    const { trouble, message } = temporalTrouble(error);
    if (trouble !== 'forbidden') throw error;
    return warning(subject, `may not be listed: ${message}`, 'Check them in the UI of the namespace.');
  }
}

async function examineSchedules(client: Client, values: Values): Promise<Finding> {
  const subject = 'Temporal schedules';
  const missing = await missingSchedules(client, values);
  if (missing.length === 0) return ok(subject, 'all there');
  return warning(subject, `missing: ${missing.join(', ')}`, 'Run "groundwork setup".');
}

async function examineQueue(connection: Connection, namespace: string, taskQueue: string): Promise<Finding> {
  const { pollers } = await connection.workflowService.describeTaskQueue({
    namespace,
    taskQueue: { name: taskQueue },
    taskQueueType: WORKFLOW_TASKS,
  });
  const seen = livePollers(pollers, Date.now());
  const subject = `Task queue ${taskQueue}`;
  if (seen.length > 0) return ok(subject, `served by ${seen.map(({ identity }) => identity).join(', ')}`);
  return warning(subject, 'no worker polls it: runs wait until one does', 'Start the worker (npm start).');
}
