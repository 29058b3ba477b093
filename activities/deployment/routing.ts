import type { HostRouting } from '../../contract/deployment/status.ts';
import type { Failure } from '../../contract/failures.ts';
import { SCOPE_ID_LABEL } from '../../contract/names.ts';
import type { Warning } from '../../contract/scope/status.ts';
import { expectedRouting } from '../../domain/deployment/expected.ts';
import { compareRules, groupsOf } from '../../domain/deployment/gate.ts';
import { routingObjects } from '../../domain/deployment/objects/routing.ts';
import type { Routing } from '../../domain/deployment/rollout/routing.ts';
import type { TargetNeed } from '../../domain/deployment/rollout/types.ts';
import { judgeTargets, type TargetVerdict, targetSeconds } from '../../domain/deployment/targets.ts';
import { listLoadBalancers } from '../aws/load-balancers.ts';
import { beat, heartbeatDetails, isFirstAttempt } from '../signal.ts';
import { leadAliases } from './aliases.ts';
import type { Course, Seen, StepAnswer } from './course.ts';
import type { DeploymentDependencies } from './dependencies.ts';
import { routeKind } from './gateway.ts';
import { cancellationOf, isInterruption, lookUntil } from './looping.ts';
import { applyChecked, balancerNamed, type Live, ofScope, refOf, requireOwn } from './objects.ts';
import { heardUntilNow, notConverged, type Opinion, opinionOf, unreadable } from './opinions.ts';
import { type Original, readOriginals } from './originals.ts';
import { idsOf, routingFound, seeHealth, seeRouting, seeRules, sideOf } from './sight.ts';

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
  /** Something of the routing was, or may have been, handed to Kubernetes. */
  handedOver?: boolean;
  appliedAt?: number;
  /** Marks of what the controller had said before that. */
  heard?: string[];
  /** How often somebody deleted an Ingress of ours, or the HTTPRoute, meanwhile. */
  missing: number;
  warnings: Warning[];
  lastSeen?: string;
  seen: Seen;
  /** In words, that a side had no healthy target before anything was applied. */
  illBefore?: string;
}

/**
 * Waits until `before` holds, applies the Ingresses of a routing, and waits until every rule of every listener of the scope
 * and the targets behind them agree; only then the records follow to another balancer. Twice is harmless: the objects are a
 * function of the routing, and an attempt that was lost goes on from its last heartbeat with the same deadlines.
 */
export async function routeTraffic(deps: DeploymentDependencies, input: RouteInput): Promise<StepAnswer> {
  const progress: Progress = heartbeatDetails<Progress>() ?? {
    beganAt: Date.now(),
    missing: 0,
    warnings: [],
    seen: {},
  };
  try {
    if (progress.appliedAt === undefined) {
      const failure = await awaitTargets(deps, input, progress);
      if (failure)
        return { kind: 'failed', failure, seen: progress.seen, warnings: progress.warnings, ...handing(progress) };
      await lookBefore(deps, input, progress);
      progress.heard ??= await heardUntilNow(deps, input.course);
      progress.handedOver = true;
      beat(progress);
      await applyRouting(deps, input.course, input.routing, progress);
      progress.appliedAt = Date.now();
    }
    const failure = await passGates(deps, input, progress);
    const { seen, warnings, illBefore } = progress;
    if (failure) return { kind: 'failed', failure, seen, warnings };
    warnings.push(...(await leadAliases(deps, input.course, input.routing, progress)));
    return { kind: 'done', seen, warnings, ...(illBefore === undefined ? {} : { illBefore }) };
  } catch (error) {
    const meaning = cancellationOf(error);
    if (!isInterruption(meaning)) throw meaning;
    return { kind: 'interrupted', seen: progress.seen, warnings: progress.warnings, ...handing(progress) };
  }
}

/**
 * `applied: false` only when nothing was ever handed to Kubernetes: one Ingress of several counts, and so does a call whose
 * answer did not come. The last heartbeat of an attempt that was lost may not have been sent: of it nothing is known.
 */
