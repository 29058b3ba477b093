import { generateKeyPair } from 'node:crypto';
import { access, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type KubernetesSource, resolveKubernetes } from '../binaries/kubernetes.ts';
import { freePort, freePorts } from '../processes/ports.ts';
import { ChildFailure, type Supervisor } from '../processes/supervisor.ts';
import { apiRequest } from './http.ts';
import { applyManifests, readManifests } from './manifests.ts';
import { ADMIN, type KubernetesUser, kubeconfig, newToken, tokenLine, WORKER } from './users.ts';

const READY_MS = 60_000;

/** kube-apiserver holds no state, and waits a minute for open watches when asked politely. etcd stops after it. */
const STOP_APISERVER = { signal: 'SIGKILL', graceMs: 2_000, order: 0 } as const;
const STOP_ETCD = { signal: 'SIGTERM', graceMs: 3_000, order: 1 } as const;

export interface KubernetesOptions {
  readonly supervisor: Supervisor;
  /** Certificates, keys, tokens, kubeconfig files and the data of etcd. A second start on it finds everything again. */
  readonly folder: string;
  /** Known by token beside `admin`; default the worker. */
  readonly users?: readonly KubernetesUser[];
  /** YAML files and folders to apply before the server counts as started; absent paths are passed over. */
  readonly manifests?: readonly string[];
  readonly from?: KubernetesSource;
}

export interface KubernetesServer {
  readonly kind: 'own' | 'external';
  /** https URL of kube-apiserver itself; undefined for an external cluster. */
  readonly url: string | undefined;
  readonly port: number | undefined;
  /** The serving certificate, which is its own authority. */
  readonly caFile: string | undefined;
  /** Bearer tokens by user key; empty for an external cluster. */
  readonly tokens: Readonly<Record<string, string>>;
  readonly version: string;
  readonly source: string;
  readonly pids: { readonly etcd: number | undefined; readonly apiserver: number | undefined };
  /** Path of a kubeconfig for a user key. For an external cluster always the one of the environment. */
  kubeconfigFile(key: string): string;
  /** Writes a kubeconfig that leads a user through another address, such as the fault proxy's; answers its path. */
  writeKubeconfig(key: string, server: string): Promise<string>;
  /** Stops kube-apiserver and etcd, does `meanwhile`, and starts them again on the same ports: an outage of the control plane. */
  restart(meanwhile?: () => Promise<void>): Promise<void>;
  stop(): Promise<void>;
}

/** The real kube-apiserver on its own etcd, with RBAC, or the cluster of the user's kubeconfig. */
export async function startKubernetes(options: KubernetesOptions): Promise<KubernetesServer> {
  const from = options.from ?? (await resolveKubernetes());
  if (from.kind === 'external') return external(from.kubeconfig, from.source);
  const users = [ADMIN, ...(options.users ?? [WORKER])];
  const manifests = readManifests(options.manifests ?? []);
  manifests.catch(() => {}); // reported where it is awaited
  const files = await prepareFolder(options.folder, users);
  const etcd = await startEtcd(options.supervisor, from, options.folder);
  const { pid, port } = await startApiserver(options.supervisor, from, options.folder, etcd.url);
  let pids: KubernetesServer['pids'] = { etcd: etcd.pid, apiserver: pid };
  const url = `https://127.0.0.1:${port}`;
  const caFile = apiserverCertificate(options.folder);
  const kubeconfigFile = (key: string) => join(options.folder, `${key}.kubeconfig`);
  const writeKubeconfig = async (key: string, server: string): Promise<string> => {
    const token = files.tokens[key];
    if (token === undefined) throw new Error(`no user ${key}; there are ${Object.keys(files.tokens).join(', ')}`);
    const trust = server.startsWith('https:') ? { caFile } : {};
    await writeFile(kubeconfigFile(key), kubeconfig({ server, user: key, token, ...trust }), { mode: 0o600 });
    return kubeconfigFile(key);
  };
  const stop = async () => {
    await options.supervisor.stopChild('kube-apiserver');
    await options.supervisor.stopChild('etcd');
  };
  await Promise.all(users.map((user) => writeKubeconfig(user.key, url)));
  await applyManifests(kubeconfigFile(ADMIN.key), await manifests);
  return {
    kind: 'own',
    url,
    port,
    caFile,
    tokens: files.tokens,
    version: await serverVersion(url, caFile, files.tokens[ADMIN.key]),
    source: from.source,
    get pids() {
      return pids;
    },
    kubeconfigFile,
    writeKubeconfig,
    restart: async (meanwhile) => {
      await stop();
      await meanwhile?.();
      const again = await startEtcd(options.supervisor, from, options.folder, etcd.ports);
      const apiserver = await startApiserver(options.supervisor, from, options.folder, again.url, port);
      pids = { etcd: again.pid, apiserver: apiserver.pid };
    },
    stop,
  };
}

/** Nothing is applied there: definitions of that name may be in use, in a form of their own. */
function external(file: string, source: string): KubernetesServer {
  return {
    kind: 'external',
    url: undefined,
    port: undefined,
    caFile: undefined,
    tokens: {},
    version: 'as installed',
    source,
    pids: { etcd: undefined, apiserver: undefined },
    kubeconfigFile: () => file,
    writeKubeconfig: async () => file,
    restart: async () => {
      throw new Error('a cluster that is not ours is not restarted');
    },
    stop: async () => {},
  };
}

