import type { Failure } from '../../contract/failures.ts';
import { DEPLOYMENT_ID_LABEL, SCOPE_ID_LABEL } from '../../contract/names.ts';
import { sideName } from './names.ts';

/** Whether an instance may be restarted: only a pod of the deployment that is named (specs: deployment, section 13). */

export interface Owned {
  metadata?: {
    name?: string;
    uid?: string;
    labels?: Record<string, string>;
    ownerReferences?: { kind?: string; name?: string; uid?: string }[];
  };
}

export type RestartVerdict = { ok: true; uid: string } | { ok: false; failure: Failure };

/** `replicaSet`: the owner of the pod, when it was found. */
export function judgeRestart(
  ask: { scopeId: string; deploymentId: string; instanceId: string },
  pod: Owned | undefined,
  replicaSet: Owned | undefined,
): RestartVerdict {
  const { scopeId, deploymentId, instanceId } = ask;
  const uid = pod?.metadata?.uid;
  if (!pod || uid === undefined) {
    const message = `there is no instance ${instanceId}: it may have been replaced already, correct the id`;
    return { ok: false, failure: { type: 'InstanceMissing', message, details: { instanceId } } };
  }
  const deployment = sideName(scopeId, deploymentId);
  const labels = pod.metadata?.labels ?? {};
  const refuse = (why: string): RestartVerdict => ({
    ok: false,
    failure: {
      type: 'NotThisScopesInstance',
      message: `${instanceId} is not an instance of deployment ${deploymentId} of scope ${scopeId}: ${why}. It was left alone`,
      details: { instanceId, scopeId: labels[SCOPE_ID_LABEL], deploymentId: labels[DEPLOYMENT_ID_LABEL] },
    },
  });
  if (labels[SCOPE_ID_LABEL] !== scopeId)
    return refuse(`its ${SCOPE_ID_LABEL} is ${labels[SCOPE_ID_LABEL] ?? 'not set'}`);
  if (labels[DEPLOYMENT_ID_LABEL] !== deploymentId) {
    return refuse(`its ${DEPLOYMENT_ID_LABEL} is ${labels[DEPLOYMENT_ID_LABEL] ?? 'not set'}`);
  }
  const owner = ownerOf(pod, 'ReplicaSet');
  if (!owner || !replicaSet || replicaSet.metadata?.uid !== owner.uid) return refuse('no ReplicaSet owns it');
  return ownerOf(replicaSet, 'Deployment')?.name === deployment
    ? { ok: true, uid }
    : refuse(`no ReplicaSet of ${deployment} owns it`);
}

function ownerOf({ metadata }: Owned, kind: string) {
  return metadata?.ownerReferences?.find((reference) => reference.kind === kind);
}
