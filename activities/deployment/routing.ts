import type { CoreV1Event } from '@kubernetes/client-node';
import type { HostRouting } from '../../contract/deployment/status.ts';
import type { Failure } from '../../contract/failures.ts';
import type { Warning } from '../../contract/scope/status.ts';
import { expectedRouting, type FoundIngress, routingOf } from '../../domain/deployment/expected.ts';
import { compareRules, groupsOf, type RuleVerdict } from '../../domain/deployment/gate.ts';
import { routingObjects } from '../../domain/deployment/objects/routing.ts';
import {
  type ControllerOpinion,
  controllerOpinion,
  type GroupMember,
  shownEvents,
} from '../../domain/deployment/refusals.ts';
import type { Routing } from '../../domain/deployment/rollout/routing.ts';
import type { TargetNeed } from '../../domain/deployment/rollout/types.ts';
import { gateSeconds, judgeTargets, type TargetVerdict } from '../../domain/deployment/targets.ts';
import { ALB } from '../../domain/scope/keeper.ts';
import type { ScopeRequest } from '../../domain/scope/request.ts';
import { readEvent } from '../kubernetes/events.ts';
import { beat } from '../signal.ts';
import type { Course, Seen, StepAnswer } from './course.ts';
import type { DeploymentDependencies } from './dependencies.ts';
import { cancellationOf, earlierAttempt, isInterruption, lookUntil } from './looping.ts';
import { applyChecked, kinds, type Live, ofScope, refOf, wire } from './objects.ts';
import { type Original, readOriginals } from './originals.ts';
import { idsOf, seeHealth, seeRules, sideOf } from './sight.ts';

export interface RouteInput {
  course: Course;
  routing: Routing;
  /** What must hold before the Ingresses are touched. */
  before: TargetNeed[];
  /** What must hold besides the rules afterwards. */
  after: TargetNeed[];
  since: string;
  /** On the way back: each wait lasts so long. */
  patienceSeconds?: number;
}

/** Where an attempt had got to; travels in its heartbeats. */
interface Progress {
  beganAt: number;
  appliedAt?: number;
  /** How often somebody deleted an Ingress of ours meanwhile. */
  missing: number;
  warnings: Warning[];
  lastSeen?: string;
  seen: Seen;
  /** In words, that a side had no healthy target before anything was applied. */
  illBefore?: string;
}

/**
 * Waits until `before` holds, applies the Ingresses of a routing, and waits until every rule of every listener of the scope
 * and the targets behind them agree. Twice is harmless: the objects are a function of the routing, and an attempt that was
 * lost goes on from its last heartbeat with the same deadlines.
 */
export async function routeTraffic(deps: DeploymentDependencies, input: RouteInput): Promise<StepAnswer> {
  const progress: Progress = earlierAttempt<Progress>() ?? { beganAt: Date.now(), missing: 0, warnings: [], seen: {} };
  try {
    if (progress.appliedAt === undefined) {
      const failure = await awaitTargets(deps, input, progress);
      if (failure) return { kind: 'failed', failure, seen: progress.seen, applied: false, warnings: progress.warnings };
      await lookBefore(deps, input, progress);
      await applyRouting(deps, input.course, input.routing);
      progress.appliedAt = Date.now();
    }
    const failure = await gate(deps, input, progress);
    const { seen, warnings, illBefore } = progress;
    if (failure) return { kind: 'failed', failure, seen, warnings };
    return { kind: 'done', seen, warnings, ...(illBefore === undefined ? {} : { illBefore }) };
  } catch (error) {
    const meaning = cancellationOf(error);
    if (!isInterruption(meaning)) throw meaning;
    return {
      kind: 'interrupted',
      seen: progress.seen,
      warnings: progress.warnings,
      ...(progress.appliedAt === undefined ? { applied: false } : {}),
    };
  }
}

async function awaitTargets(
  deps: DeploymentDependencies,
  { course, before, patienceSeconds }: RouteInput,
  progress: Progress,
): Promise<Failure | undefined> {
  if (before.length === 0) return undefined;
  const seconds = patienceSeconds ?? targetSeconds(course);
  let verdict: TargetVerdict | undefined;
  const found = await lookUntil({
    look: async () => {
      verdict = await lookAtTargets(deps, course, before, progress);
      return verdict.ok ? verdict : undefined;
    },
    ...looking(course, progress, progress.beganAt + seconds * 1000),
  });
  return found ? undefined : targetsFailure(verdict, seconds, progress.lastSeen);
}

