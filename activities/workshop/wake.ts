import { type Client, WorkflowNotFoundError } from '@temporalio/client';
import { workflowIds, workflowTypes } from '../../contract/names.ts';
import { changedSignal } from '../../contract/workshop/messages.ts';
import type { Workshop } from '../../contract/workshop/objects.ts';
import { type AutoscalerAddress, autoscalerStart } from '../../contract/workshop/start.ts';
import { readConfig } from '../../domain/workshop/config.ts';

/** Whether autoscaling is asked for, rightly or wrongly configured: a wrong configuration is told by the run. */
export function asksForScaling(workshop: Workshop): boolean {
  const reading = readConfig(workshop.spec?.autoScaling);
  if (reading.kind === 'absent') return false;
  return reading.kind === 'valid' ? reading.config.enabled : reading.enabled;
}

/**
 * Tells the autoscaler of a provision that something changed, starting it when none is open. Twice is harmless: the signal
 * sets one bit, and the id lets one run be open at a time.
 */
export async function wakeAutoscaler(
  temporal: Client,
  taskQueue: string,
  address: AutoscalerAddress,
  source: string,
): Promise<void> {
  await temporal.workflow.signalWithStart(workflowTypes.provisionAutoscaler, {
    ...autoscalerStart(address, taskQueue),
    signal: changedSignal,
    signalArgs: [{ source }],
  });
}

/** Whether a run of this provision's autoscaler is open: asked by id, because a list of runs may be late. */
export async function isAutoscalerOpen(
  temporal: Client,
  { cluster, namespace, name }: AutoscalerAddress,
): Promise<boolean> {
  try {
    const handle = temporal.workflow.getHandle(workflowIds.provisionAutoscaler(cluster, namespace, name));
    return (await handle.describe()).status.name === 'RUNNING';
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return false;
    throw error;
  }
}
