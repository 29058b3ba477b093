import { describe, expect, test } from 'vitest';
import {
  deploymentIdsOf,
  type FoundObject,
  inventory,
  isGone,
  removalTimeout,
  sideSelector,
  united,
} from '../../../domain/deployment/removal.ts';
import { judgeRestart, type Owned } from '../../../domain/deployment/restart.ts';

const object = (
  kind: string,
  name: string,
  labels: Record<string, string> = { scope_id: '7', deployment_id: '41' },
): FoundObject => ({
  apiVersion: 'v1',
  kind,
  metadata: { name, namespace: 'shop', uid: `uid-${name}`, labels },
});

describe('what is removed', () => {
  test('is what carries the labels of the side, in an order in which nothing dangles (D73-D75)', () => {
    const found = [
      object('Deployment', 'd-7-41'),
      object('PodDisruptionBudget', 'pdb-d-7-41'),
      object('Service', 'd-7-41'),
      object('HorizontalPodAutoscaler', 'hpa-d-7-41'),
      object('Service', 'd-7-42', { scope_id: '7', deployment_id: '42' }),
      object('Service', 'd-8-41', { scope_id: '8', deployment_id: '41' }),
      object('Secret', 's-7-d-41'),
      object('Ingress', 'k-8-s-prod-7', { scope_id: '7' }),
    ];
    expect(inventory('7', ['41'], found).map(({ kind, name }) => `${kind} ${name}`)).toEqual([
      'Service d-7-41',
      'HorizontalPodAutoscaler hpa-d-7-41',
      'PodDisruptionBudget pdb-d-7-41',
      'Deployment d-7-41',
    ]);
    expect(deploymentIdsOf('7', found)).toEqual(['41', '42']);
  });

  test('is found by labels', () => {
    expect([sideSelector('7', '41'), sideSelector('7')]).toEqual([
      'scope_id=7,deployment_id=41',
      'scope_id=7,deployment_id',
    ]);
  });

  test('is what any look found, each object once', () => {
    const items = inventory('7', ['41'], [object('Service', 'd-7-41'), object('Deployment', 'd-7-41-x')]);
    const [first] = items;
    if (!first) throw new Error('no item');
    const anew = { ...first, uid: 'another' };
    expect(united([], items)).toEqual(items);
    expect(united([first], items)).toEqual(items);
    expect(united(items, [])).toEqual(items);
    expect(united([first], [anew])).toEqual([first, anew]);
  });

  test('is gone when it is absent or another object has its name', () => {
    const [item] = inventory('7', ['41'], [object('Service', 'd-7-41')]);
    if (!item) throw new Error('no item');
    expect(isGone(item, undefined)).toBe(true);
    expect(isGone(item, { metadata: { uid: 'another' } })).toBe(true);
    expect(isGone(item, object('Service', 'd-7-41'))).toBe(false);
  });

  test('what stays is named with its finalizers, which are not touched (D78)', () => {
    const item = { apiVersion: 'v1', kind: 'Ingress', namespace: 'shop', name: 'k', uid: 'u' };
    const live = { metadata: { finalizers: ['group.ingress.k8s.aws/alb'] } };
    expect(removalTimeout([{ item, live }], 300, 'AccessDenied')).toMatchObject({
      type: 'RemovalTimeout',
      message: expect.stringContaining(
        'Ingress shop/k (finalizers: group.ingress.k8s.aws/alb). Its controller said last: AccessDenied',
      ),
      details: { objects: [{ object: 'Ingress shop/k', finalizers: ['group.ingress.k8s.aws/alb'] }] },
    });
  });
});

describe('an instance may be restarted', () => {
  const ask = { scopeId: '7', deploymentId: '42', instanceId: 'd-7-42-66f-abcde' };
  const labels = { scope_id: '7', deployment_id: '42' };
  const owned = (kind: string, name: string, uid: string, more: Record<string, string> = labels): Owned => ({
    metadata: { name: 'x', uid: 'mine', labels: more, ownerReferences: [{ kind, name, uid }] },
  });
  const replicaSet: Owned = {
    metadata: { uid: 'rs', ownerReferences: [{ kind: 'Deployment', name: 'd-7-42', uid: 'd' }] },
  };
  const type = (pod?: Owned, owner?: Owned) => {
    const verdict = judgeRestart(ask, pod, owner);
    return verdict.ok ? `ok ${verdict.uid}` : verdict.failure.type;
  };

  test('when labels and owners say that it is of this deployment (D99)', () => {
    expect(type(owned('ReplicaSet', 'd-7-42-66f', 'rs'), replicaSet)).toBe('ok mine');
  });

  test('when it exists (D99)', () => {
    expect(type(undefined)).toBe('InstanceMissing');
  });

  test.each([
    ['another scope', owned('ReplicaSet', 'r', 'rs', { scope_id: '8', deployment_id: '42' }), replicaSet],
    ['another deployment', owned('ReplicaSet', 'r', 'rs', { scope_id: '7', deployment_id: '41' }), replicaSet],
    ['no ReplicaSet', owned('Job', 'j', 'rs'), replicaSet],
    ['a ReplicaSet that is another one now', owned('ReplicaSet', 'r', 'old'), replicaSet],
    ['a ReplicaSet that is gone', owned('ReplicaSet', 'r', 'rs'), undefined],
    [
      'the ReplicaSet of something else',
      owned('ReplicaSet', 'r', 'rs'),
      { metadata: { uid: 'rs', ownerReferences: [{ kind: 'Deployment', name: 'd-7-4', uid: 'd' }] } },
    ],
  ])('not when it is of %s (D100)', (_, pod, owner) => {
    expect(type(pod, owner)).toBe('NotThisScopesInstance');
  });
});