/** Whether the sides that may be as ill as before are so, for as long as illness is tolerated. */
async function lookBefore(
  deps: DeploymentDependencies,
  { course, after }: RouteInput,
  progress: Progress,
): Promise<void> {
  const needs = after.filter(({ healthy }) => healthy === 'as-before');
  if (needs.length === 0 || progress.illBefore !== undefined) return;
  let verdict: TargetVerdict | undefined;
  await lookUntil({
    look: async () => {
      const rules = await seeRules(deps, course);
      // Where the balancer has no group of a side yet, as when the scope moves to another one, nothing is known of it.
      const known = needs.filter(({ side }) => groupsOf(rules).some(({ service }) => sideOf(course, service) === side));
      verdict = await lookAtTargets(deps, course, known, progress, rules);
      return verdict.ok ? verdict : undefined;
    },
    ...looking(course, progress, Date.now() + course.request.timings.unhealthyTolerance * 1000),
  });
  if (verdict && !verdict.ok) progress.illBefore = verdict.missing.join('; ');
}

async function lookAtTargets(
  deps: DeploymentDependencies,
  course: Course,
  needs: readonly TargetNeed[],
  progress: Progress,
  rules?: Awaited<ReturnType<typeof seeRules>>,
): Promise<TargetVerdict> {
  const seenRules = rules ?? (await seeRules(deps, course));
  const sides = [...new Set(needs.map(({ side }) => side))];
  const health = await seeHealth(deps, course, seenRules, sides);
  const verdict = judgeTargets(needs, health, course.request.timings.healthyPercent, idsOf(course));
  progress.seen.healthyTargets = { ...progress.seen.healthyTargets, ...verdict.healthy };
  if (!verdict.ok) progress.lastSeen = verdict.missing.join('; ');
  return verdict;
}

function targetSeconds({ request }: Course): number {
  const { timings, workload } = request;
  return timings.targetHealthTimeout === undefined
    ? gateSeconds(timings, workload.healthCheck.periodSeconds)
    : Math.max(timings.reconcileTimeout, timings.targetHealthTimeout);
}

function looking({ request }: Course, progress: Progress, until: number) {
  return {
    seen: () => progress,
    pollSeconds: request.timings.pollInterval,
    until,
    onTrouble: ({ message }: Error) => {
      progress.lastSeen = `a read failed: ${message}`;
    },
  };
}

/** Applies the Ingresses of a routing, or puts the recorded ones back and removes those that did not exist. */
export async function applyRouting(deps: DeploymentDependencies, course: Course, routing: Routing): Promise<void> {
  if (routing.form !== 'before') {
    const objects = routingObjects(course.request, course.balancer?.name, course.shape, routing);
    for (const object of objects) {
      await applyChecked(deps.kubernetes, object);
      beat();
    }
    return;
  }
  const originals = await readOriginals(deps.database, course.request);
  for (const object of originals) await applyChecked(deps.kubernetes, object);
  for (const name of madeHere(course, originals)) {
    await deps.kubernetes.remove(refOf(routeKind(course), course.shape.namespace, name));
  }
}

/** Names of the Ingresses that this rollout made. */
function madeHere({ shape }: Course, originals: readonly Original[]): string[] {
  const before = new Set(originals.map(({ metadata }) => metadata.name));
  return shape.ports.map(({ ingress }) => ingress).filter((name) => !before.has(name));
}

export function routeKind({ request }: { request: { scope: Pick<ScopeRequest, 'dnsType'> } }) {
  return request.scope.dnsType === 'external_dns' ? kinds.route : kinds.ingress;
}

/** What every host must get on every listener; no weights: no rule may have it. */
export async function expectationOf(
  deps: DeploymentDependencies,
  course: Course,
  routing: Routing,
): Promise<HostRouting[]> {
  if (routing.form !== 'before') return expectedRouting(course.shape, routing);
  const originals = routingOf(await readOriginals(deps.database, course.request));
  const known = new Set(originals.map(({ host, port }) => `${port} ${host}`));
  const gone = course.shape.ports.flatMap(({ listener }) =>
    course.shape.hosts
      .filter((host) => !known.has(`${listener} ${host}`))
      .map((host) => ({ host, port: listener, weights: {} })),
  );
  return [...originals, ...gone];
}