/** Keys and tokens, made once per folder: tokens must survive a restart, because kubeconfig files carry them. */
async function prepareFolder(
  folder: string,
  users: readonly KubernetesUser[],
): Promise<{ tokens: Record<string, string> }> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  if (!(await exists(join(folder, 'sa.pub')))) {
    const { privateKey, publicKey } = await promisify(generateKeyPair)('rsa', { modulusLength: 2048 });
    await writeFile(join(folder, 'sa.key'), privateKey.export({ type: 'pkcs1', format: 'pem' }), { mode: 0o600 });
    await writeFile(join(folder, 'sa.pub'), publicKey.export({ type: 'spki', format: 'pem' }));
  }
  const file = join(folder, 'tokens.json');
  const kept = JSON.parse(await readFile(file, 'utf8').catch(() => '{}')) as Record<string, string>;
  const tokens = Object.fromEntries(users.map(({ key }) => [key, kept[key] ?? newToken()]));
  await writeFile(file, JSON.stringify(tokens), { mode: 0o600 });
  const lines = users.map((user) => tokenLine(user, tokens[user.key] ?? newToken()));
  await writeFile(join(folder, 'tokens.csv'), `${lines.join('\n')}\n`, { mode: 0o600 });
  return { tokens };
}

type Binaries = KubernetesSource & { kind: 'binaries' };

async function startEtcd(
  supervisor: Supervisor,
  from: Binaries,
  folder: string,
  fixedPorts?: readonly [number, number],
): Promise<{ url: string; ports: readonly [number, number]; pid: number }> {
  return withFreshPorts(async () => {
    const [client, peer] = fixedPorts ?? ((await freePorts(2)) as [number, number]);
    const url = `http://127.0.0.1:${client}`;
    const peerUrl = `http://127.0.0.1:${peer}`;
    const [command, ...first] = from.etcd;
    const { pid } = await supervisor.start({
      name: 'etcd',
      command,
      args: [
        ...[...first, '--data-dir', join(folder, 'etcd'), '--listen-client-urls', url, '--advertise-client-urls', url],
        ...[
          '--listen-peer-urls',
          peerUrl,
          '--initial-advertise-peer-urls',
          peerUrl,
          '--initial-cluster',
          `default=${peerUrl}`,
        ],
        ...['--unsafe-no-fsync=true', '--log-level', 'error'],
      ],
      env: plainEnvironment(),
      stop: STOP_ETCD,
      readyWithinMs: READY_MS,
      ready: async () => (await fetch(`${url}/health`, { signal: AbortSignal.timeout(2_000) })).ok,
    });
    return { url, ports: [client, peer], pid };
  });
}

async function startApiserver(
  supervisor: Supervisor,
  from: Binaries,
  folder: string,
  etcdUrl: string,
  fixedPort?: number,
): Promise<{ port: number; pid: number }> {
  const [command, ...first] = from.apiserver;
  return withFreshPorts(async () => {
    const port = fixedPort ?? (await freePort());
    const { pid } = await supervisor.start({
      name: 'kube-apiserver',
      command,
      args: [
        ...[...first, '--etcd-servers', etcdUrl, '--bind-address', '127.0.0.1', '--advertise-address', '127.0.0.1'],
        ...[
          '--secure-port',
          String(port),
          '--cert-dir',
          join(folder, 'certificates'),
          '--service-cluster-ip-range',
          '10.0.0.0/24',
        ],
        ...['--service-account-issuer', 'https://sandbox', '--service-account-key-file', join(folder, 'sa.pub')],
        ...[
          '--service-account-signing-key-file',
          join(folder, 'sa.key'),
          '--token-auth-file',
          join(folder, 'tokens.csv'),
        ],
        ...['--authorization-mode', 'RBAC', '--disable-admission-plugins', 'ServiceAccount'],
      ],
      env: plainEnvironment(),
      stop: STOP_APISERVER,
      readyWithinMs: READY_MS,
      ready: async () => {
        const server = `https://127.0.0.1:${port}`;
        return (await apiRequest({ server, caFile: apiserverCertificate(folder), path: '/readyz' })).status === 200;
      },
    });
    return { port, pid };
  });
}

async function withFreshPorts<T>(start: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await start();
    } catch (error) {
      const taken = error instanceof ChildFailure && error.message.includes('address already in use');
      if (!taken || attempt === 5) throw error;
    }
  }
}

/** kube-apiserver makes it for itself at the first start, and finds it at the next. */
function apiserverCertificate(folder: string): string {
  return join(folder, 'certificates', 'apiserver.crt');
}

async function serverVersion(server: string, caFile: string, token: string | undefined): Promise<string> {
  const { body } = await apiRequest({ server, caFile, path: '/version', ...(token === undefined ? {} : { token }) });
  return (JSON.parse(body) as { gitVersion: string }).gitVersion;
}

/** etcd takes every flag from ETCD_* variables as well. */
function plainEnvironment(): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !name.startsWith('ETCD_') && name !== 'KUBECONFIG'),
  );
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
