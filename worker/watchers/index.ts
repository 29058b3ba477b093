import type { KubeConfig } from '@kubernetes/client-node';
import type { Client } from '@temporalio/client';
import { wakeAutoscaler } from '../../activities/workshop/wake.ts';
import { taskQueueName } from '../../contract/names.ts';
import { type Values, workshopTimings } from '../configuration.ts';
import type { Dependencies } from '../dependencies.ts';
import { definitionTrouble, readDefinitions } from './definitions.ts';
import { WorkshopWatcher } from './workshops.ts';

/** A watch that broke is tried again after a second, then after twice as long, at most after half a minute. */
const FIRST_BACK_OFF_MS = 1_000;
const LONGEST_BACK_OFF_MS = 30_000;

/** Follows the cluster for the rooms that are served; answers how to stop. */
export function startWatchers(
  values: Values,
  { kubeConfig, resources }: Pick<Dependencies, 'kubeConfig' | 'resources'>,
  temporal: Client,
  onTrouble: (message: string) => void,
): () => Promise<void> {
  if (!values.queues.includes('workshops')) return async () => {};
  const taskQueue = taskQueueName(values.taskQueuePrefix, 'workshops');
  const watcher = new WorkshopWatcher({
    kubeConfig,
    resources,
    cluster: values.clusterName,
    ...(values.workshopNamespace ? { namespace: values.workshopNamespace } : {}),
    debounceMs: workshopTimings(values).debounce * 1000,
    firstBackOffMs: FIRST_BACK_OFF_MS,
    longestBackOffMs: LONGEST_BACK_OFF_MS,
    wake: (address, source) => wakeAutoscaler(temporal, taskQueue, address, source),
    onTrouble,
  });
  watcher.start();
  void tellDefinitionTrouble(kubeConfig, values.kubernetesRequestTimeoutSeconds * 1000, onTrouble);
  return () => watcher.stop();
}

/** A cluster that cannot be asked, or has no workshops, is told of by the watches. */
async function tellDefinitionTrouble(
  kubeConfig: KubeConfig,
  timeoutMs: number,
  onTrouble: (message: string) => void,
): Promise<void> {
  const document = await readDefinitions(kubeConfig, timeoutMs).catch(() => undefined);
  const trouble = document && definitionTrouble(document);
  if (trouble) onTrouble(trouble);
}
