import { fileURLToPath } from 'node:url';
import { startKubernetes } from '../../sandbox/kubernetes/server.ts';
import { claimRunFolder } from '../../sandbox/processes/run-folder.ts';
import { runFolder } from '../../sandbox/record.ts';
import { uniqueName } from './servers.ts';
import type { TestServers } from './start-servers.ts';

const deploy = (path: string) => fileURLToPath(new URL(`../../deploy/${path}`, import.meta.url));

type OwnKubernetes = TestServers['kubernetes'] & { restart(): Promise<void>; stop(): Promise<void> };

/** A kube-apiserver for one test file, with our definitions and rights, that may be restarted. */
export async function startOwnKubernetes(): Promise<OwnKubernetes> {
  const folder = runFolder(uniqueName('test-kubernetes'));
  const { supervisor } = await claimRunFolder(folder);
  try {
    const server = await startKubernetes({
      supervisor,
      folder: `${folder}/kubernetes`,
      manifests: [deploy('crds'), deploy('rbac'), deploy('rbac/scale-down')],
    });
    const { url, caFile, tokens } = server;
    if (url === undefined || caFile === undefined) throw new Error('tests need a kube-apiserver of their own');
    const kubeconfig = { admin: server.kubeconfigFile('admin'), worker: server.kubeconfigFile('worker') };
    return { url, caFile, tokens, kubeconfig, restart: () => server.restart(), stop: () => supervisor.stop() };
  } catch (error) {
    await supervisor.stop();
    throw error;
  }
}
