import { join } from 'node:path';
import { type Client, Connection } from '@temporalio/client';
import { Database } from '../../activities/postgres/database.ts';
import { migrate } from '../../migrations/migrate.ts';
import type { Report } from '../../sandbox/binaries/progress.ts';
import { forgetOwnServers } from '../../sandbox/demo/settings.ts';
import { stopOnSignals } from '../../sandbox/processes/signals.ts';
import { type Sandbox, startSandbox } from '../../sandbox/sandbox.ts';
import { connectGroundwork } from '../../starter/client.ts';
import type { Scopes } from '../../starter/scopes.ts';
import { buildWorker } from './build-worker.ts';
import { DOMAIN, PRIVATE_ZONE, PUBLIC_ZONE, REGION, seedOf } from './pool.ts';
import { type MeasuredWorker, startMeasuredWorker } from './worker.ts';

/** What a run works on: servers of its own, one worker process, the clients. */
export interface Bed {
  readonly sandbox: Sandbox;
  readonly scopes: Scopes;
  readonly temporal: Client;
  /** The ledger, past the proxies. */
  readonly ledger: Database;
  readonly report: Report;
  readonly worker: MeasuredWorker;
  /** Settings of the present worker besides the addresses. */
  readonly settings: Readonly<Record<string, string>>;
  /** Replaces the worker by one with these settings. */
  restartWorker(settings: Readonly<Record<string, string>>): Promise<void>;
  close(): Promise<void>;
}

/** The worker of every stage; the rest is its defaults. */
const BASE_SETTINGS = {
  GROUNDWORK_REGION: REGION,
  GROUNDWORK_DOMAIN_NAME: DOMAIN,
  GROUNDWORK_HOSTED_ZONE_PUBLIC: PUBLIC_ZONE,
  GROUNDWORK_HOSTED_ZONE_PRIVATE: PRIVATE_ZONE,
  GROUNDWORK_LOG_LEVEL: 'warn',
} as const;

/**
 * Boots the sandbox, with fsync, and the first worker. The user's own servers are never touched: their settings are taken
 * out of this process's environment, DATABASE_URL too, because the ledger is emptied between measurements.
 */
export async function makeBed(
  options: { timeScale: number; settings: Readonly<Record<string, string>>; controllers?: false },
  report: Report,
): Promise<Bed> {
  for (const name of forgetOwnServers(process.env)) report(`${name} is set; the benchmark uses a server of its own`);
  delete process.env.DATABASE_URL;
  const closing: (() => Promise<unknown>)[] = [];
  const close = async () => {
    for (const end of closing.splice(0).reverse()) await end();
  };
  const unregister = stopOnSignals(close);
  closing.push(async () => unregister());
  try {
    const sandbox = await startSandbox({
      name: `bench-${process.pid}`,
      durable: true,
      timeScale: options.timeScale,
      region: REGION,
      aws: { seed: seedOf([]) },
      ...(options.controllers === false ? { controllers: false } : {}),
      report,
      migrate,
    });
    closing.push(() => sandbox.stop());
    const { direct, temporalNamespace: namespace } = sandbox.addresses;
    const ledger = new Database({ url: direct.postgres, poolSize: 2 });
    closing.push(() => ledger.close());
    const connection = await Connection.connect({ address: direct.temporal });
    closing.push(() => connection.close());
    const { scopes, temporal } = await connectGroundwork({ connection, namespace });

    report('Worker: building it as production runs it');
    const program = await buildWorker(join(sandbox.folder, 'worker-build'));
    const startWorker = (settings: Readonly<Record<string, string>>) => {
      report('Worker: starting its process');
      return startMeasuredWorker(program, sandbox.folder, {
        ...sandbox.environment(),
        // What is in front of the servers for faults is no part of what is measured.
        TEMPORAL_ADDRESS: direct.temporal,
        DATABASE_URL: direct.postgres,
        KUBECONFIG: sandbox.kubernetes.kubeconfigFile('worker'),
        ...BASE_SETTINGS,
        ...settings,
      });
    };
    const present = { worker: await startWorker(options.settings), settings: options.settings };
    closing.push(() => present.worker.stop());
    return {
      sandbox,
      scopes,
      temporal,
      ledger,
      report,
      get worker() {
        return present.worker;
      },
      get settings() {
        return { ...BASE_SETTINGS, ...present.settings };
      },
      restartWorker: async (settings) => {
        await present.worker.stop();
        present.settings = settings;
        present.worker = await startWorker(settings);
      },
      close,
    };
  } catch (error) {
    await close().catch(() => {});
    throw error;
  }
}

/** Forgets every scope: an empty ledger, and AWS as `balancers` and `privateRules` say. Nothing may be under way. */
export async function reset(bed: Bed, balancers: readonly string[], privateRules?: number): Promise<void> {
  await bed.ledger.query('truncate balancer, region_observation, placement, placement_host, dns_record');
  bed.sandbox.aws.seed(seedOf(balancers, privateRules));
  bed.sandbox.aws.resetRequests();
}
