import { describe, expect, test } from 'vitest';
import {
  eventLines,
  eventsSince,
  type FoundEvent,
  lastOccurrence,
  topWarnings,
} from '../../../domain/deployment/events.ts';
import { explainInstances, type FoundContainer, type FoundPod, findCause } from '../../../domain/deployment/explain.ts';
import { type FoundDeployment, judgeInstances, sayCounts, scalePatch } from '../../../domain/deployment/instances.ts';
import { readProbe, sayMode } from '../../../domain/deployment/probes.ts';

const deployment = (status: FoundDeployment['status'], replicas = 5): FoundDeployment => ({
  metadata: { generation: 2 },
  spec: { replicas },
  status: { observedGeneration: 2, ...status },
});
const all = (count: number) => ({
  replicas: count,
  readyReplicas: count,
  availableReplicas: count,
  updatedReplicas: count,
});

const noProgress = [{ type: 'Progressing', status: 'False', reason: 'ProgressDeadlineExceeded', message: 'timed out' }];

describe('instances', () => {
  test('are ready when every counter is the desired one (D26)', () => {
    expect(judgeInstances(deployment(all(5)), 5).kind).toBe('ready');
    expect(judgeInstances(deployment(all(6), 6), 5).kind).toBe('ready');
  });

  test.each([
    [
      'counters are behind (D34)',
      deployment({ replicas: 5, readyReplicas: 3, availableReplicas: 3, updatedReplicas: 4 }),
    ],
    ['status fields are missing (D35)', deployment({})],
    ['nothing is desired (D36)', deployment(all(0), 0)],
    ['fewer are desired than planned', deployment(all(4), 4)],
    ['the generation is not observed', deployment({ ...all(5), observedGeneration: 1 })],
    [
      'the end of all progress is told of a generation before',
      deployment({ conditions: noProgress, observedGeneration: 1 }),
    ],
    ['one counter is above', deployment({ ...all(5), updatedReplicas: 6 })],
  ])('are awaited while %s', (_, found) => {
    expect(judgeInstances(found, 5).kind).toBe('waiting');
  });

  test('show their progress (D34, D43)', () => {
    const verdict = judgeInstances(
      deployment({ replicas: 5, readyReplicas: 3, availableReplicas: 2, updatedReplicas: 4 }),
      5,
    );
    expect(sayCounts(verdict.counts)).toBe('3/5 ready, 2 available, 4 updated, 5 launched');
  });

  test('a Deployment that was deleted, or makes no progress, is not awaited (D33)', () => {
    expect(judgeInstances(undefined, 5)).toMatchObject({
      kind: 'failed',
      words: expect.stringContaining('was deleted'),
    });
    expect(judgeInstances(deployment({ conditions: noProgress }), 5)).toMatchObject({
      kind: 'failed',
      words: 'the Deployment makes no progress: timed out',
    });
  });

  test('are scaled where the count would not be undone (D79)', () => {
    expect(scalePatch(undefined, 15)).toEqual({ of: 'Deployment', spec: { replicas: 15 } });
    expect(scalePatch({ minReplicas: 2, maxReplicas: 20 }, 15)).toEqual({
      of: 'HorizontalPodAutoscaler',
      spec: { minReplicas: 15, maxReplicas: 20 },
    });
    expect(scalePatch({ maxReplicas: 8 }, 15)).toMatchObject({ spec: { maxReplicas: 15 } });
  });
});

