import {
  executeChild,
  getExternalWorkflowHandle,
  isCancellation,
  ParentClosePolicy,
  rootCause,
  workflowInfo,
} from '@temporalio/workflow';
import type { PlacementRow } from '../../activities/scope/ledger/holding.ts';
import { SCOPE_ID_LABEL, workflowIds, workflowTypes } from '../../contract/names.ts';
import type { ScopeDeletionInput } from '../../contract/scope/input.ts';
import type { ScopeTimings } from '../../domain/scope/settings.ts';
import { runFailure, withinPatience } from '../failures.ts';
import { local, mutations, watches } from './activities.ts';
import { isoIn, type ScopeRun } from './run.ts';

/** A scope with an open rollout or with objects in the cluster still serves: only `force` deletes it from under them. */

/** Refuses, or with `force` ends the rollout; answers the objects that are to be removed. Nothing of the scope is removed yet. */
export async function endRollout(
  run: ScopeRun,
  input: ScopeDeletionInput,
  placement: PlacementRow,
  timings: ScopeTimings,
): Promise<string[]> {
  const { scopeId } = input;
  const force = input.force === true;
  const workflowId = workflowIds.deployment(scopeId);
  const open = await local.findOpenDeployment({ workflowId });
  if (open && !force) {
    const message = `rollout ${workflowId} is open. Finish or cancel it, then delete the scope, or delete it with \`force\`.`;
    throw runFailure({ type: 'DeploymentLive', message, details: { workflowId } });
  }
  if (open) await cancelAndAwait(run, workflowId, timings);
  const objects = await objectsOf(scopeId, timings);
  if (objects.length > 0 && !force) {
    const message = `scope ${scopeId} still has objects: ${objects.join(', ')}. Delete its deployment first, or delete it with \`force\`.`;
    throw runFailure({ type: 'DeploymentLive', message, details: { objects } });
  }
  if (objects.length === 0) return [];
  if (!placement.slugs || !placement.visibility)
    throw live(scopeId, 'the ledger does not know its slugs. Repeat its creation, then delete it');
  await mutations('worker of deployments', timings).requireWorker({ taskQueue: deploymentQueue() });
  return objects;
}

/** Lets the deployment room remove the objects, wherever they are: a repeat of the creation may have named another namespace. */
export async function removeObjects(
  run: ScopeRun,
  placement: PlacementRow,
  objects: string[],
  timings: ScopeTimings,
): Promise<string[]> {
  const { scopeId } = run.status;
  for (let left = objects; left.length > 0; ) {
    const failures: unknown[] = [];
    for (const namespace of namespacesOf(left))
      await removeFrom(run, placement, namespace).catch((error: unknown) => {
        if (isCancellation(error)) throw error;
        failures.push(error);
      });
    const before = left.length;
    left = await objectsOf(scopeId, timings);
    // What led to the scope in one namespace may have kept its removal in another from ending.
    if (left.length < before) continue;
    throw failures[0] ?? live(scopeId, `objects are left: ${left.join(', ')}. Repeat the deletion`);
  }
  return [`objects of scope ${scopeId}`];
}

/** Of objects as `Kind namespace/name`. */
function namespacesOf(objects: readonly string[]): string[] {
  return [...new Set(objects.map((object) => object.slice(object.indexOf(' ') + 1, object.indexOf('/'))))];
}

/** Under the rollout's id, so that nobody begins one meanwhile. */
async function removeFrom(run: ScopeRun, placement: PlacementRow, namespace: string): Promise<void> {
  const { scopeId } = run.status;
  const { slugs, visibility, region, dnsType } = placement;
  const scope = { slugs, visibility, region, dnsType, kubernetes: { namespace } };
  // No wait that `retryNow` could start anew: that would cancel the removal.
  run.status.waitingFor = { what: `its objects in namespace ${namespace} to be removed`, since: isoIn(Date.now(), 0) };
  run.publish();
  try {
    await executeChild(workflowTypes.deploymentDeletion, {
      workflowId: workflowIds.deployment(scopeId),
      taskQueue: deploymentQueue(),
      args: [{ scopeId, scope }],
      staticSummary: `Remove the objects of scope ${scopeId}`,
      parentClosePolicy: ParentClosePolicy.ABANDON,
    });
  } catch (error) {
    if (isCancellation(error)) throw error;
    const cause = rootCause(error) ?? String(error);
    throw live(scopeId, `its objects could not be removed: ${cause}. Look at ${workflowIds.deployment(scopeId)}`);
  } finally {
    delete run.status.waitingFor;
  }
}

async function cancelAndAwait(run: ScopeRun, workflowId: string, timings: ScopeTimings): Promise<void> {
  const patience = timings.compensationTimeout;
  // One that closed meanwhile is what is wanted; the watch tells.
  await getExternalWorkflowHandle(workflowId)
    .cancel()
    .catch(() => undefined);
  const until = isoIn(Date.now(), patience);
  const wait = { what: `rollout ${workflowId} to end`, since: isoIn(Date.now(), 0), until };
  await run.waiting(wait, () =>
    withinPatience('DeploymentLive', `the end of ${workflowId} could not be seen until ${until}`, () =>
      watches(wait.what, timings, patience).watchRolloutEnd({ workflowId, until }),
    ),
  );
}

function objectsOf(scopeId: string, timings: ScopeTimings): Promise<string[]> {
  return mutations(`objects of scope ${scopeId}`, timings).findScopeObjects({
    labelSelector: `${SCOPE_ID_LABEL}=${scopeId}`,
  });
}

function live(scopeId: string, why: string): Error {
  return runFailure({ type: 'DeploymentLive', message: `scope ${scopeId}: ${why}.`, details: {} });
}

/** The deployments' queue of the same installation. */
function deploymentQueue(): string {
  return workflowInfo().taskQueue.replace(/scopes$/, 'deployments');
}
