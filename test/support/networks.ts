import { startTcpProxy, type TcpProxy } from '../../sandbox/faults/tcp-proxy.ts';

/** The worker's ways to PostgreSQL and Temporal; the test's own connections do not take them. */
export interface Networks {
  readonly postgres: TcpProxy;
  readonly temporal: TcpProxy;
}

export interface Ways {
  /** URL of the database, and host:port of Temporal, as the worker is told. */
  readonly databaseUrl: string;
  readonly temporalAddress: string;
  /** Fails where the ways are direct. */
  readonly networks: Networks;
  close(): Promise<void>;
}

/**
 * The servers' own addresses, or with `bad` ways that a test can make so: every byte that passes a proxy passes the test's
 * process twice, a tenth of its processor time where nobody uses them.
 */
export async function openWays(servers: Pick<Ways, 'databaseUrl' | 'temporalAddress'>, bad = false): Promise<Ways> {
  if (!bad) return { ...servers, networks: NO_NETWORKS, close: async () => {} };
  const networks = {
    postgres: await startTcpProxy(addressOf(servers.databaseUrl)),
    temporal: await startTcpProxy(addressOf(`tcp://${servers.temporalAddress}`)),
  };
  return {
    databaseUrl: throughProxy(servers.databaseUrl, networks.postgres),
    temporalAddress: `${networks.temporal.host}:${networks.temporal.port}`,
    networks,
    close: async () => {
      await networks.postgres.close();
      await networks.temporal.close();
    },
  };
}

const refused = (): TcpProxy => {
  throw new Error('this world has direct ways to its servers: say `networks: true` in its options');
};

const NO_NETWORKS: Networks = {
  get postgres() {
    return refused();
  },
  get temporal() {
    return refused();
  },
};

export function addressOf(url: string): { host: string; port: number } {
  const { hostname, port } = new URL(url);
  return { host: hostname, port: Number(port) };
}

/** The same database by way of the proxy. */
export function throughProxy(url: string, { host, port }: TcpProxy): string {
  const proxied = new URL(url);
  proxied.hostname = host;
  proxied.port = String(port);
  return proxied.href;
}
