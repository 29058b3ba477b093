import { join } from 'node:path';
import { Connection } from '@temporalio/client';
import { searchAttributeNames } from '../../contract/names.ts';
import type { Report } from '../../sandbox/binaries/progress.ts';
import { startTemporal, type TemporalServer } from '../../sandbox/temporal/server.ts';
import type { WorkerProcess } from '../../sandbox/worker-process.ts';
import { connectGroundwork, type Groundwork } from '../../starter/client.ts';
import { buildWorker } from '../scope/build-worker.ts';
import { startMeasuredWorker } from '../scope/worker.ts';
import type { Bed } from './bed.ts';

/** A whole installation of the IP room: a database, Temporal, one worker process, and connections to it. */
export interface System {
  readonly databaseUrl: string;
  readonly temporal: TemporalServer;
  readonly worker: WorkerProcess;
  /** Settings of the worker, without what it inherits from nobody. */
  readonly settings: Readonly<Record<string, string>>;
  /** A caller with a connection of its own, as many processes would have. */
  connect(): Promise<Groundwork>;
  close(): Promise<void>;
}

/** `program` is a compiled worker; without one it is built as production runs it. */
export async function startSystem(bed: Bed, program: string | undefined, report: Report): Promise<System> {
  const databaseUrl = await bed.server.createDatabase({ template: bed.template });
  report('Starting Temporal');
  const temporal = await startTemporal({
    supervisor: bed.supervisor,
    searchAttributes: searchAttributeNames,
    ui: false,
  });
  const settings = {
    DATABASE_URL: databaseUrl,
    GROUNDWORK_DATABASE_URL: databaseUrl,
    GROUNDWORK_QUEUES: 'ip',
    GROUNDWORK_LOG_LEVEL: 'warn',
    TEMPORAL_ADDRESS: temporal.address,
    TEMPORAL_NAMESPACE: temporal.namespace,
  };
  report('Worker: building it as production runs it, and starting its process');
  const built = program ?? (await buildWorker(join(bed.folder, 'worker-build')));
  const worker = await startMeasuredWorker(built, bed.folder, settings);
  const connections: Connection[] = [];
  return {
    databaseUrl,
    temporal,
    worker,
    settings,
    connect: async () => {
      const connection = await Connection.connect({ address: temporal.address });
      connections.push(connection);
      return connectGroundwork({ connection, namespace: temporal.namespace });
    },
    close: async () => {
      await Promise.all(connections.map((connection) => connection.close()));
      await worker.stop();
      await temporal.stop();
      await bed.server.dropDatabase(databaseUrl);
    },
  };
}
