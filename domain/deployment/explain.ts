import type { InstanceCounts } from '../../contract/deployment/status.ts';
import type { Failure } from '../../contract/failures.ts';
import { type FoundEvent, topWarnings } from './events.ts';
import { sayCounts } from './instances.ts';
import { probeAdvice, readProbe, sayMode } from './probes.ts';

/** Why instances are not ready, in words (specs: deployment, section 9). */

interface Terminated {
  reason?: string;
  message?: string;
  exitCode?: number;
}

export interface FoundContainer {
  name: string;
  state?: { waiting?: { reason?: string; message?: string }; terminated?: Terminated; running?: object };
  lastState?: { terminated?: Terminated };
  restartCount?: number;
}

export interface FoundPod {
  metadata?: { name?: string };
  status?: { containerStatuses?: FoundContainer[]; initContainerStatuses?: FoundContainer[] };
}

/** What the explanation may quote of the workload; absent: nothing is known of it. */
export interface KnownWorkload {
  mainPort?: number;
  healthPath?: string;
  memoryMi?: number;
  /** Slug of the scope, whose variables may be wrong. */
  scope?: string;
}

export interface Cause {
  reason: string;
  container?: string;
  exitCode?: number;
  message?: string;
  /** It ended more than once; between two ends a container runs for a while and waits for nothing. */
  again?: true;
}

const CRASHES = ['CrashLoopBackOff', 'BackOff'];

/** Reasons with words and advice of their own, in the order that decides ties. */
const table: readonly [readonly string[], string, string][] = [
  [
    ['ImagePullBackOff', 'ErrImagePull'],
    'the image cannot be pulled',
    'check the image name, its tag and the pull secrets',
  ],
  [CRASHES, 'the container starts and crashes again and again', 'read its start-up logs'],
  [
    ['CreateContainerConfigError'],
    'the configuration of the container is invalid',
    'a Secret or ConfigMap that it names is missing',
  ],
  [['CreateContainerError'], 'the container cannot be created', 'check volumes, permissions and the pod spec'],
  [['RunContainerError'], 'the entrypoint failed', 'check the start command and the binaries in the image'],
  [['ContainerCannotRun'], 'the start binary is missing or not executable', 'rebuild the image'],
  [
    ['FailedScheduling'],
    'no node has room for it or fits its constraints',
    'lower the requests, add nodes, or review the selectors',
  ],
  [['FailedMount', 'FailedAttachVolume'], 'a volume cannot be mounted', 'the PVC, Secret or ConfigMap must exist'],
  [
    ['FailedCreate', 'FailedCreatePodSandBox'],
    'the pod sandbox cannot be created',
    'check node health, CNI and policies',
  ],
];

const order = ['OOMKilled', ...table.flatMap(([reasons]) => reasons), 'Unhealthy'];

/** Reason of one container: an out-of-memory kill wins, then why it waits, then how it ended last. */
export function containerCause(container: FoundContainer): Cause | undefined {
  const { name, state, lastState } = container;
  const ends = [state?.terminated, lastState?.terminated].filter((end) => end !== undefined);
  const killed = ends.find(({ reason }) => reason === 'OOMKilled');
  const [end] = ends;
  if (killed) return cause('OOMKilled', name, killed);
  if (state?.waiting?.reason && !['ContainerCreating', 'PodInitializing'].includes(state.waiting.reason)) {
    const message = state.waiting.message ?? end?.message;
    const exitCode = end?.exitCode;
    return cause(state.waiting.reason, name, {
      ...(message === undefined ? {} : { message }),
      ...(exitCode === undefined ? {} : { exitCode }),
    });
  }
  if (end?.reason && end.reason !== 'Completed') {
    const times = (container.restartCount ?? 0) + (state?.terminated ? 1 : 0);
    return { ...cause(end.reason, name, end), ...(times > 1 ? { again: true } : {}) };
  }
  return undefined;
}

function cause(reason: string, container: string, { message, exitCode }: Terminated): Cause {
  return {
    reason,
    container,
    ...(exitCode === undefined ? {} : { exitCode }),
    ...(message ? { message } : {}),
  };
}

