import { describe, expect, test } from 'vitest';
import {
  type Candidate,
  effectiveLoad,
  type LivePlacement,
  type PlacementPolicy,
  placeScope,
} from '../../../domain/scope/placement.ts';
import { autocreated, declared, live, policy, seen, subject } from './build.ts';

const decide = (candidates: Candidate[], fields: Partial<PlacementPolicy> = {}, placements: LivePlacement[] = []) =>
  placeScope(subject, candidates, placements, policy(fields));

const rules = (count: number) => seen({ rules: count });
const thresholds = (count: number) => ({
  thresholds: { rules: count, targetGroups: 98, listeners: 48, certificates: 24 },
});

describe('the choice', () => {
  test.each(['failed', 'retiring', 'retired'] as const)(
    'nobody goes to a balancer that is %s in the ledger',
    (state) => {
      expect(decide([declared('base', rules(60)), autocreated('auto', rules(1), state)])).toMatchObject({
        balancer: 'base',
        candidates: [{ hasRoom: true }, { hasRoom: false, reason: `${state} in the ledger` }],
      });
    },
  );

  test('the least loaded wins', () => {
    expect(decide([declared('base', rules(50)), declared('extra', rules(10))])).toMatchObject({
      kind: 'placed',
      balancer: 'extra',
    });
  });

  test('a tie goes to the first, so the base wins ties', () => {
    expect(decide([declared('base', rules(10)), declared('extra', rules(10))])).toMatchObject({
      kind: 'placed',
      balancer: 'base',
    });
  });

  test('fractions are compared exactly', () => {
    const close = { thresholds: { rules: 3, targetGroups: 98, listeners: 48, certificates: 24 } };
    // 1/3 of the rules against 33/98 of the target groups: 98 < 99, so the first has the smaller fill.
    const decision = decide([declared('a', seen({ rules: 0, targetGroups: 33 })), declared('b', rules(1))], close);
    expect(decision).toMatchObject({ kind: 'placed', balancer: 'b' });
  });

  test('S12: the reason names the load of the chosen one and of the base', () => {
    expect(decide([declared('base', rules(50)), declared('extra', rules(10))])).toMatchObject({
      reason:
        'extra has the least load of 2 candidates (rules 10/75, target groups 0/98); base base: rules 50/75, target groups 0/98',
    });
  });

  test('S11: candidates are listed in declared order', () => {
    const decision = decide([declared('base', rules(50)), declared('z', rules(10)), declared('a', rules(20))]);
    expect(decision.candidates.map(({ name }) => name)).toEqual(['base', 'z', 'a']);
  });
});

describe('full', () => {
  test('S20: 60 and 55 of 50 without autocreate: no capacity with both loads and hints', () => {
    const decision = decide([declared('base', rules(60)), declared('extra', rules(55))], thresholds(50));
    expect(decision).toMatchObject({ kind: 'no-capacity' });
    expect(decision.kind === 'no-capacity' && [decision.reason, ...decision.hints].join(' ')).toMatch(
      /60\/50.*55\/50.*enable autocreate/,
    );
  });

  test('S19: 60 and 55 of 50 with autocreate: a new one', () => {
    expect(
      decide([declared('base', rules(60)), declared('extra', rules(55))], {
        ...thresholds(50),
        autocreateEnabled: true,
      }).kind,
    ).toBe('create');
  });

  test('S21: 60 and 10 of 50 with autocreate: the second, nothing made', () => {
    expect(
      decide([declared('base', rules(60)), declared('extra', rules(10))], {
        ...thresholds(50),
        autocreateEnabled: true,
      }),
    ).toMatchObject({ kind: 'placed', balancer: 'extra' });
  });

  test.each([74, 75])('the threshold itself may be reached: %i of 75', (count) => {
    expect(decide([declared('base', rules(count))]).kind).toBe(count + 1 <= 75 ? 'placed' : 'no-capacity');
  });

  test('N12: 60 rules and 97 target groups have no room for a rollout', () => {
    expect(decide([declared('base', seen({ rules: 60, targetGroups: 97 }))])).toMatchObject({
      kind: 'no-capacity',
      candidates: [{ reason: 'full: target groups 97/98' }],
    });
  });

  test('48 listeners are full', () => {
    const listeners = Array.from({ length: 48 }, (_, index) => ({ port: 1000 + index, protocol: 'HTTP' }));
    expect(decide([declared('base', seen({ listeners }))])).toMatchObject({ kind: 'no-capacity' });
  });
});

