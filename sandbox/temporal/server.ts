import { Connection } from '@temporalio/client';
import { resolveTemporal, type TemporalSource } from '../binaries/temporal.ts';
import { freePorts } from '../processes/ports.ts';
import { ChildFailure, type StopRule, type Supervisor } from '../processes/supervisor.ts';

/** A graceful end takes a second, and an in-memory server has nothing to lose. */
const STOP_IN_MEMORY: StopRule = { signal: 'SIGKILL', graceMs: 2_000, order: 0 };
const STOP_WITH_FILE: StopRule = { signal: 'SIGTERM', graceMs: 5_000, order: 0 };
const READY_MS = 30_000;

/**
 * Without the first, the only history shard reads 20 tasks a second; with four partitions, forwarded tasks are rate limited.
 * The fourth keeps the server from asking the network for newer versions. The last: a timer or retry that is due within this
 * time is moved to its end, so with the default of a second a wait of 10 ms lasts one, too long for scaled time.
 */
const DYNAMIC_CONFIG = [
  'history.transferProcessorMaxPollRPS=10000',
  'matching.numTaskqueueReadPartitions=1',
  'matching.numTaskqueueWritePartitions=1',
  'frontend.enableServerVersionCheck=false',
  'history.timerProcessorMaxTimeShift="5ms"',
] as const;

export interface TemporalOptions {
  readonly supervisor: Supervisor;
  /** Registered as Keyword before the first start needs them. */
  readonly searchAttributes: readonly string[];
  /** Default "default". */
  readonly namespace?: string;
  /** SQLite file that keeps runs across restarts; in memory when absent. */
  readonly databaseFile?: string;
  /** Fixed ports instead of free ones. */
  readonly port?: number;
  readonly uiPort?: number;
  /** Default true. */
  readonly ui?: boolean;
  /** `<key>=<JSON value>`, added to ours. */
  readonly dynamicConfig?: readonly string[];
  /** When it was resolved before; otherwise resolved here. */
  readonly from?: TemporalSource;
}

export interface TemporalServer {
  /** host:port of the gRPC frontend. */
  readonly address: string;
  readonly host: string;
  readonly port: number;
  readonly namespace: string;
  /** Undefined for an external server, and without UI. */
  readonly uiUrl: string | undefined;
  /** The `temporal` program that runs the server, undefined for an external one. */
  readonly cli: string | undefined;
  readonly source: string;
  readonly pid: number | undefined;
  stop(): Promise<void>;
}

/**
 * The Temporal server of the sandbox. An external one (`TEMPORAL_ADDRESS`) is only checked to answer: its search attributes
 * are what `groundwork setup` registers.
 */
export async function startTemporal(options: TemporalOptions): Promise<TemporalServer> {
  const from = options.from ?? (await resolveTemporal());
  const namespace = options.namespace ?? 'default';
  if (from.kind === 'external') return useExternal(from.address, namespace, from.source);
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await launch(options, from, namespace);
    } catch (error) {
      const taken =
        error instanceof ChildFailure && /address already in use|can't set frontend port/i.test(error.message);
      if (!taken || options.port !== undefined || attempt === 5) throw error;
    }
  }
}

async function launch(
  options: TemporalOptions,
  from: TemporalSource & { kind: 'binary' },
  namespace: string,
): Promise<TemporalServer> {
  const [freeGrpc, freeUi] = (await freePorts(2)) as [number, number];
  const port = options.port ?? freeGrpc;
  const uiPort = options.uiPort ?? freeUi;
  const ui = options.ui ?? true;
  const address = `127.0.0.1:${port}`;
  const child = await options.supervisor.start({
    name: 'temporal',
    command: from.path,
    args: [
      ...['server', 'start-dev', '--ip', '127.0.0.1', '--port', String(port), '--namespace', namespace],
      ...(ui ? ['--ui-ip', '127.0.0.1', '--ui-port', String(uiPort)] : ['--headless']),
      ...['--log-level', 'warn', '--color', 'never'],
      ...(options.databaseFile === undefined ? [] : ['--db-filename', options.databaseFile]),
      ...[...DYNAMIC_CONFIG, ...(options.dynamicConfig ?? [])].flatMap((value) => ['--dynamic-config-value', value]),
      ...options.searchAttributes.flatMap((name) => ['--search-attribute', `${name}=Keyword`]),
    ],
    env: withoutTemporalSettings(process.env),
    stop: options.databaseFile === undefined ? STOP_IN_MEMORY : STOP_WITH_FILE,
    readyWithinMs: READY_MS,
    ready: () => answers(address, namespace, options.searchAttributes),
  });
  return {
    address,
    host: '127.0.0.1',
    port,
    namespace,
    uiUrl: ui ? `http://127.0.0.1:${uiPort}` : undefined,
    cli: from.path,
    source: from.source,
    pid: child.pid,
    stop: () => options.supervisor.stopChild(child.name),
  };
}

async function useExternal(address: string, namespace: string, source: string): Promise<TemporalServer> {
  try {
    await answers(address, namespace, []);
  } catch (cause) {
    throw new Error(`TEMPORAL_ADDRESS=${address} does not answer for namespace ${namespace}`, { cause });
  }
  const { hostname, port } = new URL(`grpc://${address}`);
  return {
    address,
    host: hostname,
    port: Number(port || 7233),
    namespace,
    uiUrl: undefined,
    cli: undefined,
    source,
    pid: undefined,
    stop: async () => {},
  };
}

/** Ready is: the namespace is served and every search attribute is known. The port opens well before that. */
async function answers(address: string, namespace: string, searchAttributes: readonly string[]): Promise<boolean> {
  const connection = await Connection.connect({ address, connectTimeout: 2_000 });
  try {
    await connection.withDeadline(Date.now() + 2_000, () =>
      connection.workflowService.describeNamespace({ namespace }),
    );
    if (searchAttributes.length === 0) return true;
    const { customAttributes } = await connection.withDeadline(Date.now() + 2_000, () =>
      connection.operatorService.listSearchAttributes({ namespace }),
    );
    return searchAttributes.every((name) => Object.hasOwn(customAttributes ?? {}, name));
  } finally {
    await connection.close();
  }
}

/** The CLI reads the same variables as the worker: an address or a TLS setting of the caller's is not for our server. */
function withoutTemporalSettings(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith('TEMPORAL_')));
}
