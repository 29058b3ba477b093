import { setCurrentDetails, upsertSearchAttributes } from '@temporalio/workflow';
import type { DiagnosisInput, InstanceRestartInput } from '../../contract/deployment/input.ts';
import type { DiagnosisResult, InstanceRestartResult } from '../../contract/deployment/status.ts';
import { scopeIdKey } from '../../contract/search-attributes.ts';
import { asRunFailure, withinPatience } from '../failures.ts';
import { calls, local, loops } from './activities.ts';

/** Restarts one instance of a scope: the pod is deleted, and only when it is what it is said to be. */
export async function instanceRestart(input: InstanceRestartInput): Promise<InstanceRestartResult> {
  try {
    const target = await local.acceptTarget({ kind: 'restart', input });
    upsertSearchAttributes([{ key: scopeIdKey, value: target.scopeId }]);
    const { deploymentId, instanceId } = input;
    const ask = { target, deploymentId, instanceId };
    const { timings } = target;
    const { readPatience, restartTimeout } = timings;
    const { uid } = await withinPatience('KubernetesRefused', `instance ${instanceId} could not be read`, () =>
      calls(`whose instance ${instanceId} is`, timings, readPatience).inspectInstance(ask),
    );
    const answer = await withinPatience('KubernetesRefused', `instance ${instanceId} could not be stopped`, () =>
      loops(`${instanceId} to stop`, timings, restartTimeout).stopInstance({ ...ask, uid }),
    );
    const { desired, ready, available } = answer.deployment;
    setCurrentDetails(`\`${instanceId}\` was restarted: ${ready} of ${desired} instances ready`);
    const message = `${instanceId} is still there after ${restartTimeout} s: it is stopping, or a finalizer holds it`;
    return {
      scopeId: target.scopeId,
      deploymentId,
      instanceId,
      deployment: { desired, ready, available },
      warnings: answer.gone ? [] : [{ code: 'StillStopping', message }],
    };
  } catch (error) {
    throw asRunFailure(error);
  }
}

/** Looks at everything of a scope and says what is wrong. Writes nothing. */
export async function diagnosis(input: DiagnosisInput): Promise<DiagnosisResult> {
  try {
    const target = await local.acceptTarget({ kind: 'diagnosis', input });
    upsertSearchAttributes([{ key: scopeIdKey, value: target.scopeId }]);
    const { timings } = target;
    const what = `everything of scope ${target.scopeId}`;
    const result = await withinPatience('BalancerUnreadable', `${what} could not be read`, () =>
      calls(what, timings, timings.readPatience).diagnoseScope({ target, input }),
    );
    const { failed, warning, success, skipped } = result.summary;
    setCurrentDetails(`${failed} checks failed, ${warning} warn, ${success} passed, ${skipped} skipped`);
    return result;
  } catch (error) {
    throw asRunFailure(error);
  }
}
