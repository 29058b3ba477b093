import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { workshopLabels } from '../../../contract/workshop/objects.ts';
import type { AutoscalerState } from '../../../contract/workshop/state.ts';
import { readConfig } from '../../../domain/workshop/config.ts';
import { decide, explain } from '../../../domain/workshop/decide.ts';
import { readObservation } from '../../../domain/workshop/observation.ts';
import { countWritten, endOperation, reviewOperation, startOperation } from '../../../domain/workshop/operation.ts';
import { bounded, newState, remember } from '../../../domain/workshop/state.ts';
import {
  type ClaimKind,
  claim,
  decideAbout,
  decideOn,
  NOW,
  observe,
  rawObjects,
  seatsFor,
  taken,
  timings,
} from './build.ts';

const kinds: ClaimKind[] = ['active', 'failed', 'provisioning', 'pending', 'empty', 'stop-failed'];

const config = fc.record(
  {
    enabled: fc.constant(true),
    threshold: fc.double({ min: 0.01, max: 1, noNaN: true }),
    scaleFactor: fc.double({ min: 1, max: 5, noNaN: true }),
    maxProvisions: fc.integer({ min: 1, max: 150 }),
    strategy: fc.constantFrom('ratio', 'headroom', 'target'),
    scope: fc.constantFrom('workshop', 'provision'),
    minAvailable: fc.integer({ min: 1, max: 30 }),
    maxStep: fc.integer({ min: 1, max: 20 }),
    scaleFromZero: fc.boolean(),
  },
  { requiredKeys: ['enabled', 'minAvailable'] },
);

const anything = fc.record({
  enabled: fc.anything(),
  threshold: fc.anything(),
  scaleFactor: fc.anything(),
  maxProvisions: fc.anything(),
  scaleDown: fc.anything(),
});

const claims = fc.dictionary(fc.constantFrom(...kinds), fc.integer({ min: 0, max: 12 }));

const situation = fc.record({
  count: fc.integer({ min: 0, max: 120 }),
  claims,
  assigned: fc.integer({ min: 0, max: 40 }),
  seatsPerClaim: fc.integer({ min: 1, max: 4 }),
});

