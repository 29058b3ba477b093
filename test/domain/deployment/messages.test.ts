import { describe, expect, test } from 'vitest';
import type { DeploymentPhase, DeploymentStatus } from '../../../contract/deployment/status.ts';
import { deploymentChecklist, sayDecision } from '../../../domain/deployment/checklist.ts';
import { accept, requestCancel } from '../../../domain/deployment/rollout/messages.ts';
import { weighted } from '../../../domain/deployment/rollout/routing.ts';
import { initialState } from '../../../domain/deployment/rollout/state.ts';
import type { Decision, RolloutMessage, RolloutPlan, RolloutState } from '../../../domain/deployment/rollout/types.ts';
import { nextStep } from '../../../domain/deployment/traffic-plan.ts';
import { followedLines, sideLines } from '../../../starter/cli/deployment/print.ts';
import { failure } from './story.ts';

const manual = { steps: [], autoFinalize: false, onFailure: 'rollback' as const };
const plan: RolloutPlan = {
  strategy: 'blue_green',
  blue: '41',
  green: '42',
  replicas: 10,
  traffic: manual,
  portsOnlyBlue: [],
  orphans: [],
};
const withSteps: RolloutPlan = {
  ...plan,
  traffic: {
    ...manual,
    steps: [
      { percent: 10, holdSeconds: 60 },
      { percent: 50, holdSeconds: 60 },
    ],
  },
};
const { blue: _, ...withoutBlue } = plan;
const initial: RolloutPlan = { ...withoutBlue, strategy: 'initial' };

const at = (phase: DeploymentPhase, fields: Partial<RolloutState> = {}): RolloutState => {
  const verified = ['Running', 'Finalizing'].includes(phase);
  return { ...initialState(plan), phase, verified, greenReady: verified, ...fields };
};
const at100 = { percent: 100, applied: weighted(100), confirmed: weighted(100) };
const to = (percent: number): RolloutMessage => ({ name: 'switchTraffic', percent });
const back: RolloutMessage = { name: 'rollback', reason: 'errors' };
const say = (state: RolloutState, message: RolloutMessage, of = plan) => {
  const verdict = accept(of, state, message);
  return verdict.accepted ? verdict.answer : verdict.reason;
};

describe('switchTraffic', () => {
  test.each([
    ['Running', 'begun'],
    ['WaitingForInstances', 'kept'],
    ['Verifying', 'kept'],
    ['Creating', 'switchTraffic is not possible in phase Creating'],
    ['Finalizing', 'switchTraffic is not possible in phase Finalizing'],
    ['RollingBack', 'switchTraffic is not possible in phase RollingBack'],
    ['Cancelling', 'switchTraffic is not possible in phase Cancelling'],
    ['Finalized', 'switchTraffic is not possible in phase Finalized'],
  ] as const)('in %s: %s (D3)', (phase, answer) => {
    expect(say(at(phase), to(25))).toBe(answer);
  });

  test.each([-1, 101, 2.5, Number.NaN])('to %s is refused', (percent) => {
    expect(say(at('Running'), to(percent))).toContain('whole number 0-100');
  });

  test('the percentage that is confirmed is answered at once', () => {
    expect(say(at('Running', { percent: 25 }), to(25))).toBe('done');
  });

  test('while another is under way, and of an initial rollout, it is refused', () => {
    expect(say(at('Running', { wanted: { percent: 50, by: 'message' } }), to(25))).toBe(
      'a switch to 50 % is under way: wait until it is confirmed',
    );
    expect(say(at('Running'), to(25), initial)).toContain('initial rollout');
  });

  test('under a plan only while it is paused, or when it is over', () => {
    expect(say(at('Running'), to(25), withSteps)).toBe('a traffic plan is running: pause it first');
    expect(say(at('WaitingForInstances'), to(25), withSteps)).toContain('pause it first');
    expect(say(at('Running', { paused: true }), to(25), withSteps)).toBe('begun');
    expect(say(at('Running', { step: 2 }), to(25), withSteps)).toBe('begun');
    expect(say(at('Running', { step: 2, holdRest: 5 }), to(25), withSteps)).toContain('pause it first');
  });

  test('after a switch that failed it takes its place', () => {
    const failed = at('Running', {
      paused: true,
      failure: failure('NotConverged'),
      wanted: { percent: 50, by: 'plan' },
    });
    const verdict = accept(plan, failed, to(10));
    expect(verdict).toMatchObject({ accepted: true, state: { wanted: { percent: 10, by: 'message' } } });
    expect(verdict.accepted && verdict.state).not.toHaveProperty('failure');
  });

  test('of several that are kept the last one counts', () => {
    const first = accept(plan, at('Verifying'), to(10));
    if (!first.accepted) throw new Error('refused');
    expect(accept(plan, first.state, to(20))).toMatchObject({ state: { kept: { percent: 20 } } });
  });
});

