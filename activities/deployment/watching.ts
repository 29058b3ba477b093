import type { InstanceCounts, Side } from '../../contract/deployment/status.ts';
import type { Failure } from '../../contract/failures.ts';
import { expectedRouting } from '../../domain/deployment/expected.ts';
import { compareRules } from '../../domain/deployment/gate.ts';
import type { OwnRouting } from '../../domain/deployment/rollout/routing.ts';
import { illness, judgeTargets } from '../../domain/deployment/targets.ts';
import { notYet } from '../failures.ts';
import { beat, heartbeatDetails } from '../signal.ts';
import type { Course, Seen, WatchAnswer } from './course.ts';
import type { DeploymentDependencies } from './dependencies.ts';
import { routeKind } from './gateway.ts';
import { cancellationOf, isPassing, pauseFor } from './looping.ts';
import { type Live, ofScope } from './objects.ts';
import { countsOf, idsOf, seeHealth, seeRouting } from './sight.ts';
import { explainSide } from './waiting.ts';

export interface WatchInput {
  course: Course;
  routing: OwnRouting;
  /** The sides that get traffic and whose state is not known to be ill. */
  watch: Side[];
  /** Planned instances of each side. */
  planned: Record<Side, number>;
  /** A failure waits for a person: what a gateway refuses is known. */
  failureKnown?: boolean;
}

interface Progress {
  /** Since when a side is ill, in ms. */
  illSince: Partial<Record<Side, number>>;
  seen: Seen;
  lastSeen?: string;
}

/** Intervals up to this are waited for in the attempt; longer ones are left to Temporal's retry, which holds no slot. */
const SHORT_SECONDS = 2;
const LONGEST_ATTEMPT_MS = 15_000;

/**
 * Looks after the rules and the sides with traffic until there is something to react to. Between looks the attempt ends as
 * "not yet"; since when a side is ill travels in the heartbeats. Reads only.
 */
export async function watchTraffic(deps: DeploymentDependencies, input: WatchInput): Promise<WatchAnswer> {
  const progress = heartbeatDetails<Progress>() ?? { illSince: {}, seen: {} };
  const { pollInterval } = input.course.request.timings;
  const endAt = Date.now() + LONGEST_ATTEMPT_MS;
  for (;;) {
    try {
      const answer = await look(deps, input, progress);
      if (answer) return answer;
    } catch (error) {
      const meaning = cancellationOf(error);
      if (meaning !== error || !isPassing(error)) throw meaning;
      progress.lastSeen = `a read failed: ${(error as Error).message}`;
    }
    beat(progress);
    if (pollInterval > SHORT_SECONDS || Date.now() > endAt) throw notYet('traffic holds', pollInterval);
    await pauseFor(pollInterval);
  }
}

async function look(
  deps: DeploymentDependencies,
  input: WatchInput,
  progress: Progress,
): Promise<WatchAnswer | undefined> {
  const { course, routing, watch } = input;
  const { rules, gateways } = await seeRouting(deps, course);
  const verdict = compareRules(expectedRouting(course.shape, routing), rules);
  progress.seen.actual = verdict.actual;
  if (!verdict.converged) {
    const words = `${verdict.differences.join('; ')}${await lastWriter(deps, course)}`;
    return { kind: 'changed', at: Date.now(), words, seen: progress.seen };
  }
  // Applying it again tells whether that is for good.
  if (gateways?.kind === 'refused' && !input.failureKnown)
    return { kind: 'changed', at: Date.now(), words: gateways.message, seen: progress.seen };
  const health = await seeHealth(deps, course, rules, watch);
  const needs = watch.map((side) => ({ side, healthy: 'one' as const }));
  const { healthy } = judgeTargets(needs, health, course.request.timings.healthyPercent, idsOf(course));
  progress.seen.healthyTargets = healthy;
  for (const side of watch) {
    const ill = await illnessOf(deps, input, progress, side, healthy[side] ?? 0);
    if (ill) return { kind: 'ill', side, failure: ill, seen: progress.seen };
  }
  return undefined;
}

async function illnessOf(
  deps: DeploymentDependencies,
  { course, planned }: WatchInput,
  progress: Progress,
  side: Side,
  healthyTargets: number,
): Promise<Failure | undefined> {
  const counts = await countsOf(deps, course, side);
  if (counts) progress.seen.instances = { ...progress.seen.instances, [side]: counts };
  const available = counts?.available ?? 0;
  const words = illness({ healthyTargets, available, planned: planned[side] }, idsOf(course)[side] ?? side);
  if (words === undefined) {
    delete progress.illSince[side];
    return undefined;
  }
  const since = progress.illSince[side] ?? Date.now();
  progress.illSince[side] = since;
  progress.lastSeen = words;
  if (Date.now() - since < course.request.timings.unhealthyTolerance * 1000) return undefined;
  const none: InstanceCounts = { desired: 0, launched: 0, ready: 0, available: 0, updated: 0 };
  const why = await explainSide(deps, course, side, counts ?? none, words, new Date(since - 60_000).toISOString());
  return { type: 'TargetsUnhealthy', message: why.message, details: { side, ...why.details } };
}

/** Who wrote what leads traffic to the scope last, when it was neither us nor the controller. */
async function lastWriter(deps: DeploymentDependencies, course: Course): Promise<string> {
  const { scopeId } = course.request;
  const kind = routeKind(course.request);
  const live = await ofScope<Live>(deps.kubernetes, kind, course.shape.namespace, scopeId);
  const entries = live
    .flatMap(({ metadata }) => metadata?.managedFields ?? [])
    .filter(
      ({ manager, subresource }) => manager !== 'groundwork' && manager !== 'controller' && subresource !== 'status',
    )
    .sort((a, b) => new Date(b.time ?? 0).getTime() - new Date(a.time ?? 0).getTime());
  const [last] = entries;
  if (last) return ` (the ${kind.kind} was changed by field manager ${last.manager})`;
  return live.length === 0 ? ` (the ${kind.kind} was deleted)` : '';
}
