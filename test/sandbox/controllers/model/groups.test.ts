import { describe, expect, test } from 'vitest';
import {
  finalizerOf,
  groupsByFinalizer,
  InvalidGroupName,
  loadGroup,
  wantedGroup,
} from '../../../../sandbox/controllers/load-balancer/groups.ts';
import { ingress } from './objects.ts';

const member = (name: string, annotations: Record<string, string>, namespace = 'shop') =>
  ingress({ name, namespace, annotations });

describe('the group of an Ingress', () => {
  test('is its group.name across namespaces, or itself', () => {
    expect(wantedGroup(member('a', { 'group.name': 'web' }), [])).toBe('web');
    expect(wantedGroup(member('a', {}), [])).toBe('shop/a');
  });

  test.each(['Web', 'my_web', '-web', 'web-', 'x'.repeat(64), ''])('refuses the name %j', (name) => {
    expect(() => wantedGroup(member('a', { 'group.name': name }), [])).toThrow(InvalidGroupName);
  });

  test('is none for another class or one that is being deleted', () => {
    const other = member('a', {});
    other.spec = { ...other.spec, ingressClassName: 'nginx' };
    expect(wantedGroup(other, [])).toBeUndefined();
    const going = member('a', {});
    going.metadata.deletionTimestamp = '2026-11-21T00:00:00Z';
    expect(wantedGroup(going, [])).toBeUndefined();
  });

  test('a class object decides by its controller', () => {
    const cls = (controller: string) => ({
      metadata: { name: 'alb', uid: 'c', resourceVersion: '1', creationTimestamp: '' },
      spec: { controller },
    });
    expect(wantedGroup(member('a', {}), [cls('ingress.k8s.aws/alb')])).toBe('shop/a');
    expect(wantedGroup(member('a', {}), [cls('example.com/other')])).toBeUndefined();
  });
});

test('members stand by group.order, then by namespace and name', () => {
  const members = [
    member('b', { 'group.name': 'web' }),
    member('z', { 'group.name': 'web', 'group.order': '-5' }),
    member('a', { 'group.name': 'web' }, 'zoo'),
    member('c', { 'group.name': 'other' }),
    member('a', { 'group.name': 'web' }),
  ];
  const names = loadGroup('web', members, []).members.map(({ metadata }) => `${metadata.namespace}/${metadata.name}`);
  expect(names).toEqual(['shop/z', 'shop/a', 'shop/b', 'zoo/a']);
});

test('an order beyond 1000 fails the group', () => {
  expect(() => loadGroup('web', [member('a', { 'group.name': 'web', 'group.order': '1001' })], [])).toThrow(
    '[-1000:1000]',
  );
});

test('an Ingress that moved on is leaving the group whose finalizer it has', () => {
  const moved = member('a', { 'group.name': 'new' });
  moved.metadata.finalizers = [finalizerOf('old'), 'foreign.example.com/x'];
  expect(groupsByFinalizer(moved)).toEqual(['old']);
  expect(loadGroup('old', [moved], [])).toMatchObject({ members: [], leaving: [moved] });
  expect(finalizerOf('shop/a')).toBe('ingress.k8s.aws/resources');
});
