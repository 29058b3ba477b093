import type { CoreV1Event } from '@kubernetes/client-node';
import type { InstanceCounts, Side } from '../../contract/deployment/status.ts';
import type { Warning } from '../../contract/scope/status.ts';
import { eventLines, eventsSince, type FoundEvent, type ShownLine } from '../../domain/deployment/events.ts';
import { explainInstances, type FoundPod } from '../../domain/deployment/explain.ts';
import { type FoundDeployment, type InstancesVerdict, judgeInstances } from '../../domain/deployment/instances.ts';
import { sideName } from '../../domain/deployment/names.ts';
import { KubernetesCallError } from '../kubernetes/errors.ts';
import { beat, heartbeatDetails } from '../signal.ts';
import type { Course, Seen, StepAnswer } from './course.ts';
import type { DeploymentDependencies } from './dependencies.ts';
import { cancellationOf, isInterruption, lookUntil } from './looping.ts';
import { kinds, type Live, wire } from './objects.ts';
import { deploymentOf, idsOf } from './sight.ts';

export interface WaitInput {
  course: Course;
  side: Side;
  /** At least so many. */
  count: number;
  since: string;
  until: string;
}

interface Progress {
  lastSeen: string;
  instances: Partial<Record<Side, InstanceCounts>>;
  /** Of events, each once. */
  warnings?: Warning[];
}

/** Until the instances of a side are ready; every look heartbeats what it saw, events with it. Reads only. */
export async function waitInstances(deps: DeploymentDependencies, input: WaitInput): Promise<StepAnswer> {
  const { course, side, count, since } = input;
  const progress: Progress = heartbeatDetails<Progress>() ?? { lastSeen: 'not looked at yet', instances: {} };
  let verdict: InstancesVerdict | undefined;
  const seen = (): Seen => ({ instances: progress.instances });
  const warnings = () => progress.warnings ?? [];
  try {
    const ended = await lookUntil<InstancesVerdict>({
      look: async () => {
        verdict = judgeInstances(
          wire<FoundDeployment | undefined>((await deploymentOf(deps, course, side)) ?? null) ?? undefined,
          count,
        );
        progress.instances[side] = verdict.counts;
        progress.lastSeen = verdict.kind === 'ready' ? 'ready' : verdict.words;
        if (verdict.kind !== 'waiting') return verdict;
        beat(progress);
        Object.assign(progress, await eventsToTell(deps, input, verdict.words));
        return undefined;
      },
      seen: () => progress,
      pollSeconds: course.request.timings.pollInterval,
      until: Date.parse(input.until),
      onTrouble: ({ message }) => {
        progress.lastSeen = `a read failed: ${message}`;
      },
    });
    if (ended?.kind === 'ready') return { kind: 'done', seen: seen(), warnings: warnings() };
    const seconds = Math.round((Date.parse(input.until) - Date.parse(since)) / 1000);
    const id = idsOf(course)[side];
    const why = ended?.kind === 'failed' ? `${id}: ${ended.words}` : `${id} was not ready within ${seconds} s`;
    return { kind: 'failed', ...(await explained(deps, input, verdict, why)), seen: seen() };
  } catch (error) {
    const meaning = cancellationOf(error);
    if (isInterruption(meaning)) return { kind: 'interrupted', seen: seen(), warnings: warnings() };
    throw meaning;
  }
}

const NONE: InstanceCounts = { desired: 0, launched: 0, ready: 0, available: 0, updated: 0 };

async function explained(
  deps: DeploymentDependencies,
  { course, side, since }: WaitInput,
  verdict: InstancesVerdict | undefined,
  why: string,
) {
  const facts = await instanceFacts(deps, course, side, since);
  const failure = explainInstances({
    why,
    counts: verdict?.counts ?? NONE,
    ...facts,
    workload: knownWorkload(course, side),
  });
  return { failure, warnings: warningsOf(eventLines(facts.events, nameOf(course, side))) };
}

/** What the status shows while a side is awaited. Events that cannot be read are not told: the wait does not depend on them. */
async function eventsToTell(
  deps: DeploymentDependencies,
  { course, side, since }: WaitInput,
  words: string,
): Promise<Partial<Progress>> {
  try {
    const lines = eventLines(await eventsOf(deps, course, side, since), nameOf(course, side));
    const latest = lines.at(-1);
    return { warnings: warningsOf(lines), ...(latest ? { lastSeen: `${words}; ${latest.text}` } : {}) };
  } catch (error) {
    if (error instanceof KubernetesCallError) return {};
    throw error;
  }
}

/** They travel with every heartbeat. */
const MOST_EVENTS = 10;

function warningsOf(lines: readonly ShownLine[]): Warning[] {
  const told = lines.filter((line) => line.warning).map(({ text }) => ({ code: 'InstanceEvent', message: text }));
  return told.slice(-MOST_EVENTS);
}

function nameOf(course: Pick<Course, 'request'>, side: Side): string {
  return sideName(course.request.scopeId, idsOf(course)[side] ?? '');
}

/** Events of a side's Deployment and Pods since `since`, oldest first. */
async function eventsOf(
  deps: DeploymentDependencies,
  course: Pick<Course, 'request' | 'shape'>,
  side: Side,
  since: string,
): Promise<FoundEvent[]> {
  const name = nameOf(course, side);
  const { namespace } = course.shape;
  const events = await deps.kubernetes.list<CoreV1Event>({ apiVersion: 'v1', kind: 'Event' }, { namespace });
  const own = events.filter(({ involvedObject }) => {
    const object = involvedObject.name ?? '';
    return object === name || object.startsWith(`${name}-`);
  });
  return eventsSince(
    own.map((event) => wire<FoundEvent>(event)),
    Date.parse(since),
  );
}

/** Pods of a side, and its events. */
export async function instanceFacts(
  deps: DeploymentDependencies,
  course: Pick<Course, 'request' | 'shape'>,
  side: Side,
  since: string,
): Promise<{ pods: FoundPod[]; events: FoundEvent[] }> {
  const labelSelector = `name=${nameOf(course, side)}`;
  const pods = await deps.kubernetes.list<Live>(kinds.pod, { namespace: course.shape.namespace, labelSelector });
  return { pods: pods.map((pod) => wire<FoundPod>(pod)), events: await eventsOf(deps, course, side, since) };
}

/** What an explanation may quote: of blue nothing is known. */
function knownWorkload({ request }: Course, side: Side) {
  if (side === 'blue') return { scope: request.scope.slugs.scope };
  const { workload, scope } = request;
  return {
    mainPort: workload.mainPort,
    healthPath: workload.healthCheck.path,
    memoryMi: workload.resources.memoryMiLimit,
    scope: scope.slugs.scope,
  };
}

/** Why a side with traffic is ill, as far as its instances tell. */
export async function explainSide(
  deps: DeploymentDependencies,
  course: Course,
  side: Side,
  counts: InstanceCounts,
  why: string,
  since: string,
) {
  const facts = await instanceFacts(deps, course, side, since);
  return explainInstances({ why, counts, ...facts, workload: knownWorkload(course, side) });
}