async function gate(deps: DeploymentDependencies, input: RouteInput, progress: Progress): Promise<Failure | undefined> {
  const { course, routing, patienceSeconds } = input;
  const after = input.after.filter(({ healthy }) => healthy !== 'as-before' || progress.illBefore === undefined);
  const { reconcileTimeout } = course.request.timings;
  const from = progress.appliedAt ?? Date.now();
  const rulesUntil = from + (patienceSeconds ?? reconcileTimeout) * 1000;
  const targetsUntil = from + (patienceSeconds ?? targetSeconds(course)) * 1000;
  const expected = await expectationOf(deps, course, routing);
  let verdict: RuleVerdict | undefined;
  let targets: TargetVerdict | undefined;
  let opinion: ControllerOpinion | undefined;
  const ended = await lookUntil<{ failure?: Failure }>({
    look: async () => {
      const restored = await restoreMissing(deps, input, progress);
      if (restored) return { failure: restored };
      const rules = await seeRules(deps, course);
      verdict = compareRules(expected, rules);
      progress.seen.actual = verdict.actual;
      if (verdict.converged) {
        targets = await lookAtTargets(deps, course, after, progress, rules);
        return targets.ok ? {} : undefined;
      }
      progress.lastSeen = verdict.differences.join('; ');
      opinion = await askController(deps, course, progress);
      if (opinion?.kind === 'refused') return { failure: refusal(course, opinion) };
      if (opinion) progress.lastSeen = `${opinion.by} breaks the group of the balancer: ${opinion.message}`;
      return Date.now() >= rulesUntil ? { failure: await notConverged(deps, course, verdict, opinion) } : undefined;
    },
    ...looking(course, progress, Math.max(rulesUntil, targetsUntil)),
  });
  if (ended) return ended.failure;
  if (verdict?.converged) return targetsFailure(targets, (targetsUntil - from) / 1000, progress.lastSeen);
  return verdict
    ? notConverged(deps, course, verdict, opinion)
    : {
        type: 'BalancerUnreadable',
        message: `balancer ${course.balancer?.name} could not be read until the deadline: ${progress.lastSeen}`,
        details: { balancer: course.balancer?.name },
      };
}

/** An Ingress that somebody deleted meanwhile is applied again once; the second time the other actor must be stopped first. */
async function restoreMissing(
  deps: DeploymentDependencies,
  { course, routing }: RouteInput,
  progress: Progress,
): Promise<Failure | undefined> {
  const wanted =
    routing.form === 'before'
      ? (await readOriginals(deps.database, course.request)).map(({ metadata }) => metadata.name)
      : course.shape.ports.map(({ ingress }) => ingress);
  const { scopeId } = course.request;
  const live = await ofScope<Live>(deps.kubernetes, routeKind(course), course.shape.namespace, scopeId);
  const present = new Set(
    live.filter(({ metadata }) => !metadata?.deletionTimestamp).map(({ metadata }) => metadata?.name),
  );
  // A rule of Kubernetes: an object that is being deleted cannot be kept, only made anew when it is gone.
  const leaving = new Set(
    live.filter(({ metadata }) => metadata?.deletionTimestamp).map(({ metadata }) => metadata?.name),
  );
  const missing = wanted.filter((name) => !present.has(name) && !leaving.has(name));
  if (missing.length === 0) return undefined;
  const what = missing.map((name) => `Ingress ${course.shape.namespace}/${name}`).join(', ');
  progress.missing += 1;
  if (progress.missing > 1)
    return {
      type: 'ObjectMissing',
      message: `${what} was deleted by somebody a second time: stop the other actor, then start again`,
      details: { objects: missing },
    };
  progress.warnings.push({ code: 'ObjectMissing', message: `${what} was deleted by somebody and is applied again` });
  await applyRouting(deps, course, routing);
  return undefined;
}