describe('invariants', () => {
  test('1 decide is total: it never throws, and never says a number that is none', () => {
    const wild = fc.record({
      lifespanEnd: fc.string(),
      count: fc.anything(),
      autoScaling: fc.oneof(anything, fc.anything()),
    });
    fc.assert(
      fc.property(situation, wild, ({ count, ...given }, { autoScaling, lifespanEnd, count: wildCount }) => {
        const objects = rawObjects({ ...given, count, autoScaling });
        const spec = { workshopName: 'ws', count: wildCount as number, lifespan: { end: lifespanEnd } };
        const observation = readObservation({ ...objects, provision: { ...objects.provision, spec } });
        const decision = decideOn(observation);
        expect(JSON.stringify(decision)).toBe(JSON.stringify(decideOn(observation)));
        for (const value of Object.values(decision.inputs))
          if (typeof value === 'number') expect(value).toSatisfy(Number.isFinite);
        expect(decision.target ?? 0).toSatisfy(Number.isSafeInteger);
      }),
    );
  });

  test('1 a target is above the count and at most the cap', () => {
    fc.assert(
      fc.property(situation, config, (given, autoScaling) => {
        const decision = decideAbout({ ...given, autoScaling });
        if (decision.action !== 'scaleUp') return;
        expect(decision.target).toBeGreaterThan(given.count);
        expect(decision.target).toBeLessThanOrEqual(decision.inputs.cap ?? 0);
      }),
    );
  });

  test('1 more assigned seats never lower the target', () => {
    fc.assert(
      fc.property(situation, config, fc.integer({ min: 1, max: 10 }), (given, autoScaling, more) => {
        const target = (assigned: number) => {
          const decision = decideAbout({ ...given, autoScaling, assigned });
          return decision.action === 'scaleUp' ? (decision.target ?? 0) : given.count;
        };
        expect(target(given.assigned + more)).toBeGreaterThanOrEqual(target(given.assigned));
      }),
    );
  });

  test('the explanation stops where the decision does', () => {
    fc.assert(
      fc.property(situation, config, (given, autoScaling) => {
        const observation = observe({ ...given, autoScaling });
        const reading = readConfig(autoScaling);
        const decision = decide(observation, reading, newState(), NOW, timings);
        const { checks } = explain(observation, reading, newState(), NOW, timings);
        const stopped = checks.find(({ outcome }) => outcome === 'stopped');
        if (decision.action === 'none') expect(stopped?.reasons).toContain(decision.reason);
        else expect(stopped).toBeUndefined();
      }),
    );
  });

  test('2 6 R2 R6 constant load: one step per settled operation, then the count stays', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 60 }),
        fc.integer({ min: 0, max: 120 }),
        fc.constantFrom('ratio', 'target', 'headroom'),
        (start, users, strategy) => {
          const autoScaling = { enabled: true, strategy, minAvailable: 3 };
          const reading = readConfig(autoScaling);
          const settings = reading.kind === 'valid' ? reading.config : undefined;
          let [state, count, now, writes]: [AutoscalerState, number, number, number] = [newState(), start, NOW, 0];
          for (let round = 0; round < 40; round++) {
            const before = { count, assigned: Math.min(users, count), autoScaling };
            const decision = decideOn(observe(before), state, now);
            if (decision.action !== 'scaleUp') break;
            state = countWritten(startOperation(decision, observe(before), state, '07d3e5b1', now, timings), now);
            writes++;
            const during = {
              count: decision.target ?? 0,
              claims: { active: count },
              assigned: before.assigned,
              autoScaling,
            };
            expect(decideOn(observe(during), state, now).reason).toBe('OperationActive');
            count = decision.target ?? count;
            if (!state.operation) throw new Error('no operation');
            const settled = reviewOperation(state.operation, observe({ ...before, count }), reading, now);
            expect(settled).toMatchObject({ verdict: 'end', result: 'Succeeded' });
            state = endOperation(state, 'Succeeded', now, settings, timings);
            expect(decideOn(observe({ count, assigned: count, autoScaling }), state, now).action).toBe('none');
            now += 120_000;
          }
          expect(writes).toBeLessThan(40);
          expect(state.epoch).toBe(writes);
          expect(decideOn(observe({ count, assigned: Math.min(users, count), autoScaling }), state, now).action).toBe(
            'none',
          );
        },
      ),
      { numRuns: 30 },
    );
  });

  test('5 paused, disabled, ignored and gone never act', () => {
    const off = fc.constantFrom(
      { provisionMeta: { name: 'lab', labels: { [workshopLabels.ignore]: '' } } },
      { autoScaling: { enabled: false } },
      { workshopMeta: { name: 'ws', deletionTimestamp: new Date(NOW).toISOString() } },
    );
    fc.assert(
      fc.property(situation, config, off, (given, autoScaling, turned) => {
        expect(decideAbout({ ...given, autoScaling, ...turned }).action).toBe('none');
        const paused = { ...newState(), pause: { reason: 'x', since: NOW } };
        expect(decideAbout({ ...given, autoScaling }, paused).action).toBe('none');
      }),
    );
  });

  test('7 the carried state stays below 20 KB', () => {
    const looks = fc.array(
      fc.record({ given: situation, autoScaling: config, seconds: fc.integer({ min: 0, max: 900 }) }),
      {
        minLength: 60,
        maxLength: 120,
        size: 'max',
      },
    );
    fc.assert(
      fc.property(looks, (steps) => {
        let [state, now]: [AutoscalerState, number] = [newState(), NOW];
        for (const { given, autoScaling, seconds } of steps) {
          now += seconds * 1000;
          const observation = observe({ ...given, autoScaling: { ...autoScaling, stabilizationSeconds: 100_000 } });
          state = remember(state, observation, decideOn(observation, state, now), now, '07d3e5b1');
        }
        expect(JSON.stringify(state).length).toBeLessThan(20_000);
        expect(bounded(state)).toEqual(state);
      }),
      { numRuns: 15 },
    );
  });

  test('8 what scale-down leaves is below the threshold of growth', () => {
    const scaleDown = { enabled: true, threshold: 0.005, delaySeconds: 0 };
    fc.assert(
      fc.property(
        config,
        fc.integer({ min: 1, max: 100 }),
        fc.integer({ min: 0, max: 300 }),
        fc.integer({ min: 1, max: 4 }),
        fc.double({ min: 0.005, max: 0.99, noNaN: true }),
        (autoScaling, count, assigned, seatsPerClaim, share) => {
          const threshold = (autoScaling.threshold ?? 0.8) * share;
          const given = {
            count,
            assigned,
            seatsPerClaim,
            autoScaling: { ...autoScaling, scaleDown: { ...scaleDown, threshold } },
          };
          const decision = decideAbout(given);
          if (decision.action !== 'scaleDown' || decision.target === undefined) return;
          expect(decision.target).toBeLessThan(count);
          expect(decision.target * seatsPerClaim).toBeGreaterThanOrEqual(Math.min(assigned, count * seatsPerClaim));
          expect(decideAbout({ ...given, count: decision.target }).action).not.toBe('scaleUp');
        },
      ),
    );
  });

  test('9 seats are counted as a naive join counts them', () => {
    const one = fc.record({
      kind: fc.constantFrom(...kinds),
      provision: fc.constantFrom('lab', 'other', undefined),
      deleting: fc.boolean(),
      seats: fc.array(fc.boolean(), { maxLength: 4 }),
    });
    fc.assert(
      fc.property(fc.array(one, { maxLength: 15 }), fc.nat(3), (given, orphans) => {
        const built = given.map((made, index) => {
          const of = claim(`claim-${index}`, made.kind, made.provision ?? '');
          if (made.provision === undefined) delete of.metadata?.labels?.[workshopLabels.provision];
          if (made.deleting && of.metadata) of.metadata.deletionTimestamp = new Date(NOW).toISOString();
          const seats = seatsFor(of, made.seats.length).map((seat, place) => (made.seats[place] ? taken(seat) : seat));
          return { made, of, seats };
        });
        const lost = seatsFor(claim('lost', 'active'), orphans).map(taken);
        const { seats } = readObservation({
          ...rawObjects({ count: 1, claims: {} }),
          claims: built.map(({ of }) => of),
          seats: [...lost, ...built.flatMap((entry) => entry.seats)],
        });
        const naive = (wanted: (provision: string | undefined) => boolean) => {
          const flags = given
            .filter(({ deleting, provision }) => !deleting && wanted(provision))
            .flatMap((made) => made.seats);
          return { total: flags.length, assigned: flags.filter(Boolean).length };
        };
        expect(seats).toEqual({ workshop: naive(() => true), provision: naive((provision) => provision === 'lab') });
      }),
    );
  });
});

test('W39 E39 the observation of 1 200 seats stays small and exact', () => {
  const observation = observe({ count: 1200, assigned: 801, claims: { active: 1100, failed: 100 } });
  expect(observation.seats.workshop).toEqual({ total: 1100, assigned: 801 });
  expect(observation.claims.failed).toMatchObject({ count: 100, names: expect.arrayContaining(['lab-failed-000']) });
  expect(JSON.stringify(observation).length).toBeLessThan(6000);
});
