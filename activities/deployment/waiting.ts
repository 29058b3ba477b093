import type { CoreV1Event } from '@kubernetes/client-node';
import type { InstanceCounts, Side } from '../../contract/deployment/status.ts';
import type { Warning } from '../../contract/scope/status.ts';
import { eventLines, eventsSince, type FoundEvent } from '../../domain/deployment/events.ts';
import { explainInstances, type FoundPod } from '../../domain/deployment/explain.ts';
import { type FoundDeployment, type InstancesVerdict, judgeInstances } from '../../domain/deployment/instances.ts';
import { sideName } from '../../domain/deployment/names.ts';
import { beat } from '../signal.ts';
import type { Course, Seen, StepAnswer } from './course.ts';
import type { DeploymentDependencies } from './dependencies.ts';
import { cancellationOf, earlierAttempt, isInterruption, lookUntil } from './looping.ts';
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
}

/** Until the instances of a side are ready; every look heartbeats what it saw. Reads only. */
export async function waitInstances(deps: DeploymentDependencies, input: WaitInput): Promise<StepAnswer> {
  const { course, side, count, since } = input;
  const progress: Progress = earlierAttempt<Progress>() ?? { lastSeen: 'not looked at yet', instances: {} };
  let verdict: InstancesVerdict | undefined;
  const seen = (): Seen => ({ instances: progress.instances });
  try {
    const ended = await lookUntil<InstancesVerdict>({
      look: async () => {
        verdict = judgeInstances(
          wire<FoundDeployment | undefined>((await deploymentOf(deps, course, side)) ?? null) ?? undefined,
          count,
        );
        progress.instances[side] = verdict.counts;
        progress.lastSeen = verdict.kind === 'ready' ? 'ready' : verdict.words;
        beat(progress);
        return verdict.kind === 'waiting' ? undefined : verdict;
      },
      seen: () => progress,
      pollSeconds: course.request.timings.pollInterval,
      until: Date.parse(input.until),
      onTrouble: ({ message }) => {
        progress.lastSeen = `a read failed: ${message}`;
      },
    });
    if (ended?.kind === 'ready') return { kind: 'done', seen: seen(), warnings: [] };
    const seconds = Math.round((Date.parse(input.until) - Date.parse(since)) / 1000);
    const id = idsOf(course)[side];
    const why = ended?.kind === 'failed' ? `${id}: ${ended.words}` : `${id} was not ready within ${seconds} s`;
    return { kind: 'failed', ...(await explained(deps, input, verdict, why)), seen: seen() };
  } catch (error) {
    const meaning = cancellationOf(error);
    if (isInterruption(meaning)) return { kind: 'interrupted', seen: seen() };
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
  const name = sideName(course.request.scopeId, idsOf(course)[side] ?? '');
  const warnings: Warning[] = eventLines(facts.events, name)
    .filter((line) => line.warning)
    .map(({ text }) => ({ code: 'InstanceEvent', message: text }));
  return { failure, warnings: warnings.slice(0, MOST_EVENTS) };
}

const MOST_EVENTS = 10;

/** Pods of a side, and the events of its Deployment and Pods since `since`. */
export async function instanceFacts(
  deps: DeploymentDependencies,
  course: Pick<Course, 'request' | 'shape'>,
  side: Side,
  since: string,
): Promise<{ pods: FoundPod[]; events: FoundEvent[] }> {
  const { namespace } = course.shape;
  const name = sideName(course.request.scopeId, idsOf(course)[side] ?? '');
  const pods = await deps.kubernetes.list<Live>(kinds.pod, { namespace, labelSelector: `name=${name}` });
  const events = await deps.kubernetes.list<CoreV1Event>({ apiVersion: 'v1', kind: 'Event' }, { namespace });
  const own = events.filter(({ involvedObject }) => {
    const object = involvedObject.name ?? '';
    return object === name || object.startsWith(`${name}-`);
  });
  return {
    pods: pods.map((pod) => wire<FoundPod>(pod)),
    events: eventsSince(
      own.map((event) => wire<FoundEvent>(event)),
      Date.parse(since),
    ),
  };
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
