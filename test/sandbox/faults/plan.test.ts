import { describe, expect, test } from 'vitest';
import { FaultPlan, type FaultRequest, type FaultRule } from '../../../sandbox/faults/plan.ts';

const REQUEST: FaultRequest = {
  service: 'elbv2',
  action: 'CreateRule',
  method: 'POST',
  path: '/',
  text: '/?\nAction=CreateRule&Priority=7',
  caller: 'sandbox',
};
const reset = (rule: Partial<FaultRule> = {}): FaultRule => ({
  match: { service: 'elbv2' },
  effect: { kind: 'reset' },
  ...rule,
});
const hits = (plan: FaultPlan, count: number, request = REQUEST) =>
  Array.from({ length: count }, () => plan.match(request).length);

describe('which requests a rule hits', () => {
  test.each<[string, FaultRule['match'], boolean]>([
    ['its service', { service: 'elbv2' }, true],
    ['another service', { service: 'route53' }, false],
    ['its action', { service: 'elbv2', action: 'CreateRule' }, true],
    ['another action', { service: 'elbv2', action: 'CreateRul' }, false],
    ['another method', { service: 'elbv2', method: 'GET' }, false],
    ['a path that matches', { service: 'elbv2', path: '^/$' }, true],
    ['a path that does not', { service: 'elbv2', path: '^/api' }, false],
    ['a resource in the body', { service: 'elbv2', resource: 'Priority=7$' }, true],
    ['a resource that is not there', { service: 'elbv2', resource: 'Priority=8' }, false],
    ['its caller', { service: 'elbv2', caller: 'sandbox' }, true],
    ['another caller', { service: 'elbv2', caller: 'controllers' }, false],
  ])('%s', (_, match, hit) => {
    const plan = new FaultPlan({ rules: [{ match, effect: { kind: 'reset' } }] });
    expect(plan.match(REQUEST)).toHaveLength(hit ? 1 : 0);
  });

  test('the resource is looked for in the path when there is no text', () => {
    const plan = new FaultPlan({ rules: [reset({ match: { service: 'kubernetes', resource: 'ingresses/web' } })] });
    expect(
      plan.match({
        service: 'kubernetes',
        method: 'PATCH',
        path: '/apis/networking.k8s.io/v1/namespaces/a/ingresses/web',
      }),
    ).toHaveLength(1);
  });
});

describe('how often a rule strikes', () => {
  test('without bounds, always', () => {
    expect(hits(new FaultPlan({ rules: [reset()] }), 3)).toEqual([1, 1, 1]);
  });

  test('the first matching requests pass, then it strikes so many times', () => {
    const plan = new FaultPlan({ rules: [reset({ skip: 2, times: 1 })] });
    plan.match({ ...REQUEST, service: 'sts' });
    expect(hits(plan, 4)).toEqual([0, 0, 1, 0]);
  });

  test('by chance, the same for the same seed and about as often as it says', () => {
    const drawn = (seed: number) => hits(new FaultPlan({ rules: [reset({ probability: 0.3, seed })] }), 1000);
    expect(drawn(7)).toEqual(drawn(7));
    expect(drawn(7)).not.toEqual(drawn(8));
    const struck = drawn(7).reduce((sum, hit) => sum + hit, 0);
    expect(struck).toBeGreaterThan(250);
    expect(struck).toBeLessThan(350);
    expect(hits(new FaultPlan({ rules: [reset({ probability: 0 })] }), 5)).toEqual([0, 0, 0, 0, 0]);
    expect(hits(new FaultPlan({ rules: [reset({ probability: 1 })] }), 5)).toEqual([1, 1, 1, 1, 1]);
  });
});

describe('the plan', () => {
  test('all rules that match strike, those of before first, in the order in which they were added', () => {
    const plan = new FaultPlan({
      rules: [reset({ id: 'late', when: 'after' }), reset({ effect: { kind: 'latency', ms: 3 } })],
    });
    expect(plan.match(REQUEST).map((rule) => rule.id)).toEqual(['fault-1', 'late']);
  });

  test('a rule that another one leaves nothing to strike is not used up', () => {
    const plan = new FaultPlan({
      rules: [
        reset({ id: 'late', when: 'after', times: 1 }),
        reset({ id: 'early', times: 1, effect: { kind: 'throttle' } }),
        reset({ id: 'too late', when: 'after' }),
      ],
    });
    const struck = () => plan.match(REQUEST).map((rule) => rule.id);
    expect([struck(), struck(), struck()]).toEqual([['early'], ['late'], ['too late']]);
    expect(plan.applied().map(({ ruleId }) => ruleId)).toEqual(['early', 'late', 'too late']);
  });

  test('every fault that struck is logged', () => {
    const time = new Date('2026-03-01T10:00:00Z');
    const plan = new FaultPlan({ now: () => time });
    plan.add(reset({ when: 'after', times: 1 }));
    plan.match(REQUEST);
    plan.match(REQUEST);
    expect(plan.applied()).toEqual([
      {
        ruleId: 'fault-1',
        service: 'elbv2',
        action: 'CreateRule',
        method: 'POST',
        path: '/',
        when: 'after',
        effect: 'reset',
        time,
      },
    ]);
  });

  test('rules are removed by id and cleared with the log; a rule of a known id replaces it', () => {
    const plan = new FaultPlan();
    expect(plan.add(reset({ id: 'fault-1' }))).toBe('fault-1');
    expect(plan.add(reset())).toBe('fault-2');
    plan.add(reset({ id: 'fault-1', times: 5 }));
    expect(plan.rules().map((rule) => [rule.id, rule.times])).toEqual([
      ['fault-2', undefined],
      ['fault-1', 5],
    ]);
    expect(plan.remove('fault-2')).toBe(true);
    expect(plan.remove('fault-2')).toBe(false);
    plan.match(REQUEST);
    plan.clear();
    expect([plan.rules(), plan.applied()]).toEqual([[], []]);
  });

  test('a change of the given object does not change the rule', () => {
    const rule = reset({ times: 1 });
    const plan = new FaultPlan({ rules: [rule] });
    rule.times = 9;
    expect(hits(plan, 2)).toEqual([1, 0]);
  });

  test('a wrong rule is refused with one line per wrong field', () => {
    const wrong = {
      match: { service: 'elb', path: '(' },
      when: 'later',
      times: 0,
      probability: 2,
      effect: { kind: 'error', code: '', status: 200 },
      extra: 1,
    };
    const lines = (() => {
      try {
        new FaultPlan().add(wrong as unknown as FaultRule);
        return [];
      } catch (error) {
        return (error as Error).message.split('\n').map((line) => line.split(':')[0]);
      }
    })();
    expect(lines).toEqual([
      'match.service',
      'match.path',
      'when',
      'times',
      'probability',
      'effect.code',
      'effect.status',
      'rule',
    ]);
  });

  test.each([
    null,
    'reset',
    {},
    { match: {} },
    { match: { service: 'sts' }, effect: { kind: 'explode' } },
    { match: { service: 'sts' }, effect: { kind: 'stale-read' }, when: 'after' },
  ])('%j is no rule', (input) => {
    expect(() => new FaultPlan().add(input as unknown as FaultRule)).toThrow();
  });
});
