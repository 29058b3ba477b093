import { describe, expect, test } from 'vitest';
import type { Deployment, ReplicaSet } from '../../../../sandbox/controllers/objects.ts';
import { deploymentStatus } from '../../../../sandbox/controllers/workloads/deployment-status.ts';
import { boundsOf, nextScale, templateHash } from '../../../../sandbox/controllers/workloads/rollout.ts';

const metadata = (name: string) => ({
  name,
  namespace: 'shop',
  uid: name,
  resourceVersion: '1',
  generation: 1,
  creationTimestamp: '2026-11-21T00:00:00Z',
});
const template = { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'web', image: 'web:1' }] } };

function deployment(
  replicas: number,
  more: Partial<NonNullable<Deployment['spec']>> = {},
  status: Deployment['status'] = {},
): Deployment {
  return {
    metadata: metadata('web'),
    spec: { replicas, selector: { matchLabels: { app: 'web' } }, template, ...more },
    status,
  };
}

const set = (name: string, desired: number, available = desired, present = desired): ReplicaSet => ({
  metadata: metadata(name),
  spec: { replicas: desired, selector: {} },
  status: { replicas: present, readyReplicas: available, availableReplicas: available },
});

describe('bounds', () => {
  test.each([
    [10, {}, { maxSurge: 3, maxUnavailable: 2 }],
    [3, { maxSurge: 1, maxUnavailable: 0 }, { maxSurge: 1, maxUnavailable: 0 }],
    [4, { maxSurge: '0%', maxUnavailable: '10%' }, { maxSurge: 0, maxUnavailable: 1 }],
    [1, {}, { maxSurge: 1, maxUnavailable: 0 }],
  ])('of %i replicas with %j are %j', (replicas, rollingUpdate, bounds) => {
    expect(boundsOf(deployment(replicas, { strategy: { type: 'RollingUpdate', rollingUpdate } }))).toEqual(bounds);
  });
});

describe('the next scale', () => {
  const strategy = { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } };
  const next = (replicas: number, current: ReplicaSet, ...old: ReplicaSet[]) =>
    Object.fromEntries(nextScale(deployment(replicas, { strategy }), current, [...old, current]));

  test('starts everything when there is nothing old', () => {
    expect(next(3, set('new', 0))).toEqual({ new: 3 });
  });
  test('grows by the surge only', () => {
    expect(next(3, set('new', 0), set('old', 3))).toEqual({ new: 1 });
  });
  test('waits for the new Pod to be available', () => {
    expect(next(3, set('new', 1, 0), set('old', 3))).toEqual({});
  });
  test('takes an old one away for an available new one', () => {
    expect(next(3, set('new', 1), set('old', 3))).toEqual({ old: 2 });
  });
  test('takes broken old Pods away first', () => {
    expect(next(3, set('new', 1), set('broken', 1, 0), set('old', 2))).toEqual({ broken: 0 });
  });
  test('ends with nothing to do', () => {
    expect(next(3, set('new', 3), set('old', 0))).toEqual({});
  });
  test('shrinks the current set when the count falls', () => {
    expect(next(2, set('new', 3))).toEqual({ new: 2 });
  });
  test('Recreate waits until the old Pods are gone', () => {
    const recreate = deployment(3, { strategy: { type: 'Recreate' } });
    const scale = (...old: ReplicaSet[]) => Object.fromEntries(nextScale(recreate, set('new', 0), old));
    expect(scale(set('old', 3))).toEqual({ old: 0 });
    expect(scale(set('old', 0, 0, 2))).toEqual({});
    expect(scale(set('old', 0))).toEqual({ new: 3 });
  });
});

describe('the status', () => {
  const now = new Date('2026-11-21T12:00:00Z');
  const status = (before: Deployment, current: ReplicaSet, deadlinePassed = false) =>
    deploymentStatus({ deployment: before, current, own: [current], now, deadlinePassed });
  const condition = (result: ReturnType<typeof status>, type: string) =>
    result.status.conditions?.find((found) => found.type === type);

  test('is complete when every Pod is updated and available', () => {
    const result = status(deployment(3), set('new', 3));
    expect(condition(result, 'Progressing')).toMatchObject({ status: 'True', reason: 'NewReplicaSetAvailable' });
    expect(condition(result, 'Available')).toMatchObject({ status: 'True', reason: 'MinimumReplicasAvailable' });
    expect(result.underWay).toBe(false);
  });

  test('fails at the deadline, and heals when progress resumes', () => {
    const waiting = deployment(3, {}, status(deployment(3), set('new', 3, 1)).status);
    const failed = status(waiting, set('new', 3, 1), true);
    expect(condition(failed, 'Progressing')).toMatchObject({ status: 'False', reason: 'ProgressDeadlineExceeded' });
    const healed = status(deployment(3, {}, failed.status), set('new', 3, 2), true);
    expect(condition(healed, 'Progressing')).toMatchObject({ status: 'True', reason: 'ReplicaSetUpdated' });
  });

  test('never fails after a completed rollout', () => {
    const complete = deployment(3, {}, status(deployment(3), set('new', 3)).status);
    expect(condition(status(complete, set('new', 3, 0), true), 'Progressing')).toMatchObject({
      reason: 'NewReplicaSetAvailable',
    });
    expect(condition(status(complete, set('new', 3, 0), true), 'Available')).toMatchObject({ status: 'False' });
  });
});

test('the hash follows the template alone', () => {
  const hash = templateHash(template, 0);
  const labelled = { ...template, metadata: { labels: { 'pod-template-hash': 'x', app: 'web' } } };
  expect(hash).toMatch(/^[a-z0-9]{10}$/);
  expect(templateHash(labelled, 0)).toBe(hash);
  expect(templateHash({ ...template, spec: { containers: [{ name: 'web', image: 'web:2' }] } }, 0)).not.toBe(hash);
  expect(templateHash(template, 1)).not.toBe(hash);
});
