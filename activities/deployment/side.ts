import type { Side } from '../../contract/deployment/status.ts';
import { SCOPE_ID_LABEL } from '../../contract/names.ts';
import { scalePatch } from '../../domain/deployment/instances.ts';
import { hpaName, pdbName, sideName } from '../../domain/deployment/names.ts';
import type { KubernetesObject } from '../../domain/deployment/objects/kubernetes.ts';
import { sideObjects } from '../../domain/deployment/objects/side.ts';
import { readDeregistrationDelay } from '../aws/routing.ts';
import { permanent } from '../failures.ts';
import type { ObjectRef } from '../kubernetes/gateway.ts';
import { beat } from '../signal.ts';
import type { Course } from './course.ts';
import type { DeploymentDependencies } from './dependencies.ts';
import { applyChecked, kinds, type Live, refOf, requireOwn } from './objects.ts';
import { idsOf, seeRules, sideOf } from './sight.ts';

/**
 * Green's objects, Services first, each answer checked. An autoscaler or a budget of an earlier attempt that this one goes without
 * is removed before: it would hold the count of the instances. Twice is harmless: server-side apply of equal objects, and what is
 * absent is done.
 */
export async function applySide(deps: DeploymentDependencies, { course }: { course: Course }): Promise<void> {
  const objects = sideObjects(course.request);
  await requireOwn(deps.kubernetes, objects, 'deploymentId');
  for (const ref of leftOut(course, objects)) {
    const { uid, labels } = (await deps.kubernetes.read(ref))?.metadata ?? {};
    if (uid && labels?.[SCOPE_ID_LABEL] === course.request.scopeId) await deps.kubernetes.remove(ref, { uid });
    beat();
  }
  for (const object of objects) {
    await applyChecked(deps.kubernetes, object);
    beat();
  }
}

/** What green may have besides its Services and its Deployment, and does not have by this request. */
function leftOut({ request, shape }: Course, objects: readonly KubernetesObject[]): ObjectRef[] {
  const side = sideName(request.scopeId, request.deploymentId);
  const optional = [
    refOf(kinds.autoscaler, shape.namespace, hpaName(side)),
    refOf(kinds.budget, shape.namespace, pdbName(side)),
  ];
  return optional.filter(({ kind, name }) => !objects.some((one) => one.kind === kind && one.metadata.name === name));
}

/**
 * The planned count of a side: of its autoscaler, which would undo another value, else of its Deployment. Twice is harmless:
 * the same count.
 */
export async function scaleSide(
  deps: DeploymentDependencies,
  { course, side, count }: { course: Course; side: Side; count: number },
): Promise<void> {
  const { namespace } = course.shape;
  const name = sideName(course.request.scopeId, idsOf(course)[side] ?? '');
  const autoscaler = (await deps.kubernetes.read(refOf(kinds.autoscaler, namespace, hpaName(name)))) as
    | Live
    | undefined;
  const { of, spec } = scalePatch(autoscaler?.spec as { maxReplicas: number } | undefined, count);
  const ref =
    of === 'Deployment' ? refOf(kinds.deployment, namespace, name) : refOf(kinds.autoscaler, namespace, hpaName(name));
  if (!(await deps.kubernetes.merge(ref, { spec }))) {
    const message = `${ref.kind} ${namespace}/${ref.name} cannot be scaled: it does not exist. Somebody removed it`;
    throw permanent('ObjectMissing', message, { object: ref.name });
  }
}

/** Seconds that connections to a side may still take: the longest deregistration delay of its target groups. Reads only. */
export async function drainTime(
  deps: DeploymentDependencies,
  { course, side }: { course: Course; side: Side },
): Promise<{ seconds: number }> {
  const rules = await seeRules(deps, course);
  const groups = rules.flatMap((rule) => rule.groups);
  const arns = groups.filter(({ service }) => service !== undefined && sideOf(course, service) === side);
  const delays = [0];
  for (const arn of new Set(arns.map((group) => group.arn)))
    delays.push((await readDeregistrationDelay(deps.aws, course.request.scope.region, arn)) ?? 0);
  return { seconds: Math.max(...delays) };
}