describe('finalize', () => {
  test('at 100 begins, again in Finalizing joins, at 50 is refused with the figure (D5)', () => {
    expect(say(at('Running', at100), { name: 'finalize' })).toBe('begun');
    expect(say(at('Finalizing', at100), { name: 'finalize' })).toBe('joined');
    expect(say(at('Running', { percent: 50 }), { name: 'finalize' })).toBe(
      'the new version has 50 % of the traffic: switch to 100 first',
    );
  });

  test('takes the place of a switch that a pause holds back', () => {
    const held = at('Running', { ...at100, paused: true, kept: { percent: 50, whilePaused: false } });
    const verdict = accept(plan, held, { name: 'finalize' });
    expect(verdict).toMatchObject({ answer: 'begun', state: { paused: false, finalizing: true } });
    expect(verdict.accepted && verdict.state).not.toHaveProperty('kept');
  });

  test.each(['Creating', 'WaitingForInstances', 'Verifying', 'RollingBack', 'Cancelling'] as const)(
    'is refused in %s',
    (phase) => {
      expect(say(at(phase), { name: 'finalize' })).toBe(`finalize is not possible in phase ${phase}`);
    },
  );

  test('is refused while a switch is under way, and for an initial rollout', () => {
    const moving = at('Running', { ...at100, wanted: { percent: 50, by: 'message' } });
    expect(say(moving, { name: 'finalize' })).toBe('a switch to 50 % is under way (100 % confirmed)');
    expect(say(at('Running', at100), { name: 'finalize' }, initial)).toContain('by itself');
  });
});

describe('rollback', () => {
  test.each(['Creating', 'WaitingForInstances', 'Verifying', 'Running', 'Finalizing'] as const)(
    'begins in %s (D4)',
    (phase) => {
      expect(accept(plan, at(phase), back)).toMatchObject({
        answer: 'begun',
        state: { goal: 'rollback', reason: 'errors' },
      });
    },
  );

  test('joins in RollingBack; refused once removal has begun, while cancelling, without a reason (D4)', () => {
    expect(say(at('RollingBack'), back)).toBe('joined');
    expect(say(at('Finalizing', { removalBegun: true }), back)).toContain('no way back');
    expect(say(at('Cancelling'), back)).toBe('rollback is not possible in phase Cancelling');
    expect(say(at('Running'), { name: 'rollback', reason: ' ' })).toBe('reason is required: say why');
  });

  test('of a rollout that a failure had paused keeps the failure as a warning', () => {
    const verdict = accept(plan, at('Running', { paused: true, failure: failure('TargetsUnhealthy', 'ill') }), back);
    expect(verdict).toMatchObject({
      state: { paused: false, warnings: [{ code: 'TargetsUnhealthy', message: 'ill' }] },
    });
  });
});

describe('pause and resume', () => {
  test.each([
    ['Creating', 'begun'],
    ['WaitingForInstances', 'begun'],
    ['Verifying', 'begun'],
    ['Running', 'begun'],
    ['Finalizing', 'pause is not possible in phase Finalizing'],
    ['RollingBack', 'pause is not possible in phase RollingBack'],
  ] as const)('pause in %s: %s', (phase, answer) => {
    expect(say(at(phase), { name: 'pause' })).toBe(answer);
  });

  test('a pause of what is paused joins, and holds back a switch that came in between; resume of what is not paused is refused', () => {
    const switched = at('Verifying', { paused: true, kept: { percent: 50, whilePaused: true } });
    expect(accept(plan, switched, { name: 'pause' })).toMatchObject({
      answer: 'joined',
      state: { paused: true, kept: { percent: 50, whilePaused: false } },
    });
    expect(say(at('Running'), { name: 'resume' })).toBe('the rollout is not paused');
    expect(
      accept(plan, at('Running', { paused: true, pauseReason: 'x', knownIll: ['blue'] }), { name: 'resume' }),
    ).toMatchObject({
      state: { paused: false, knownIll: [] },
    });
  });
});

test('cancellation turns back before the point of no return and only warns after it', () => {
  expect(requestCancel(at('Running'))).toMatchObject({ goal: 'cancel', phase: 'Cancelling' });
  expect(requestCancel(at('Finalizing', { removalBegun: true }))).toMatchObject({
    goal: 'forward',
    warnings: [{ code: 'CancelledTooLate' }],
  });
  expect(requestCancel(at('RollingBack', { goal: 'rollback' }))).toMatchObject({ goal: 'rollback' });
});

