import { CancellationScope, condition, isCancellation, proxyActivities } from '@temporalio/workflow';

/** What a forced deletion meets of the deployment room, as its contract says: a rollout that can be cancelled, and a deletion. */

export async function deployment(): Promise<string> {
  try {
    await condition(() => false);
  } catch (error) {
    if (!isCancellation(error)) throw error;
    await CancellationScope.nonCancellable(() => deletion.rolledBack());
  }
  return 'ended';
}

const deletion = proxyActivities<{
  rolledBack(): Promise<void>;
  removeObjects(input: { scopeId: string; scope: object }): Promise<void>;
}>({ startToCloseTimeout: '20s', retry: { maximumAttempts: 1 } });

export async function deploymentDeletion(input: { scopeId: string; scope: object }): Promise<void> {
  await deletion.removeObjects(input);
}
