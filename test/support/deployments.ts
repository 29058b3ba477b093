import { fileURLToPath } from 'node:url';
import { NativeConnection, Worker } from '@temporalio/worker';
import { SCOPE_ID_LABEL } from '../../contract/names.ts';
import { testServers } from './servers.ts';
import type { World } from './world.ts';

const SERVICE = { apiVersion: 'v1', kind: 'Service' };

/** Somebody who serves the deployments of a world, as far as a forced deletion meets them. */
export interface Deployments {
  /** What removals were asked for. */
  readonly asked: { scopeId: string; scope: object }[];
  /** How many rollouts were cancelled and rolled back. */
  rolledBack: number;
  /** Replaces the removal, which by default removes the Services of the scope. */
  removal: (scopeId: string) => Promise<void>;
  stop(): Promise<void>;
}

/** A Service that belongs to a scope. */
export async function makeService(world: World, scopeId: string): Promise<void> {
  const metadata = { name: `svc-${scopeId}`, namespace: world.namespace, labels: { [SCOPE_ID_LABEL]: scopeId } };
  await world.kubernetes.apply({ ...SERVICE, metadata, spec: { ports: [{ port: 80 }] } } as never);
}

export async function removeServices(world: World, scopeId: string): Promise<void> {
  for (const { metadata } of await servicesOf(world, scopeId)) {
    const { name = '', namespace = '' } = metadata ?? {};
    await world.kubernetes.remove({ ...SERVICE, name, namespace });
  }
}

export const servicesOf = (world: World, scopeId: string) =>
  world.kubernetes.list(SERVICE, { labelSelector: `${SCOPE_ID_LABEL}=${scopeId}` });

export async function serveDeployments(world: World): Promise<Deployments> {
  const { address, namespace } = testServers().temporal;
  const connection = await NativeConnection.connect({ address });
  const deployments: Omit<Deployments, 'stop'> = {
    asked: [],
    rolledBack: 0,
    removal: (scopeId) => removeServices(world, scopeId),
  };
  const worker = await Worker.create({
    connection,
    namespace,
    taskQueue: `${world.values.taskQueuePrefix}deployments`,
    workflowsPath: fileURLToPath(new URL('./deployment-workflows.ts', import.meta.url)),
    activities: {
      rolledBack: async () => {
        deployments.rolledBack += 1;
      },
      removeObjects: async (input: { scopeId: string; scope: object }) => {
        deployments.asked.push(input);
        await deployments.removal(input.scopeId);
      },
    },
  });
  const done = worker.run();
  return Object.assign(deployments, {
    stop: async () => {
      worker.shutdown();
      await done;
      await connection.close();
    },
  });
}