describe('what cannot be a candidate', () => {
  test('S18: a declared balancer that is absent is skipped with a warning, never counted as empty', () => {
    expect(decide([declared('base', rules(50)), declared('gone', { kind: 'absent' })])).toMatchObject({
      kind: 'placed',
      balancer: 'base',
      warnings: [{ code: 'BalancerSkippedMissing' }],
    });
  });

  test('none of the declared exists: missing, unless a new one may be made', () => {
    expect(decide([declared('base', { kind: 'absent' })]).kind).toBe('missing');
    expect(decide([declared('base', { kind: 'absent' })], { autocreateEnabled: true }).kind).toBe('create');
  });

  test('S13: an unreadable one is passed over with a warning when another has room', () => {
    expect(
      decide([declared('base', { kind: 'unreadable', error: '503' }), declared('extra', rules(70))]),
    ).toMatchObject({
      kind: 'placed',
      balancer: 'extra',
      warnings: [{ code: 'BalancerSkippedUnreadable' }],
    });
  });

  test('S14: an unreadable one and no room elsewhere: no decision, and nothing is made on a guess', () => {
    const candidates = [declared('base', { kind: 'unreadable', error: '503' }), declared('extra', rules(75))];
    expect(decide(candidates, { autocreateEnabled: true })).toMatchObject({
      kind: 'unreadable',
      balancers: ['base'],
      error: '503',
    });
  });

  test('S54: failed and of the other scheme are skipped, impaired and without listeners are candidates with a warning', () => {
    expect(
      decide([declared('base', seen({ state: 'failed' })), declared('extra', seen({ scheme: 'internal' }))]),
    ).toMatchObject({
      kind: 'no-capacity',
      warnings: [{ code: 'BalancerSkippedFailed' }, { code: 'BalancerSkippedScheme' }],
    });
    expect(decide([declared('base', seen({ state: 'active_impaired' }))])).toMatchObject({
      kind: 'placed',
      warnings: [{ code: 'BalancerImpaired' }],
    });
    expect(decide([declared('base', seen({ listeners: [] }))])).toMatchObject({
      kind: 'placed',
      warnings: [{ code: 'BalancerWithoutListeners' }],
    });
  });

  test('an autocreated one that is active in the ledger but absent is skipped; one not visible yet is a candidate', () => {
    expect(decide([autocreated('auto', { kind: 'absent' })], { autocreateEnabled: true }).kind).toBe('create');
    expect(decide([autocreated('auto', { kind: 'absent' }, 'provisioning')])).toMatchObject({
      kind: 'placed',
      balancer: 'auto',
    });
  });
});

describe('effective load', () => {
  test('N11: placements that are not visible count, and stop counting when they are seen', () => {
    const placements = ['1', '2', '3', '4', '5'].map((id) => live(id, 'base'));
    const load = (observation: ReturnType<typeof seen>) =>
      effectiveLoad(declared('base', observation), subject, placements, policy());
    const before = load(seen({ rules: 70 }));
    const after = load(seen({ rules: 75, hosts: placements.flatMap(({ hosts }) => hosts) }));
    expect([before.rules, after.rules]).toEqual([75, 75]);
    expect(before.hasRoom).toBe(false);
  });

  test("the scope's own placement and those on other balancers do not count", () => {
    const placements = [live('123', 'base'), live('9', 'other')];
    expect(effectiveLoad(declared('base', rules(0)), subject, placements, policy()).rules).toBe(0);
  });

  test('the keeper counts one rule until its host is seen, and its listeners count while it is invisible', () => {
    expect(effectiveLoad(autocreated('auto', { kind: 'absent' }, 'reserved'), subject, [], policy())).toMatchObject({
      rules: 1,
      listeners: 2,
      state: 'provisioning',
    });
    const takenOver = { ...autocreated('auto', rules(0)), origin: 'declared' as const };
    expect(effectiveLoad(takenOver, subject, [], policy()).rules).toBe(0);
    const visible = seen({ rules: 1, hosts: ['auto.apps.example.com'] });
    expect(effectiveLoad(autocreated('auto', visible), subject, [], policy())).toMatchObject({
      rules: 1,
      listeners: 2,
    });
  });

  test('certificates are judged only for hosts outside the base domain, one per parent domain', () => {
    const shop = { scopeId: '123', hosts: ['new.apps.example.com', 'a.shop.com', 'b.shop.com'] };
    const full = declared('base', seen({ certificates: 24 }));
    expect(effectiveLoad(full, subject, [], policy()).certificates).toBeUndefined();
    expect(effectiveLoad(full, shop, [], policy())).toMatchObject({
      hasRoom: false,
      reason: 'full: certificates 24/24',
    });
    const oneFree = declared('base', seen({ certificates: 23 }));
    expect(effectiveLoad(oneFree, shop, [], policy()).hasRoom).toBe(true);
    expect(effectiveLoad(oneFree, shop, [live('9', 'base', 'x.other.com')], policy()).hasRoom).toBe(false);
  });
});
