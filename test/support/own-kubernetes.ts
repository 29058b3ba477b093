import { claimRunFolder } from '../../sandbox/processes/run-folder.ts';
import { runFolder } from '../../sandbox/record.ts';
import { uniqueName } from './servers.ts';
import { startTestKubernetes, type TestServers } from './start-servers.ts';

type OwnKubernetes = TestServers['kubernetes'] & { restart(): Promise<void>; stop(): Promise<void> };

/** A kube-apiserver for one test file, that may be restarted. */
export async function startOwnKubernetes(): Promise<OwnKubernetes> {
  const folder = runFolder(uniqueName('test-kubernetes'));
  const { supervisor } = await claimRunFolder(folder);
  try {
    const { where, outage } = await startTestKubernetes(supervisor, `${folder}/kubernetes`);
    return { ...where, restart: () => outage(async () => {}), stop: () => supervisor.stop() };
  } catch (error) {
    await supervisor.stop();
    throw error;
  }
}
