import { describe, expect, test } from 'vitest';
import { workshopLabels } from '../../../contract/workshop/objects.ts';
import { readConfig } from '../../../domain/workshop/config.ts';
import { readObservation } from '../../../domain/workshop/observation.ts';
import { countWritten, reviewOperation, startOperation, survivors } from '../../../domain/workshop/operation.ts';
import { noteSaved } from '../../../domain/workshop/scale-down.ts';
import { newState, remember } from '../../../domain/workshop/state.ts';
import {
  at,
  claim,
  decideAbout,
  decideOn,
  lookAlong,
  NOW,
  observe,
  operationAnnotation,
  rawObjects,
  type Situation,
  seatsFor,
  taken,
  timings,
} from './build.ts';

const autoScaling = { enabled: true, scaleDown: { enabled: true, threshold: 0.5, delaySeconds: 600 } };
const calm: Situation = { count: 20, assigned: 5, autoScaling };
const since = (lowSince: number) => ({ ...newState(), lowSince });
const long = since(NOW - 600_000);

describe('scale-down', () => {
  test('W74 off: never', () => {
    const off = { count: 20, assigned: 1 };
    expect(decideAbout(off, long)).toMatchObject({ action: 'none', reason: 'BelowThreshold' });
  });

  test('W75 on: to what stays below the threshold of growth, when the delay has passed', () => {
    expect(decideAbout(calm, long)).toMatchObject({ action: 'scaleDown', reason: 'ScaleDown', target: 7 });
    expect(decideAbout(calm, since(NOW - 599_000))).toMatchObject({ reason: 'BelowThreshold', until: at(1) });
    expect(decideAbout(calm)).toMatchObject({ reason: 'BelowThreshold', until: at(600) });
  });

  test.each<[string, Situation, number]>([
    ['minProvisions', { ...calm, autoScaling: { ...autoScaling, minProvisions: 12 } }, 12],
    ['maxStep', { ...calm, autoScaling: { ...autoScaling, maxStep: 3 } }, 17],
    ['nobody there: one remains', { ...calm, assigned: 0 }, 1],
    [
      'headroom keeps its free seats',
      { ...calm, autoScaling: { ...autoScaling, strategy: 'headroom', minAvailable: 4 } },
      9,
    ],
    ['claims of twenty', { count: 10, assigned: 40, seatsPerClaim: 20, autoScaling }, 3],
  ])('%s', (_, situation, target) => {
    expect(decideAbout(situation, long)).toMatchObject({ action: 'scaleDown', target });
  });

  test.each<[string, Situation]>([
    ['W42 a locked workshop', { ...calm, workshopMeta: { name: 'ws', labels: { [workshopLabels.lock]: 'true' } } }],
    ['a claim under way', { ...calm, claims: { active: 19, provisioning: 1 } }],
    ['an open breaker', { ...calm, claims: { active: 8, failed: 12 } }],
    ['more than half taken', { ...calm, assigned: 11 }],
  ])('not with %s', (_, situation) => {
    expect(decideAbout(situation, long).action).toBe('none');
  });

  test('E27 not within the delay after growth', () => {
    expect(decideAbout(calm, { ...long, lastGrowthAt: NOW - 599_000 }).until).toBe(at(1));
  });

  test('its clock starts with the first low look and a busy one stops it', () => {
    const observation = observe(calm);
    const low = remember(newState(), observation, decideOn(observation), NOW, '00000000');
    expect(low.lowSince).toBe(NOW);
    const later = decideOn(observation, low, NOW + 5000);
    expect(remember(low, observation, later, NOW + 5000, '00000000').lowSince).toBe(NOW);
    const busy = observe({ ...calm, assigned: 11 });
    expect(remember(low, busy, decideOn(busy, low), NOW, '00000000').lowSince).toBeUndefined();
  });
});

describe('section 6: growth by a person is given the same time as ours', () => {
  const quiet = { ...autoScaling, minProvisions: 5 };
  const prepared = (count: number, claims: Situation['claims']): Situation => ({
    ...{ count, assigned: 1, autoScaling: quiet, ...(claims ? { claims } : {}) },
  });
  const delayed = [
    { action: 'none', until: at(9600) },
    { action: 'none', until: at(9600) },
    { action: 'scaleDown', target: 5 },
  ];
  const [five, twenty] = [prepared(5, undefined), prepared(20, undefined)];

  test('from when its claims are complete', () => {
    const { decisions } = lookAlong([
      [0, five],
      [7200, five],
      [7202, prepared(20, { active: 5 })],
      [8000, prepared(20, { active: 5, provisioning: 15 })],
      [9000, twenty],
      [9599, twenty],
      [9600, twenty],
    ]);
    expect(decisions.slice(-3)).toMatchObject(delayed);
  });

  test('from the first look at it, when nobody looked before its claims were complete', () => {
    const { decisions } = lookAlong([
      [0, five],
      [7200, five],
      [9000, twenty],
      [9599, twenty],
      [9600, twenty],
    ]);
    expect(decisions.slice(-3)).toMatchObject(delayed);
  });
});

