import { expect, test } from 'vitest';
import type { ProvisionFacts, WorkshopFacts } from '../../../domain/workshop/observation.ts';
import {
  clearPatch,
  countPatch,
  flagPatch,
  isWritten,
  readAnswer,
  workshopConditionsPatch,
} from '../../../domain/workshop/patches.ts';
import { observe, operationAnnotation, type Situation } from './build.ts';

const OPERATION = '/metadata/annotations/babylon.gpte.redhat.com~1autoscaling-operation';
const keys = { autoScaling: { operationId: '4-07d3e5b1' }, assignedCount: 8 };
const uid = { op: 'test', path: '/metadata/uid', value: 'provision-uid' };
const write = { from: 10, target: 15, fence: '3-9f1c22ab', operationId: '4-07d3e5b1' };

function provision(situation: Partial<Situation> = {}): ProvisionFacts {
  const facts = observe({ count: 10, ...situation }).provision;
  if (!facts) throw new Error('no provision');
  return facts;
}

test('R1 R9 W81 the count write tests uid, count and annotation, and touches nothing else', () => {
  const annotated = provision({
    provisionMeta: { name: 'lab', uid: 'provision-uid', annotations: operationAnnotation('3-9f1c22ab') },
  });
  expect(countPatch(annotated, write)).toEqual([
    uid,
    { op: 'test', path: '/spec/count', value: 10 },
    { op: 'test', path: OPERATION, value: '3-9f1c22ab' },
    { op: 'replace', path: '/spec/count', value: 15 },
    { op: 'add', path: OPERATION, value: '4-07d3e5b1' },
  ]);
  expect(countPatch(provision(), { ...write, fence: null }).slice(2)).toEqual([
    { op: 'test', path: '/metadata/annotations', value: null },
    { op: 'replace', path: '/spec/count', value: 15 },
    { op: 'add', path: '/metadata/annotations', value: operationAnnotation('4-07d3e5b1') },
  ]);
});

test('W85 the flag is set with a test of the uid, with and without a status', () => {
  expect(flagPatch(provision({ status: { assignedCount: 1 } }), keys)).toEqual([
    uid,
    { op: 'add', path: '/status/autoScalingActive', value: true },
    { op: 'add', path: '/status/autoScaling', value: keys.autoScaling },
    { op: 'add', path: '/status/assignedCount', value: 8 },
  ]);
  expect(flagPatch(provision(), keys)).toEqual([
    uid,
    { op: 'test', path: '/status', value: null },
    { op: 'add', path: '/status', value: { autoScalingActive: true, ...keys } },
  ]);
});

test('the flag is removed only where it was seen', () => {
  const removal = { op: 'remove', path: '/status/autoScalingActive' };
  expect(clearPatch(provision({ status: { autoScalingActive: true } }), keys)).toContainEqual(removal);
  expect(clearPatch(provision({ status: {} }), keys)).not.toContainEqual(removal);
});

test('conditions of the workshop fit into any status', () => {
  const facts = (more: object) => ({ uid: 'w', ...more }) as WorkshopFacts;
  const last = (more: object) => workshopConditionsPatch(facts(more), []).at(-1);
  expect(last({})).toEqual({ op: 'add', path: '/status', value: { autoScaling: { conditions: [] } } });
  expect(last({ hasStatus: true })).toEqual({ op: 'add', path: '/status/autoScaling', value: { conditions: [] } });
  expect(last({ hasStatus: true, hasAutoScalingStatus: true })).toEqual({
    op: 'add',
    path: '/status/autoScaling/conditions',
    value: [],
  });
});

test.each([
  [200, false, 'Applied'],
  [422, false, 'Conflict'],
  [422, true, 'Invalid'],
  [409, false, 'Conflict'],
  [404, false, 'Gone'],
  [403, false, 'Denied'],
  [401, false, 'Denied'],
  [429, false, 'Retry'],
  [500, false, 'Retry'],
])('W44 an answer of %d (causes: %s) means %s', (status, causes, meaning) => {
  expect(readAnswer(status, causes)).toBe(meaning);
});

test('W49 a lost answer is success when count and annotation are ours', () => {
  const observation = (count: number, id: string) =>
    observe({ count, provisionMeta: { name: 'lab', annotations: operationAnnotation(id) } });
  expect(isWritten(observation(15, '4-07d3e5b1'), write)).toBe(true);
  expect(isWritten(observation(15, '3-9f1c22ab'), write)).toBe(false);
  expect(isWritten(observation(10, '4-07d3e5b1'), write)).toBe(false);
});
