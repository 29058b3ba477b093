import { TypedSearchAttributes } from '@temporalio/common';
import { workflowIds } from '../names.ts';
import { phaseKey, workshopNameKey, workshopNamespaceKey } from '../search-attributes.ts';
import type { ProvisionAutoscalerInput, ProvisionAutoscalerRun } from './input.ts';

/** A provision as whoever starts its autoscaler knows it. */
export interface AutoscalerAddress extends ProvisionAutoscalerInput {
  /** Absent where only the provision is known; the run finds it. */
  workshop?: string | undefined;
}

/**
 * How an autoscaler is started, always together with a message: the id is the lock of the provision, an open run gets the
 * message, and a closed one is followed by a new one.
 */
export function autoscalerStart({ workshop, ...input }: AutoscalerAddress, taskQueue: string) {
  return {
    taskQueue,
    workflowId: workflowIds.provisionAutoscaler(input.cluster, input.namespace, input.name),
    workflowIdConflictPolicy: 'USE_EXISTING' as const,
    workflowIdReusePolicy: 'ALLOW_DUPLICATE' as const,
    args: [input] as [ProvisionAutoscalerRun],
    staticSummary: `Scale ${workshop ? `workshop ${workshop}, ` : ''}provision ${input.name}`,
    typedSearchAttributes: new TypedSearchAttributes([
      { key: workshopNamespaceKey, value: input.namespace },
      { key: phaseKey, value: 'Idle' },
      ...(workshop ? [{ key: workshopNameKey, value: workshop }] : []),
    ]),
  };
}