describe('probe messages (D97)', () => {
  const url = 'Get "http://10.0.0.9:8080/health?x=1"';
  test.each([
    [
      `Readiness probe failed: ${url}: dial tcp 10.0.0.9:8080: connect: connection refused`,
      'Readiness',
      '/health',
      'not yet listening',
    ],
    [
      'Liveness probe failed: HTTP probe failed with statuscode: 502',
      'Liveness',
      '',
      'responded HTTP 502 (expected 2xx)',
    ],
    [
      `Startup probe failed: ${url}: context deadline exceeded (Client.Timeout exceeded)`,
      'Startup',
      '/health',
      'request timed out',
    ],
    ['Readiness probe failed: dial tcp 10.0.0.9:8080: i/o timeout', 'Readiness', '', 'request timed out'],
    ['Readiness probe failed: Get "http://10.0.0.9:8080": EOF', 'Readiness', '', 'failed'],
  ])('%s', (message, kind, path, mode) => {
    const probe = readProbe(message);
    expect(probe).toMatchObject({ kind, path });
    expect(probe && sayMode(probe)).toBe(mode);
  });

  test.each(['Back-off restarting failed container', 'a Readiness probe failed', 'Readiness probe errored'])(
    '"%s" is none',
    (message) => {
      expect(readProbe(message)).toBeUndefined();
    },
  );
});

const time = (second: number) => new Date(Date.UTC(2026, 0, 1, 0, 0, second)).toISOString();
const unhealthy = (message: string, pod = 'd-7-42-66f-abcde', count = 1): FoundEvent => ({
  type: 'Warning',
  reason: 'Unhealthy',
  message,
  involvedObject: { kind: 'Pod', name: pod },
  lastTimestamp: time(10),
  count,
});

describe('events', () => {
  const refused = 'Readiness probe failed: Get "http://10.0.0.9:8080/health": connect: connection refused';
  const status = 'Readiness probe failed: Get "http://10.0.0.9:8080/health": HTTP probe failed with statuscode: 502';

  test('of one pod’s probe are one line with its distinct modes (D39)', () => {
    expect(eventLines([unhealthy(refused), unhealthy(status), unhealthy(refused)], 'd-7-42')).toEqual([
      {
        warning: true,
        text: 'Pod/...66f-abcde Readiness probe failing on /health - not yet listening, responded HTTP 502 (expected 2xx)',
      },
    ]);
  });

  test('keep all raw lines of a pod when one cannot be read (D41)', () => {
    const lines = eventLines(
      [unhealthy(refused), unhealthy('something new'), unhealthy(status, 'd-7-42-66f-other')],
      'd-7-42',
    );
    expect(lines.map(({ text }) => text)).toEqual([
      `Pod/...66f-abcde ${refused}`,
      'Pod/...66f-abcde something new',
      'Pod/...66f-other Readiness probe failing on /health - responded HTTP 502 (expected 2xx)',
    ]);
  });

  test('are shown once each, warnings as warnings, with short or full names (D98)', () => {
    const scaled: FoundEvent = {
      type: 'Normal',
      reason: 'ScalingReplicaSet',
      message: 'Scaled up',
      involvedObject: { kind: 'Deployment', name: 'd-7-42' },
    };
    const mount: FoundEvent = {
      type: 'Warning',
      reason: 'FailedMount',
      message: 'no secret',
      involvedObject: { kind: 'Pod', name: 'd-7-42-1-a' },
    };
    expect(eventLines([scaled, scaled, mount], 'd-7-42')).toEqual([
      { warning: false, text: 'Deployment/d-7-42 ScalingReplicaSet: Scaled up' },
      { warning: true, text: 'Pod/...1-a FailedMount: no secret' },
    ]);
  });

  test('before the wait began are left out; the last occurrence counts (D42)', () => {
    const folded: FoundEvent = { firstTimestamp: time(1), lastTimestamp: time(9), reason: 'folded' };
    const series: FoundEvent = { firstTimestamp: time(1), series: { lastObservedTime: time(8) }, reason: 'series' };
    const old: FoundEvent = { eventTime: time(2), reason: 'old' };
    const created: FoundEvent = { metadata: { creationTimestamp: time(5) }, reason: 'created' };
    const since = Date.parse(time(5)) + 700;
    expect(eventsSince([folded, series, old, created], since).map(({ reason }) => reason)).toEqual([
      'created',
      'series',
      'folded',
    ]);
    expect(lastOccurrence({})).toBe(0);
  });

  test('the three most frequent warnings, no normal ones (D95)', () => {
    const warning = (reason: string, count: number): FoundEvent => ({ type: 'Warning', reason, count });
    const events = [
      warning('A', 1),
      warning('B', 4),
      warning('C', 2),
      warning('D', 3),
      { type: 'Normal', reason: 'N', count: 9 },
    ];
    expect(topWarnings(events)).toEqual([
      { reason: 'B', count: 4 },
      { reason: 'D', count: 3 },
      { reason: 'C', count: 2 },
    ]);
  });
});

