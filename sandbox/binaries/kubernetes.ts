import { rename } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';
import { binaryFolder, executable } from './cache.ts';
import { download, extract, type Fetch, verifySha512 } from './download.ts';
import { buildWithGo } from './go-build.ts';
import { installOnce } from './install.ts';
import { type Report, reportToStderr } from './progress.ts';
import { firstThatWorks, isExecutable, type Step } from './steps.ts';
import type { ResolveOptions } from './temporal.ts';

/** The version that sandbox/kubernetes/go.mod pins. */
export const KUBERNETES_VERSION = '1.35.4';

const RELEASES = 'https://raw.githubusercontent.com/kubernetes-sigs/controller-tools/HEAD/envtest-releases.yaml';

/** A program with the arguments that come before its own. */
export type Command = readonly [program: string, ...args: string[]];

export type KubernetesSource =
  /** A cluster of the user's, by a kubeconfig file. */
  | { readonly kind: 'external'; readonly kubeconfig: string; readonly source: string }
  | { readonly kind: 'binaries'; readonly etcd: Command; readonly apiserver: Command; readonly source: string };

type Found = { kind: 'external'; kubeconfig: string } | { kind: 'binaries'; etcd: Command; apiserver: Command };

/** Where kube-apiserver and etcd come from, in the order of design.md section 5. */
export async function resolveKubernetes(
  options: ResolveOptions & {
    /** Use the cluster of `KUBECONFIG`. Never without being asked: it may be anybody's production. */
    readonly useKubeconfig?: boolean;
  } = {},
): Promise<KubernetesSource> {
  const { env = process.env, report = reportToStderr, fetch, useKubeconfig = false } = options;
  const folder = binaryFolder('kubernetes', KUBERNETES_VERSION, env);
  const complete = async (where: string) => (await binariesIn(where)) !== undefined;
  const install = async (fill: (temporary: string) => Promise<void>) => {
    const filled = await installOnce({ folder, complete, fill, report });
    const found = await binariesIn(folder);
    return filled || found === undefined ? found : { ...found, source: `cache (${folder}), filled by another process` };
  };
  const ours: Step<Found>[] = [
    { name: 'KUBEBUILDER_ASSETS', binding: true, attempt: () => assets(env.KUBEBUILDER_ASSETS) },
    { name: `cache (${folder})`, attempt: () => binariesIn(folder) },
    { name: 'published envtest archive', attempt: () => install((temporary) => fetchEnvtest(temporary, fetch)) },
    {
      name: 'Go build of sandbox/kubernetes',
      attempt: () => install((temporary) => buildEnvtest(temporary, env, report)),
    },
  ];
  return firstThatWorks<Found>(
    'Kubernetes API server',
    useKubeconfig ? [{ name: 'KUBECONFIG', binding: true, attempt: () => external(env.KUBECONFIG) }] : ours,
    'Install Go 1.26, or set KUBEBUILDER_ASSETS to a folder with etcd and kube-apiserver (setup-envtest makes one).',
    report,
  );
}

async function external(kubeconfig: string | undefined): Promise<Found> {
  if (kubeconfig === undefined || kubeconfig === '')
    throw new Error('an existing cluster was asked for, but KUBECONFIG is not set');
  return { kind: 'external', kubeconfig };
}

async function assets(folder: string | undefined): Promise<Found | undefined> {
  if (folder === undefined || folder === '') return undefined;
  const found = await binariesIn(folder);
  if (found === undefined) throw new Error(`${folder} has no executable etcd and kube-apiserver`);
  return found;
}

/** Our own build is one program for both; everybody else's are two. */
async function binariesIn(folder: string): Promise<Found | undefined> {
  const [both, etcd, apiserver] = ['envtest', 'etcd', 'kube-apiserver'].map((name) =>
    join(folder, executable(name)),
  ) as [string, string, string];
  if (await isExecutable(both)) return { kind: 'binaries', etcd: [both, 'etcd'], apiserver: [both, 'kube-apiserver'] };
  if ((await isExecutable(etcd)) && (await isExecutable(apiserver))) {
    return { kind: 'binaries', etcd: [etcd], apiserver: [apiserver] };
  }
  return undefined;
}

interface Releases {
  readonly releases: Readonly<Record<string, Readonly<Record<string, { hash: string; selfLink: string }>>>>;
}

/** The newest published patch release of our minor version; its SHA-512 stands in the list of releases. */
async function fetchEnvtest(temporary: string, fetch: Fetch | undefined): Promise<void> {
  const { releases } = parse((await download(RELEASES, fetch)).toString('utf8')) as Releases;
  const minor = `v${KUBERNETES_VERSION.split('.').slice(0, 2).join('.')}.`;
  const patch = (version: string) => Number(version.slice(minor.length));
  const [version] = Object.keys(releases)
    .filter((candidate) => candidate.startsWith(minor) && Number.isInteger(patch(candidate)))
    .sort((a, b) => patch(b) - patch(a));
  const platform = process.platform === 'win32' ? 'windows' : process.platform;
  const name = `envtest-${version}-${platform}-${process.arch === 'x64' ? 'amd64' : process.arch}.tar.gz`;
  const release = version === undefined ? undefined : releases[version]?.[name];
  if (release === undefined) throw new Error(`no ${minor}x archive is published for ${platform}-${process.arch}`);
  const archive = await download(release.selfLink, fetch);
  verifySha512(archive, release.hash, name);
  await extract(archive, temporary);
  for (const program of ['etcd', 'kube-apiserver']) {
    await rename(
      join(temporary, 'controller-tools', 'envtest', executable(program)),
      join(temporary, executable(program)),
    );
  }
}

async function buildEnvtest(temporary: string, env: NodeJS.ProcessEnv, report: Report): Promise<void> {
  const [major, minor] = KUBERNETES_VERSION.split('.');
  const version = 'k8s.io/component-base/version';
  await buildWithGo(
    {
      label: `kube-apiserver ${KUBERNETES_VERSION}`,
      packages: 2067,
      module: fileURLToPath(new URL('../kubernetes/', import.meta.url)),
      package: '.',
      output: join(temporary, executable('envtest')),
      ldflags: `-s -w -X ${version}.gitVersion=v${KUBERNETES_VERSION} -X ${version}.gitMajor=${major} -X ${version}.gitMinor=${minor}`,
      env,
    },
    report,
  );
}
