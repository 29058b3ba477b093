import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  type Candidate,
  effectiveLoad,
  type LivePlacement,
  type Observation,
  placeScope,
} from '../../../domain/scope/placement.ts';
import { autocreated, declared, policy, seen } from './build.ts';

/** The invariants of the specification, section 15, for any pool. */

const observation: fc.Arbitrary<Observation> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ rules: fc.nat(30), targetGroups: fc.nat(30) }).map(seen) },
  { weight: 1, arbitrary: fc.constant<Observation>({ kind: 'absent' }) },
  { weight: 1, arbitrary: fc.constant<Observation>({ kind: 'unreadable', error: 'reset' }) },
);

const pool = fc
  .array(observation, { minLength: 1, maxLength: 5 })
  .map((observations) =>
    observations.map(
      (seen, index): Candidate =>
        index % 3 === 2 ? autocreated(`auto-${index}`, seen, 'provisioning') : declared(`b-${index}`, seen),
    ),
  );

const small = policy({
  thresholds: { rules: 25, targetGroups: 27, listeners: 48, certificates: 24 },
  autocreateEnabled: true,
});

describe('for any pool and any order of arrivals', () => {
  test('placements never take a balancer over a threshold, and a scope has one placement', () => {
    fc.assert(
      fc.property(pool, fc.nat(40), (candidates, arrivals) => {
        const placements: LivePlacement[] = [];
        for (let arrival = 0; arrival < arrivals; arrival++) {
          const subject = { scopeId: `s${arrival}`, hosts: [`s${arrival}.apps.example.com`] };
          const decision = placeScope(subject, candidates, placements, small);
          if (decision.kind === 'placed') placements.push({ ...subject, balancer: decision.balancer });
        }
        for (const candidate of candidates) {
          const mine = placements.filter(({ balancer }) => balancer === candidate.name);
          if (mine.length === 0) continue;
          const load = effectiveLoad(candidate, { scopeId: 'none', hosts: [] }, placements, small);
          expect(load.rules).toBeLessThanOrEqual(25);
          expect(load.targetGroups).toBeLessThanOrEqual(27);
        }
        expect(new Set(placements.map(({ scopeId }) => scopeId)).size).toBe(placements.length);
      }),
    );
  });

  test('the winner has room and no candidate with room has a smaller fill, nor an equal one at an earlier place', () => {
    fc.assert(
      fc.property(pool, (candidates) => {
        const decision = placeScope({ scopeId: 'x', hosts: ['x.apps.example.com'] }, candidates, [], small);
        if (decision.kind !== 'placed') return;
        const fill = (index: number) => {
          const load = decision.candidates[index];
          return load ? Math.max(load.rules * load.maxTargetGroups, load.targetGroups * load.maxRules) : Number.NaN;
        };
        const winner = decision.candidates.findIndex(({ name }) => name === decision.balancer);
        expect(decision.candidates[winner]?.hasRoom).toBe(true);
        for (const [index, load] of decision.candidates.entries()) {
          if (!load.hasRoom) continue;
          if (index < winner) expect(fill(index)).toBeGreaterThan(fill(winner));
          else expect(fill(index)).toBeGreaterThanOrEqual(fill(winner));
        }
      }),
    );
  });

  test('a new balancer is asked for only if every candidate was read and none has room', () => {
    fc.assert(
      fc.property(pool, (candidates) => {
        const decision = placeScope({ scopeId: 'x', hosts: ['x.apps.example.com'] }, candidates, [], small);
        if (decision.kind !== 'create') return;
        expect(candidates.every(({ observation }) => observation.kind !== 'unreadable')).toBe(true);
        expect(decision.candidates.every(({ hasRoom }) => !hasRoom)).toBe(true);
      }),
    );
  });

  test('an observation that newly shows placed hosts does not change the rules; the same facts give the same answer', () => {
    fc.assert(
      fc.property(fc.nat(20), fc.uniqueArray(fc.nat(50), { maxLength: 10 }), fc.nat(10), (foreign, ids, shown) => {
        const placements = ids.map((id) => ({ scopeId: `s${id}`, balancer: 'b', hosts: [`s${id}.apps.example.com`] }));
        const visible = placements.slice(0, shown).flatMap(({ hosts }) => hosts);
        const before = declared('b', seen({ rules: foreign }));
        const after = declared('b', seen({ rules: foreign + visible.length, hosts: visible }));
        const subject = { scopeId: 'x', hosts: ['x.apps.example.com'] };
        expect(effectiveLoad(after, subject, placements, small).rules).toBe(
          effectiveLoad(before, subject, placements, small).rules,
        );
        expect(placeScope(subject, [before], placements, small)).toEqual(
          placeScope(subject, [before], placements, small),
        );
        // A released placement never lowers the load below what AWS shows.
        expect(effectiveLoad(after, subject, [], small).rules).toBe(foreign + visible.length);
      }),
    );
  });
});