const pod = (...containerStatuses: FoundContainer[]): FoundPod => ({ status: { containerStatuses } });
const waiting = (reason: string, fields: Partial<FoundContainer> = {}): FoundContainer => ({
  name: 'application',
  state: { waiting: { reason, message: `${reason} message` } },
  ...fields,
});
const counts = { desired: 5, launched: 5, ready: 1, available: 1, updated: 5 };
const known = { mainPort: 3000, healthPath: '/ready', memoryMi: 512, scope: 'prod' };
const explain = (pods: FoundPod[], events: FoundEvent[] = [], workload: Partial<typeof known> = known) =>
  explainInstances({ why: 'not ready after 600 s', counts, pods, events, workload });

describe('why instances are not ready', () => {
  test('an out-of-memory kill is not hidden by its back-off (D30, D84)', () => {
    const killed = waiting('CrashLoopBackOff', { lastState: { terminated: { reason: 'OOMKilled', exitCode: 137 } } });
    const failure = explain([pod(killed)]);
    expect(failure).toMatchObject({
      type: 'InstancesNotReady',
      details: { reason: 'OOMKilled', container: 'application', exitCode: 137, progress: counts },
    });
    expect(failure.message).toContain(
      'over its memory limit (512Mi) and was killed (container application, exit code 137)',
    );
    expect(failure.message).toContain('raise the memory limit');
    expect(failure.details).not.toHaveProperty('checklist');
    expect(explain([pod(killed)], [], {}).message).toContain('over its memory limit and was killed');
  });

  test.each([
    ['ImagePullBackOff', 'cannot be pulled', 'pull secrets'],
    ['ErrImagePull', 'cannot be pulled', 'tag'],
    ['CrashLoopBackOff', 'crashes again and again', 'start-up logs'],
    [
      'CreateContainerConfigError',
      'configuration of the container is invalid',
      'a Secret or ConfigMap that it names is missing',
    ],
    ['CreateContainerError', 'cannot be created', 'volumes'],
    ['RunContainerError', 'entrypoint failed', 'start command'],
    ['ContainerCannotRun', 'missing or not executable', 'rebuild the image'],
  ])('%s is told in its words, with advice and without an exit code (D85, D88)', (reason, said, advice) => {
    const failure = explain([pod(waiting(reason))]);
    expect(failure.message).toContain(said);
    expect(failure.message).toContain(advice);
    expect(failure.details).toMatchObject({ reason, message: `${reason} message` });
    expect(failure.details).not.toHaveProperty('exitCode');
    expect(failure.details).not.toHaveProperty('checklist');
  });

  test.each([
    ['FailedMount', 'volume cannot be mounted'],
    ['FailedAttachVolume', 'volume cannot be mounted'],
    ['FailedCreatePodSandBox', 'sandbox cannot be created'],
    ['FailedScheduling', 'no node has room'],
  ])('%s comes from events when no container says more (D86-D88)', (reason, said) => {
    const event: FoundEvent = { type: 'Warning', reason, message: 'in detail', count: 3 };
    const failure = explain(
      [pod({ name: 'application', state: { waiting: { reason: 'ContainerCreating' } } })],
      [event],
    );
    expect(failure.message).toContain(said);
    expect(failure.details).toMatchObject({ reason, message: 'in detail', warnings: [{ reason, count: 3 }] });
  });

  test.each([
    ['Get "http://10.0.0.9:3000/ready": connect: connection refused', 'binds 0.0.0.0:3000'],
    ['HTTP probe failed with statuscode: 502', "read the application's logs: /ready answers HTTP 502"],
    ['context deadline exceeded', 'allow more delay'],
    ['EOF', 'listen on port 3000 and answer /ready with 2xx'],
  ])('a failing probe with "%s" (D89, D90)', (text, advice) => {
    const failure = explain([], [unhealthy(`Readiness probe failed: ${text}`)]);
    expect(failure.message).toContain('the health check at /ready fails: Readiness probe');
    expect(failure.message).toContain(advice);
  });

  test('the latest probe message is the one that is explained', () => {
    const events = [unhealthy('Readiness probe failed: EOF'), unhealthy('Readiness probe failed: i/o timeout')];
    expect(explain([], events).message).toContain('request timed out');
  });

  test('a probe message that cannot be read is quoted (D91)', () => {
    expect(explain([], [unhealthy('the probe is sad')]).message).toContain(
      'the health check at /ready fails: the probe is sad',
    );
  });

  test('an unknown reason gives its name and the checklist (D94)', () => {
    const failure = explain([pod(waiting('Strange'))]);
    expect(failure.message).toContain('failing with reason Strange');
    expect(failure.details).toMatchObject({ reason: 'Strange', checklist: expect.any(Array) });
  });

  test('nothing known: the checklist with port, path, memory and scope (D83)', () => {
    const { message, details } = explain([]);
    expect(message).toContain('not ready in time');
    expect(message).toContain('1/5 ready');
    const checklist = String(details?.checklist);
    for (const word of ['port 3000', '/ready', '512Mi', 'scope prod']) expect(checklist).toContain(word);
  });

  test('nothing known of the workload either: path / (D93)', () => {
    expect(String(explain([], [], {}).details?.checklist)).toContain('it answers / with 2xx');
  });

  test('the most frequent reason wins, ties go by the table, completed containers never count', () => {
    const done: FoundContainer = { name: 'setup', state: { terminated: { reason: 'Completed', exitCode: 0 } } };
    const crash = waiting('CrashLoopBackOff');
    const image = waiting('ImagePullBackOff');
    expect(findCause([pod(crash), pod(crash, done), pod(image, done)], [])?.reason).toBe('CrashLoopBackOff');
    expect(findCause([pod(crash), pod(image)], [])?.reason).toBe('ImagePullBackOff');
    expect(findCause([pod(done)], [])).toBeUndefined();
  });

  test('a terminated container without a waiting reason tells its exit code', () => {
    const ended: FoundContainer = {
      name: 'application',
      state: { terminated: { reason: 'Error', exitCode: 3, message: 'boom' } },
    };
    expect(findCause([pod(ended)], [])).toEqual({
      reason: 'Error',
      container: 'application',
      exitCode: 3,
      message: 'boom',
    });
  });

  test.each([
    ['runs for the third time', { running: {} }, 2, true],
    ['has just ended for the second time', { terminated: { reason: 'Error', exitCode: 137 } }, 1, true],
    ['runs again after one end', { running: {} }, 1, false],
    ['has just ended for the first time', { terminated: { reason: 'Error', exitCode: 137 } }, 0, false],
  ] as const)('a container that %s between two waits for its restart', (_, state, restartCount, again) => {
    const lastState = restartCount > 0 ? { terminated: { reason: 'Error', exitCode: 137 } } : {};
    const failure = explain([pod({ name: 'application', state, lastState, restartCount })]);
    expect(failure.details).toMatchObject({ reason: 'Error', exitCode: 137 });
    expect(failure.message).toContain(
      again ? 'the container starts and crashes again and again (Error)' : 'failing with reason Error',
    );
    if (again) expect(failure.details?.advice).toBe('read its start-up logs');
  });
});
