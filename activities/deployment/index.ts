import type { DiagnosisInput } from '../../contract/deployment/input.ts';
import type { DeploymentStatus, Side } from '../../contract/deployment/status.ts';
import type { DeploymentTarget } from '../../domain/deployment/request.ts';
import { withTypedFailures } from '../translate.ts';
import { type BeginInput, beginRollout } from './beginning.ts';
import type { Course } from './course.ts';
import { removeRoutes, removeSides, type Survey, surveyScope } from './deletion.ts';
import type { DeploymentDependencies } from './dependencies.ts';
import { type InstanceInput, inspectInstance, stopInstance } from './instances.ts';
import { keepStatus } from './originals.ts';
import { planDeployment } from './planning.ts';
import { type RemoveInput, removeObjects } from './removal.ts';
import { acceptDeployment, acceptTarget, type TargetKind } from './requests.ts';
import { type RouteInput, routeTraffic } from './routing.ts';
import { applySide, drainTime, scaleSide } from './side.ts';
import { diagnoseScope } from './snapshot.ts';
import { type WaitInput, waitInstances } from './waiting.ts';
import { type WatchInput, watchTraffic } from './watching.ts';

export interface KeepInput {
  scopeId: string;
  deploymentId: string;
  run: string;
  status: DeploymentStatus;
  /** False: leftovers are there, and a repeat goes on with them. */
  settled: boolean;
}

/**
 * The activities of the deployment room. One object in, one out; each may run twice or lose its answer, and the function it
 * calls says why that is harmless.
 */
export function createDeploymentActivities(deps: DeploymentDependencies) {
  const { settings, database } = deps;
  return withTypedFailures({
    // Local activities: pure functions and single statements.
    acceptDeployment: async ({ input }: { input: unknown }) => ({ request: acceptDeployment(settings, input) }),
    acceptTarget: async ({ kind, input }: { kind: TargetKind; input: unknown }) => acceptTarget(settings, kind, input),
    keepRollout: ({ run, status, settled, ...key }: KeepInput) =>
      keepStatus(database, key, run, { status, settled, finalized: status.phase === 'Finalized' }),

    // Regular activities: AWS and Kubernetes, and waits.
    beginRollout: (input: BeginInput) => beginRollout(deps, input),
    planDeployment: (input: Pick<BeginInput, 'request'>) => planDeployment(deps, input),
    applySide: (input: { course: Course }) => applySide(deps, input),
    waitInstances: (input: WaitInput) => waitInstances(deps, input),
    scaleSide: (input: { course: Course; side: Side; count: number }) => scaleSide(deps, input),
    routeTraffic: (input: RouteInput) => routeTraffic(deps, input),
    watchTraffic: (input: WatchInput) => watchTraffic(deps, input),
    drainTime: (input: { course: Course; side: Side }) => drainTime(deps, input),
    removeObjects: (input: RemoveInput) => removeObjects(deps, input),

    // Deletion, restart, diagnosis.
    surveyScope: ({ target }: { target: DeploymentTarget }) => surveyScope(deps, target),
    removeRoutes: (input: { target: DeploymentTarget; survey: Survey; until: string }) => removeRoutes(deps, input),
    removeSides: (input: { target: DeploymentTarget; survey: Survey; until: string }) => removeSides(deps, input),
    inspectInstance: (input: InstanceInput) => inspectInstance(deps, input),
    stopInstance: (input: InstanceInput & { uid: string }) => stopInstance(deps, input),
    diagnoseScope: (input: { target: DeploymentTarget; input: DiagnosisInput }) => diagnoseScope(deps, input),
  });
}

export type DeploymentActivities = ReturnType<typeof createDeploymentActivities>;