test.each([
  [0, 0],
  [10, 1],
  [49, 1],
  [50, 2],
])('a plan of 10 and 50 goes on at %i %% with step %i', (percent, step) => {
  expect(nextStep(withSteps.traffic, percent)).toBe(step);
});

describe('what a person reads', () => {
  const status: DeploymentStatus = {
    scopeId: '7',
    deploymentId: '42',
    kind: 'deployment',
    strategy: 'blue_green',
    phase: 'Running',
    paused: true,
    pauseReason: 'looking at latency',
    blue: '41',
    green: '42',
    balancer: 'k8s-groundwork-public',
    percent: { confirmed: 50, wanted: 100 },
    plan: { step: 2, steps: 3, holdUntil: '2026-01-01T00:10:00.000Z' },
    expected: [{ host: 'app.example.com', port: 443, weights: { 'd-7-41': 50, 'd-7-42': 50 } }],
    actual: [],
    healthyTargets: {},
    instances: {},
    waitingFor: { what: 'a person: the rollout is paused', since: '2026-01-01T00:09:00.000Z' },
    warnings: [{ code: 'RulesChanged', message: 'kubectl-edit changed the weights: put back' }],
  };

  test('a checklist with what is done, what the balancer does, and what is awaited', () => {
    expect(`${deploymentChecklist(status)}\n`).toMatchInlineSnapshot(`
      "- [x] Check the request and apply the objects
      - [x] Wait until the instances are ready
      - [x] Route to the new version and prove it on the balancer
      - [ ] **Move the traffic**
      - [ ] Drain and remove the old version

      **Paused**: looking at latency

      \`42\` has 50 % of the traffic, going to 100 % (step 2 of 3, held until 2026-01-01T00:10:00.000Z)

      Balancer: \`k8s-groundwork-public\`

      | listener | host | expected | on the balancer |
      |---|---|---|---|
      | 443 | app.example.com | d-7-41 50 %, d-7-42 50 % | - |

      Waiting for a person: the rollout is paused since 2026-01-01T00:09:00.000Z

      - RulesChanged: kubectl-edit changed the weights: put back
      "
    `);
  });

  test('with external DNS the gateway stands for the balancer', () => {
    const { balancer: _, ...rest } = status;
    const [actual] = status.expected;
    const words = deploymentChecklist({ ...rest, gateway: 'gateways/gateway-public', actual: actual ? [actual] : [] });
    for (const line of [
      '- [x] Route to the new version and prove it at the gateway',
      'Gateway: `gateways/gateway-public`',
      '| listener | host | expected | taken up |',
      '| of the gateway | app.example.com | d-7-41 50 %, d-7-42 50 % | d-7-41 50 %, d-7-42 50 % |',
    ])
      expect(words.split('\n')).toContain(line);
    expect(
      sideLines({ ...rest, gateway: 'gateways/gateway-public', actual: actual ? [actual] : [] }).join('\n'),
    ).toMatch(/READY ENDPOINTS[\s\S]*app.example.com by gateways\/gateway-public -> d-7-41 50 %, d-7-42 50 %/);
  });

  test('who follows a wait is told what its activity saw last, and the events of instances', () => {
    const warnings = [
      { code: 'InstanceEvent', message: 'Pod/...a Failed: no such image' },
      { code: 'ScopeAdopted', message: 'is in the checklist' },
    ];
    const waitingFor = { what: '2 ready instances', since: '2026-01-01T00:00:00Z', lastSeen: '0/2 ready' };
    expect(followedLines({ ...status, warnings, waitingFor }).slice(-2)).toEqual([
      'last seen: 0/2 ready',
      'InstanceEvent: Pod/...a Failed: no such image',
    ]);
  });

  test('an end is told as such', () => {
    const ended = deploymentChecklist({
      ...status,
      phase: 'Failed',
      failure: failure('NotConverged', 'the rules differ'),
    });
    expect(ended).toMatch(/^\*\*Failed\*\*/);
    expect(ended).toContain('NotConverged: the rules differ');
  });

  test('a step in one line', () => {
    const route: Decision = { kind: 'route', routing: weighted(25), before: [], after: [] };
    expect(sayDecision(route, plan)).toBe('traffic 75 % 41, 25 % 42');
    expect(sayDecision({ kind: 'wait', side: 'green', count: 1 }, plan)).toBe('1 ready instance of 42');
  });
});
