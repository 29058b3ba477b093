import { Connection } from '@temporalio/client';
import { migrate } from '../../migrations/migrate.ts';
import { connectGroundwork } from '../../starter/client.ts';
import type { Report } from '../binaries/progress.ts';
import { databasesOf } from '../postgres/databases.ts';
import { RunFolderBusy } from '../processes/run-folder.ts';
import { type Sandbox, type SandboxOptions, startSandbox } from '../sandbox.ts';
import { startWorkerProcess, type WorkerProcess } from '../worker-process.ts';
import type { Setting, Stage } from './chapter.ts';
import { Reality } from './reality.ts';
import { scaledWorkerSettings, TIME_SCALE } from './settings.ts';

/** A stage before anybody tells or checks anything on it. */
export interface BareStage extends Omit<Stage, 'narrator' | 'checks' | 'milestone'> {
  readonly worker: WorkerProcess;
  /**
   * Closes the connection to Temporal. Only when no call is under way: one that waits to be tried again would then throw from
   * its timer, past everybody. Without it the connection ends with its server.
   */
  disconnect(): Promise<void>;
}

/** How to take down what was set up so far, from the last to the first. */
export type Closing = (() => Promise<unknown>)[];

/** Boots the sandbox, the worker as a process of its own, and the clients. What is up is in `closing`, also when this fails. */
export async function setUpStage(setting: Setting, report: Report, closing: Closing): Promise<BareStage> {
  await borrowDatabase(report, closing);
  const environment = { ...setting.worker, ...scaledWorkerSettings };
  const sandbox = await startFirstFree({
    timeScale: TIME_SCALE,
    region: setting.region,
    environment,
    aws: { seed: setting.seed },
    report,
    migrate,
  });
  closing.push(() => sandbox.stop());
  report(`PostgreSQL: ${sandbox.sources.postgres}`);
  const { temporal: address, temporalNamespace: namespace, temporalUi } = sandbox.addresses;
  const reality = new Reality(sandbox, setting.region, setting.zones);
  closing.push(() => reality.close());
  const connection = await Connection.connect({ address });
  const groundwork = await connectGroundwork({ connection, namespace });
  report('Worker: starting its process, which bundles the workflows');
  const worker = await startWorkerProcess(sandbox.folder, sandbox.environment());
  closing.push(() => worker.stop());
  report(`Worker: polls its task queue (process ${worker.pid})`);
  const link = (workflowId: string, runId?: string) =>
    [temporalUi ?? '', 'namespaces', namespace, 'workflows', workflowId, ...(runId ? [runId] : [])]
      .map((part, at) => (at ? encodeURIComponent(part) : part))
      .join('/');
  return { sandbox, groundwork, reality, worker, link, disconnect: () => connection.close() };
}

/** Takes down everything, whatever fails on the way; answers what failed. */
export async function takeDown(closing: Closing): Promise<Error[]> {
  const errors: Error[] = [];
  for (const close of closing.splice(0).reverse())
    await close().catch((error: unknown) => errors.push(error instanceof Error ? error : new Error(String(error))));
  return errors;
}

/** On a PostgreSQL server of the user's the demo works in a database of its own, which it drops in the end. */
async function borrowDatabase(report: Report, closing: Closing): Promise<void> {
  const server = process.env.DATABASE_URL;
  if (!server) return;
  const databases = databasesOf(server);
  const url = await databases.createDatabase().catch((error: unknown) => {
    const why = error instanceof Error && error.message ? error.message : String(error);
    throw new Error(
      `DATABASE_URL is set, but no database can be made there: ${why}. Unset it to use a server of our own.`,
    );
  });
  report('PostgreSQL: the server of DATABASE_URL, in a database of its own');
  process.env.DATABASE_URL = url;
  closing.push(async () => {
    process.env.DATABASE_URL = server;
    await databases.dropDatabase(url);
  });
}

const SEVERAL = 5;

/** Several demos may run at once; each takes the first name that is free, so that a dead one's servers are found and stopped. */
async function startFirstFree(options: SandboxOptions): Promise<Sandbox> {
  for (let number = 1; ; number += 1) {
    try {
      return await startSandbox({ ...options, name: number === 1 ? 'demo' : `demo-${number}` });
    } catch (error) {
      if (!(error instanceof RunFolderBusy) || number === SEVERAL) throw error;
    }
  }
}
