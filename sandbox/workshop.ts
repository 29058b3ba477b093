import { KubeConfig } from '@kubernetes/client-node';
import { workshopKinds } from '../contract/workshop/objects.ts';
import { simulatedClock } from './clock.ts';
import { KubeClient } from './controllers/client.ts';
import { pathOf, resources } from './controllers/objects.ts';
import type { CrowdPlan } from './controllers/workshop/arrivals.ts';
import { Crowd, type CrowdReport, type LogIn } from './controllers/workshop/crowd.ts';
import { SIM } from './controllers/workshop/fate.ts';
import { type Provision, workshopResources } from './controllers/workshop/objects.ts';
import type { SandboxRecord } from './record.ts';

/** Workshops and crowds for a sandbox that some process runs. */

export interface WorkshopSetup {
  namespace: string;
  name: string;
  count?: number;
  /** `spec.autoScaling`, sent as it is. */
  autoScaling?: unknown;
  multiuser?: boolean;
  /** Knobs of the simulation, by the name of their annotation: `completion`, `fail-rate`, ... */
  knobs: Readonly<Record<string, string>>;
}

/** Makes the workshop with one provision of the same name, or changes what is given of one that is there. */
export async function setUpWorkshop(record: SandboxRecord, setup: WorkshopSetup): Promise<{ count: number }> {
  const { namespace, name } = setup;
  const annotations = Object.fromEntries(Object.entries(setup.knobs).map(([key, value]) => [SIM + key, value]));
  const workshop = {
    spec: {
      ...(setup.autoScaling === undefined ? {} : { autoScaling: setup.autoScaling }),
      ...(setup.multiuser === undefined ? {} : { multiuserServices: setup.multiuser }),
    },
  };
  const provision = {
    metadata: { annotations },
    spec: { ...(setup.count === undefined ? {} : { count: setup.count }) },
  };
  const required = { count: 10, workshopName: name, catalogItem: { name, namespace: 'catalog' } };
  return withClient(record, async (client) => {
    await make(client, pathOf(resources.namespaces), { metadata: { name: namespace } });
    await makeOrChange(client, 'workshop', namespace, name, workshop, {});
    await makeOrChange(client, 'provision', namespace, name, provision, required);
    const { spec } = await client.get<Provision>(pathOf(workshopResources.provision, namespace, name));
    return { count: spec.count };
  });
}

/** Lets people log in, at the time scale of the sandbox's workshops. */
export async function sendCrowd(
  record: SandboxRecord,
  where: { namespace: string; workshop: string; seed?: number },
  plan: CrowdPlan,
  onLogIn: (person: string, result: LogIn) => void,
): Promise<CrowdReport> {
  const clock = simulatedClock(Number(record.environment.GROUNDWORK_WORKSHOP_SECONDS_SCALE ?? 1));
  return withClient(record, (client) => new Crowd({ ...where, client, clock, onLogIn }).play(plan));
}

async function withClient<T>(record: SandboxRecord, work: (client: KubeClient) => Promise<T>): Promise<T> {
  const config = new KubeConfig();
  config.loadFromFile(record.addresses.kubeconfig.admin);
  const client = new KubeClient(config, 'sandbox-user');
  try {
    return await work(client);
  } finally {
    await client.close();
  }
}

async function makeOrChange(
  client: KubeClient,
  kind: 'workshop' | 'provision',
  namespace: string,
  name: string,
  given: { metadata?: object; spec: object },
  required: object,
): Promise<void> {
  const { apiVersion, kind: type } = workshopKinds[kind];
  const made = await make(client, pathOf(workshopResources[kind], namespace), {
    apiVersion,
    kind: type,
    metadata: { ...given.metadata, name },
    spec: { ...required, ...given.spec },
  });
  if (!made) await client.merge(pathOf(workshopResources[kind], namespace, name), given);
}

/** Whether it was made; false: it was there. */
async function make(client: KubeClient, path: string, object: object): Promise<boolean> {
  try {
    await client.create(path, object);
    return true;
  } catch (error) {
    if ((error as { reason?: string }).reason === 'AlreadyExists') return false;
    throw error;
  }
}