function handing({ handedOver }: Progress): { applied?: false } {
  return handedOver || !isFirstAttempt() ? {} : { applied: false };
}

async function awaitTargets(
  deps: DeploymentDependencies,
  { course, before, patienceSeconds }: RouteInput,
  progress: Progress,
): Promise<Failure | undefined> {
  if (before.length === 0) return undefined;
  const seconds = patienceSeconds ?? targetSeconds(course.request);
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

/**
 * Applies the Ingresses of a routing, or puts the recorded ones back and removes those that did not exist. `progress` travels
 * in the heartbeats meanwhile.
 */
async function applyRouting(
  deps: DeploymentDependencies,
  course: Course,
  routing: Routing,
  progress: unknown,
): Promise<void> {
  if (routing.form !== 'before') {
    const objects = routingObjects(course.request, course.balancer?.name, course.shape, routing);
    await requireOwn(deps.kubernetes, objects, 'scope.slugs.scope');
    for (const object of objects) {
      await applyChecked(deps.kubernetes, object);
      beat(progress);
    }
    return;
  }
  const originals = await readOriginals(deps.database, course.request);
  for (const object of originals) await applyChecked(deps.kubernetes, object);
  for (const name of madeHere(course, originals)) {
    const ref = refOf(routeKind(course.request), course.shape.namespace, name);
    const { uid, labels } = (await deps.kubernetes.read(ref))?.metadata ?? {};
    if (uid && labels?.[SCOPE_ID_LABEL] === course.request.scopeId) await deps.kubernetes.remove(ref, { uid });
  }
}

/** Names of the Ingresses that this rollout made. */
function madeHere({ shape }: Course, originals: readonly Original[]): string[] {
  const before = new Set(originals.map(({ metadata }) => metadata.name));
  return shape.ports.map(({ ingress }) => ingress).filter((name) => !before.has(name));
}

/** What every host must get on every listener by some of the recorded Ingresses; no weights: no rule may have it. */
function expectationOf({ request, shape }: Course, originals: readonly Original[]): HostRouting[] {
  const found = routingFound(request, originals);
  const known = new Set(found.map(({ host, port }) => `${port} ${host}`));
  const gone = shape.ports.flatMap(({ listener }) =>
    shape.hosts
      .filter((host) => !known.has(`${listener} ${host}`))
      .map((host) => ({ host, port: listener, weights: {} })),
  );
  return [...found, ...gone];
}

/** What was before may be of another balancer than the rollout's: then that one must have it again, and the rollout's nothing. */
async function passGates(
  deps: DeploymentDependencies,
  input: RouteInput,
  progress: Progress,
): Promise<Failure | undefined> {
  const { course, routing } = input;
  if (routing.form !== 'before') return gate(deps, input, expectedRouting(course.shape, routing), progress);
  const originals = await readOriginals(deps.database, course.request);
  const own = course.balancer?.name;
  const balancerOf = (one: Original) => balancerNamed([one]) ?? own;
  for (const name of new Set([own, ...originals.map(balancerOf)])) {
    const expected = expectationOf(
      course,
      originals.filter((one) => balancerOf(one) === name),
    );
    const failure = await gate(deps, input, expected, progress, name);
    if (failure) return failure;
  }
  return undefined;
}

/** The course on a balancer that the controller may have to make anew, with another ARN: its last Ingress had left it. */
async function onBalancer(deps: DeploymentDependencies, course: Course, name: string | undefined): Promise<Course> {
  if (name === undefined || course.balancer?.name === name) return course;
  const listed = await listLoadBalancers(deps.aws, course.request.scope.region);
  return { ...course, balancer: { name, arn: listed.find((one) => one.name === name)?.arn ?? '' } };
}

async function gate(
  deps: DeploymentDependencies,
  input: RouteInput,
  expected: readonly HostRouting[],
  progress: Progress,
  balancer?: string,
): Promise<Failure | undefined> {
  const { course, patienceSeconds } = input;
  const after = input.after.filter(({ healthy }) => healthy !== 'as-before' || progress.illBefore === undefined);
  const { reconcileTimeout } = course.request.timings;
  const from = progress.appliedAt ?? Date.now();
  const rulesUntil = from + (patienceSeconds ?? reconcileTimeout) * 1000;
  const targetsUntil = from + (patienceSeconds ?? targetSeconds(course.request)) * 1000;
  let here = course;
  let opinion: Opinion | undefined;
  let targets: TargetVerdict | undefined;
  const ended = await lookUntil<{ failure?: Failure }>({
    look: async () => {
      const restored = await restoreMissing(deps, input, progress);
      if (restored) return { failure: restored };
      here = await onBalancer(deps, course, balancer);
      const sighting = await seeRouting(deps, here);
      const verdict = compareRules(expected, sighting.rules);
      const applied = { at: from, heard: progress.heard ?? [], expected };
      opinion = await opinionOf(deps, here, verdict, sighting.gateways, applied);
      if (opinion.kind === 'refused') return opinion;
      // What a gateway has not taken up yet is only asked for.
      if (opinion.kind === 'agrees' || !sighting.gateways) progress.seen.actual = verdict.actual;
      if (opinion.kind === 'agrees') {
        targets = await lookAtTargets(deps, here, after, progress, sighting.rules);
        return targets.ok ? {} : undefined;
      }
      progress.lastSeen = opinion.words;
      tell(progress, opinion.said ?? []);
      return Date.now() >= rulesUntil ? { failure: await notConverged(deps, here, opinion) } : undefined;
    },
    ...looking(course, progress, Math.max(rulesUntil, targetsUntil)),
  });
  if (ended) return ended.failure;
  if (opinion?.kind === 'agrees') return targetsFailure(targets, (targetsUntil - from) / 1000, progress.lastSeen);
  return opinion?.kind === 'open'
    ? notConverged(deps, here, opinion)
    : unreadable(here, progress.lastSeen ?? 'nothing was seen');
}

const MOST_EVENTS = 10;

/** Shows what the controller says while the gate waits, each once; a controller that goes on and on is cut short. */
function tell({ warnings }: Progress, said: readonly string[]): void {
  for (const message of said) {
    const told = warnings.filter(({ code }) => code === 'ControllerEvent');
    if (told.length >= MOST_EVENTS || told.some((warning) => warning.message === message)) continue;
    warnings.push({ code: 'ControllerEvent', message });
  }
}

/** What somebody deleted meanwhile is applied again once; the second time the other actor must be stopped first. */
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
  const kind = routeKind(course.request);
  const live = await ofScope<Live>(deps.kubernetes, kind, course.shape.namespace, scopeId);
  const present = new Set(
    live.filter(({ metadata }) => !metadata?.deletionTimestamp).map(({ metadata }) => metadata?.name),
  );
  // A rule of Kubernetes: an object that is being deleted cannot be kept, only made anew when it is gone.
  const leaving = new Set(
    live.filter(({ metadata }) => metadata?.deletionTimestamp).map(({ metadata }) => metadata?.name),
  );
  const missing = wanted.filter((name) => !present.has(name) && !leaving.has(name));
  if (missing.length === 0) return undefined;
  const what = missing.map((name) => `${kind.kind} ${course.shape.namespace}/${name}`).join(', ');
  progress.missing += 1;
  if (progress.missing > 1)
    return {
      type: 'ObjectMissing',
      message: `${what} was deleted by somebody a second time: stop the other actor, then start again`,
      details: { objects: missing },
    };
  progress.warnings.push({ code: 'ObjectMissing', message: `${what} was deleted by somebody and is applied again` });
  await applyRouting(deps, course, routing, progress);
  return undefined;
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