/** The most frequent reason over all containers, else the most frequent Warning event; ties go by the table. */
export function findCause(pods: readonly FoundPod[], events: readonly FoundEvent[]): Cause | undefined {
  const causes = pods.flatMap(({ status }) =>
    [...(status?.initContainerStatuses ?? []), ...(status?.containerStatuses ?? [])].flatMap(
      (container) => containerCause(container) ?? [],
    ),
  );
  const counts = new Map<string, number>();
  for (const { reason } of causes) counts.set(reason, (counts.get(reason) ?? 0) + 1);
  const [most] = [...counts].sort(([a, first], [b, second]) => second - first || rank(a) - rank(b));
  if (most) return causes.find(({ reason }) => reason === most[0]);
  const [warning] = topWarnings(events, Number.MAX_SAFE_INTEGER).sort(
    (a, b) => b.count - a.count || rank(a.reason) - rank(b.reason),
  );
  if (!warning) return undefined;
  const latest = events.filter(({ type, reason }) => type === 'Warning' && reason === warning.reason).at(-1);
  return { reason: warning.reason, ...(latest?.message ? { message: latest.message } : {}) };
}

function rank(reason: string): number {
  const index = order.indexOf(reason);
  return index === -1 ? order.length : index;
}

interface Words {
  said: string;
  advice: string;
  /** Whether the general checklist is given as well. */
  checklist: boolean;
}

/** The failure of instances that did not become ready. `why` says what ended the wait; `events` are oldest first. */
export function explainInstances(facts: {
  why: string;
  counts: InstanceCounts;
  pods: readonly FoundPod[];
  events: readonly FoundEvent[];
  workload: KnownWorkload;
  timings?: { waitedSeconds: number };
}): Failure {
  const { why, counts, pods, events, workload } = facts;
  const found = findCause(pods, events);
  const { said, advice, checklist } = wordsOf(found, workload);
  const where = found?.container === undefined ? '' : ` (container ${found.container}${exitWords(found)})`;
  const warnings = topWarnings(events);
  const seen = warnings.map(({ reason, count }) => `${reason} x${count}`).join(', ');
  const parts = [
    `${why}: ${said}${where}`,
    sayCounts(counts),
    ...(seen === '' ? [] : [`warnings: ${seen}`]),
    `advice: ${advice}`,
    ...(checklist ? [`also check: ${generalChecklist(workload).join('; ')}`] : []),
  ];
  return {
    type: 'InstancesNotReady',
    message: parts.join('. '),
    details: {
      reason: found?.reason ?? 'none',
      ...(found?.container === undefined ? {} : { container: found.container }),
      ...(found?.exitCode === undefined ? {} : { exitCode: found.exitCode }),
      ...(found?.message === undefined ? {} : { message: found.message }),
      progress: counts,
      warnings,
      advice,
      ...(checklist ? { checklist: generalChecklist(workload) } : {}),
    },
  };
}

function exitWords({ exitCode }: Cause): string {
  return exitCode === undefined ? '' : `, exit code ${exitCode}`;
}

function wordsOf(found: Cause | undefined, workload: KnownWorkload): Words {
  if (!found) {
    return { said: 'not ready in time', advice: 'go through the checklist', checklist: true };
  }
  if (found.reason === 'OOMKilled') {
    const limit = workload.memoryMi === undefined ? '' : ` (${workload.memoryMi}Mi)`;
    const said = `the container went over its memory limit${limit} and was killed`;
    return { said, advice: 'raise the memory limit, or use less memory', checklist: false };
  }
  if (found.reason === 'Unhealthy') return probeWords(found, workload);
  const row =
    table.find(([reasons]) => reasons.includes(found.reason)) ??
    table.find(([reasons]) => found.again && reasons === CRASHES);
  if (row) return { said: `${row[1]} (${found.reason})`, advice: row[2], checklist: false };
  const said = `failing with reason ${found.reason}`;
  return { said, advice: 'go through the checklist', checklist: true };
}

function probeWords({ message = '' }: Cause, { mainPort = 8080, healthPath = '/' }: KnownWorkload): Words {
  const probe = readProbe(message);
  const path = healthPath === '' ? '/' : healthPath;
  const said = `the health check at ${path} fails: ${probe ? `${probe.kind} probe, ${sayMode(probe)}` : message}`;
  return { said, advice: probeAdvice(probe ?? { mode: 'failed' }, mainPort, path), checklist: false };
}

function generalChecklist({ mainPort, healthPath, memoryMi, scope }: KnownWorkload): string[] {
  return [
    `the application listens on ${mainPort === undefined ? 'its main port' : `port ${mainPort}`}`,
    `it answers ${healthPath || '/'} with 2xx`,
    'its logs show no error at the start',
    `its memory is enough${memoryMi === undefined ? '' : ` (${memoryMi}Mi)`}`,
    `the variables of ${scope === undefined ? 'the scope' : `scope ${scope}`} are right`,
  ];
}