async function askController(
  deps: DeploymentDependencies,
  course: Course,
  progress: Progress,
): Promise<ControllerOpinion | undefined> {
  if (!course.balancer) return undefined;
  const { namespace } = course.shape;
  const own = await ofScope<Live>(deps.kubernetes, kinds.ingress, namespace, course.request.scopeId);
  const uids = own.map(({ metadata }) => metadata?.uid ?? '');
  const events = await ingressEvents(deps, namespace);
  const input = { events, uids, ours: [ours(course)], appliedAt: new Date(progress.appliedAt ?? 0).toISOString() };
  // The other members are read only when there is a refusal to tell whose it is.
  if (!controllerOpinion({ ...input, others: [] })) return undefined;
  return controllerOpinion({ ...input, others: await otherMembers(deps, course, uids) });
}

function ours({ shape }: Course): GroupMember {
  const services = shape.ports.flatMap(({ services: { blue, green } }) => [blue?.name ?? '', green?.name ?? '']);
  const [main] = shape.ports;
  return {
    ingress: `${shape.namespace}/${main?.ingress}`,
    services: [...services.filter((name) => name !== ''), ...shape.ports.map(({ ingress }) => ingress)],
    hosts: shape.hosts,
  };
}

async function ingressEvents(deps: DeploymentDependencies, namespace: string) {
  const events = await deps.kubernetes.list<CoreV1Event>(
    { apiVersion: 'v1', kind: 'Event' },
    { namespace, fieldSelector: 'involvedObject.kind=Ingress,type=Warning' },
  );
  return events.map((event) => ({
    ...readEvent(event),
    firstSeen: new Date(event.firstTimestamp ?? event.eventTime ?? event.metadata.creationTimestamp ?? 0).toISOString(),
  }));
}

async function otherMembers(
  deps: DeploymentDependencies,
  course: Course,
  uids: readonly string[],
): Promise<GroupMember[]> {
  const all = await deps.kubernetes.list<Live>(kinds.ingress);
  return all
    .filter(({ metadata }) => metadata?.annotations?.[`${ALB}/group.name`] === course.balancer?.name)
    .filter(({ metadata }) => !uids.includes(metadata?.uid ?? ''))
    .map((ingress) => {
      const routes = routingOf([wire<FoundIngress>(ingress)]);
      return {
        ingress: `${ingress.metadata?.namespace}/${ingress.metadata?.name}`,
        services: routes.flatMap(({ weights }) => Object.keys(weights)),
        hosts: routes.map(({ host }) => host),
      };
    });
}

function refusal(course: Course, opinion: Extract<ControllerOpinion, { kind: 'refused' }>): Failure {
  const { type, message, host } = opinion;
  const details = { controllerMessage: message, ...(host === undefined ? {} : { host }) };
  if (type === 'CertificateMissing')
    return {
      type,
      message: `no certificate covers ${host}. Issue one in ACM in ${course.request.scope.region}, then start again`,
      details,
    };
  return { type, message: `the load balancer controller refuses our Ingresses: ${message}`, details };
}

async function notConverged(
  deps: DeploymentDependencies,
  course: Course,
  verdict: RuleVerdict,
  opinion: ControllerOpinion | undefined,
): Promise<Failure> {
  if (opinion?.kind === 'broken')
    return {
      type: 'GroupBroken',
      message: `${opinion.by} breaks the group of balancer ${course.balancer?.name}, so nothing of it changes: ${opinion.message}`,
      details: { by: opinion.by, controllerMessage: opinion.message },
    };
  const { namespace } = course.shape;
  const own = await ofScope<Live>(deps.kubernetes, kinds.ingress, namespace, course.request.scopeId);
  const events = shownEvents(
    await ingressEvents(deps, namespace),
    own.map(({ metadata }) => metadata?.uid ?? ''),
  );
  return {
    type: 'NotConverged',
    message: `balancer ${course.balancer?.name} does not do what the Ingresses say: ${verdict.differences.join('; ')}. Read the load balancer controller's logs`,
    details: { differences: verdict.differences, actual: verdict.actual, events },
  };
}

function targetsFailure(verdict: TargetVerdict | undefined, seconds: number, lastSeen: string | undefined): Failure {
  const missing = verdict?.missing ?? [];
  const why = missing.length > 0 ? missing.join('; ') : (lastSeen ?? 'nothing could be read');
  return {
    type: 'TargetsUnhealthy',
    message: `targets were not healthy within ${seconds} s: ${why}`,
    details: { missing, healthy: verdict?.healthy ?? {} },
  };
}
