import type { InstanceCounts } from '../../contract/deployment/status.ts';
import { sideName } from '../../domain/deployment/names.ts';
import type { DeploymentTarget } from '../../domain/deployment/request.ts';
import { judgeRestart, type Owned } from '../../domain/deployment/restart.ts';
import { permanent } from '../failures.ts';
import type { DeploymentDependencies } from './dependencies.ts';
import { lookUntil } from './looping.ts';
import { kinds, type Live, refOf } from './objects.ts';
import { counts } from './sight.ts';

/** Restarting one instance (specs: deployment, section 13). */

export interface InstanceInput {
  target: DeploymentTarget;
  deploymentId: string;
  instanceId: string;
}

/** Which Pod it is, or why it is left alone. Reads only: the uid goes into the history before anything is deleted. */
export async function inspectInstance(
  deps: DeploymentDependencies,
  { target, deploymentId, instanceId }: InstanceInput,
): Promise<{ uid: string }> {
  const { namespace } = target.scope;
  const pod = await deps.kubernetes.read(refOf(kinds.pod, namespace, instanceId));
  const owner = pod?.metadata?.ownerReferences?.find(({ kind }) => kind === 'ReplicaSet');
  const set = owner ? await deps.kubernetes.read(refOf(kinds.replicaSet, namespace, owner.name)) : undefined;
  const ask = { scopeId: target.scopeId, deploymentId, instanceId };
  const verdict = judgeRestart(ask, pod as Owned | undefined, set as Owned | undefined);
  if (verdict.ok) return { uid: verdict.uid };
  throw permanent(verdict.failure.type as 'InstanceMissing', verdict.failure.message, verdict.failure.details);
}

/** Deletes that Pod and no other, and waits for its end. Twice is harmless: absent, or replaced, is done. */
export async function stopInstance(
  deps: DeploymentDependencies,
  { target, deploymentId, instanceId, uid }: InstanceInput & { uid: string },
): Promise<{ gone: boolean; deployment: InstanceCounts }> {
  const { scope, timings, scopeId } = target;
  const ref = refOf(kinds.pod, scope.namespace, instanceId);
  await deps.kubernetes.remove(ref, { uid, graceSeconds: timings.restartGraceSeconds });
  const gone = await lookUntil({
    look: async () => ((await deps.kubernetes.read(ref))?.metadata?.uid === uid ? undefined : true),
    seen: () => ({ lastSeen: `${instanceId} is stopping` }),
    pollSeconds: Math.min(1, timings.pollInterval),
    until: Date.now() + timings.restartTimeout * 1000,
  });
  const name = sideName(scopeId, deploymentId);
  const live = (await deps.kubernetes.read(refOf(kinds.deployment, scope.namespace, name))) as Live | undefined;
  return { gone: gone === true, deployment: counts(live ?? {}) };
}