describe('the removal', () => {
  const before = observe(calm);
  const started = startOperation(decideOn(before, long), before, long, '07d3e5b1', NOW, timings);
  const operation = countWritten(started, NOW).operation;
  if (!operation) throw new Error('no operation');
  const review = (objects: ReturnType<typeof rawObjects>, now = NOW, reviewed = operation) =>
    reviewOperation(reviewed, readObservation(objects), readConfig(autoScaling), now);

  test('takes failed claims first, then the oldest without an assigned seat', () => {
    const objects = rawObjects({ ...calm, count: 7, claims: {} });
    const claims = [
      claim('taken', 'active', 'lab', at(-9000)),
      claim('young', 'active', 'lab', at(-100)),
      claim('old', 'active', 'lab', at(-8000)),
      claim('broken', 'failed', 'lab', at(-50)),
    ];
    const seats = claims.flatMap((of) =>
      of.metadata?.name === 'taken' ? seatsFor(of, 1).map(taken) : seatsFor(of, 1),
    );
    const { removable } = readObservation({ ...objects, claims, seats }).claims;
    expect(removable.map(({ name }) => name)).toEqual(['broken', 'old', 'young']);
    expect(removable[1]?.seats).toEqual([{ name: 'old-seat-1', uid: 'old-seat-1-uid', resourceVersion: '5' }]);
  });

  test('goes on one at a time until live claims are down to the count', () => {
    expect(review(rawObjects({ ...calm, count: 7, claims: { active: 8 } }))).toMatchObject({
      verdict: 'remove',
      claim: { name: 'lab-active-005' },
    });
    expect(review(rawObjects({ ...calm, count: 7, claims: { active: 7 } }))).toMatchObject({ result: 'Succeeded' });
  });

  test('a claim that a deletion left alone comes after the others, each of them in its turn', () => {
    const objects = rawObjects({ ...calm, count: 7, claims: { active: 10 }, assigned: 7 });
    const observation = readObservation(objects);
    const left = observation.claims.removable;
    expect(left).toHaveLength(3);
    const tried: (string | undefined)[] = [];
    let reviewed = operation;
    for (let turn = 0; turn < 7; turn++) {
      const found = review(objects, NOW, reviewed);
      if (found.verdict !== 'remove') throw new Error(found.verdict);
      tried.push(found.claim.name);
      reviewed = noteSaved(found.operation, observation, found.claim);
      expect(reviewed.saved?.length).toBeLessThan(left.length);
    }
    const names = left.map(({ name }) => name);
    expect(tried).toEqual([...names, ...names, names[0]]);
  });

  test('what was saved and is not to be removed any more is forgotten', () => {
    const observation = readObservation(rawObjects({ ...calm, count: 7, claims: { active: 10 }, assigned: 7 }));
    const [claim] = observation.claims.removable;
    if (!claim) throw new Error('nothing to remove');
    expect(noteSaved({ ...operation, saved: ['gone'] }, observation, claim).saved).toEqual([claim.uid]);
  });

  test('W76 a claim whose seat was taken meanwhile survives, and the count is raised to it', () => {
    const taken = rawObjects({ ...calm, count: 7, claims: { active: 9 }, assigned: 9 });
    expect(review(taken)).toMatchObject({ verdict: 'raise', count: 9 });
  });

  test('a person who changes the count stops it', () => {
    for (const count of [6, 8]) {
      const objects = rawObjects({ ...calm, count, claims: { active: 20 } });
      expect(review(objects)).toMatchObject({ verdict: 'end', result: 'Superseded' });
    }
  });

  const ours = (situation: Situation, id = operation.id) =>
    rawObjects({ ...calm, ...situation, provisionMeta: { name: 'lab', annotations: operationAnnotation(id) } });

  test('section 6: out of time it raises the count to the claims that are left, and then it has timed out', () => {
    const late = operation.progressAt + operation.timeoutSeconds * 1000;
    expect(review(ours({ count: 7, claims: { active: 20 } }), late)).toMatchObject({ verdict: 'raise', count: 20 });
    const raised = { ...operation, target: 20 };
    expect(review(ours({ count: 20, claims: { active: 20 } }), late, raised)).toMatchObject({ result: 'TimedOut' });
  });

  test('a raise whose answer was lost is recognised, and another count is a person', () => {
    const seen = { count: 9, claims: { active: 9 }, assigned: 9 };
    expect(review(ours(seen))).toMatchObject({ verdict: 'end', result: 'Succeeded' });
    expect(review(ours(seen, '5-00000000'))).toMatchObject({ result: 'Superseded' });
    expect(review(ours({ ...seen, count: 8 }))).toMatchObject({ result: 'Superseded' });
  });

  test('section 6: cancelled, the claims that are left are counted again: not before the count is lowered, nor after others', () => {
    const left = (objects: ReturnType<typeof rawObjects>, raw: unknown = autoScaling) =>
      survivors(operation, readObservation(objects), readConfig(raw));
    expect(left(ours({ count: 7, claims: { active: 12 } }))).toBe(12);
    expect(left(ours({ count: 7, claims: { active: 7 } }))).toBeUndefined();
    expect(left(ours({ count: 20, claims: { active: 20 } }, '3-00000000'))).toBeUndefined();
    expect(left(ours({ count: 6, claims: { active: 12 } }))).toBeUndefined();
    // Invariant 5: disabled, nothing is written to spec.
    expect(left(ours({ count: 7, claims: { active: 12 } }), { enabled: false })).toBeUndefined();
  });

  test('never in a workshop that was locked meanwhile', () => {
    const workshopMeta = { name: 'ws', labels: { [workshopLabels.lock]: 'true' } };
    expect(review(rawObjects({ ...calm, count: 7, claims: { active: 20 }, workshopMeta }))).toMatchObject({
      verdict: 'raise',
      count: 20,
    });
  });
});
