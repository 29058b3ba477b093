import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { DeploymentStrategy } from '../../../contract/deployment/input.ts';
import { deploymentPhases, type Side } from '../../../contract/deployment/status.ts';
import { minimumCount, sideCounts } from '../../../domain/deployment/replicas.ts';
import { decide, interrupts } from '../../../domain/deployment/rollout/decide.ts';
import { learn } from '../../../domain/deployment/rollout/learn.ts';
import { accept, requestCancel } from '../../../domain/deployment/rollout/messages.ts';
import { greenShare, type Routing, sidesWithWeight, weighted } from '../../../domain/deployment/rollout/routing.ts';
import { initialState } from '../../../domain/deployment/rollout/state.ts';
import type {
  Decision,
  Outcome,
  RolloutMessage,
  RolloutPlan,
  RolloutState,
} from '../../../domain/deployment/rollout/types.ts';
import { failure } from './story.ts';

/** Invariants of section 19, on rollouts whose steps succeed, fail, are interrupted and get messages in any order. */

const percent = fc.integer({ min: 0, max: 100 });
const counted = fc.integer({ min: 1, max: 500 });
const strategies: DeploymentStrategy[] = ['initial', 'blue_green', 'rolling'];

const plans: fc.Arbitrary<RolloutPlan> = fc
  .record({
    strategy: fc.constantFrom(...strategies),
    replicas: fc.integer({ min: 1, max: 40 }),
    blueReplicas: fc.integer({ min: 1, max: 40 }),
    steps: fc.uniqueArray(fc.integer({ min: 1, max: 100 }), { maxLength: 4 }),
    autoFinalize: fc.boolean(),
    onFailure: fc.constantFrom('rollback' as const, 'pause' as const),
    portsOnlyBlue: fc.constantFrom<number[]>([], [8081]),
    orphans: fc.constantFrom<string[]>([], ['39']),
  })
  .map(({ strategy, replicas, blueReplicas, steps, autoFinalize, onFailure, portsOnlyBlue, orphans }) => ({
    strategy,
    ...(strategy === 'initial' ? {} : { blue: '41', blueReplicas }),
    green: '42',
    replicas,
    traffic: {
      steps:
        strategy === 'initial' ? [] : steps.sort((a, b) => a - b).map((share) => ({ percent: share, holdSeconds: 5 })),
      autoFinalize: autoFinalize && steps.includes(100),
      onFailure,
    },
    portsOnlyBlue: strategy === 'initial' ? [] : portsOnlyBlue,
    orphans,
  }));

const messages: fc.Arbitrary<RolloutMessage> = fc.oneof(
  percent.map((share) => ({ name: 'switchTraffic' as const, percent: share })),
  fc.constantFrom<RolloutMessage>(
    { name: 'finalize' },
    { name: 'rollback', reason: 'because' },
    { name: 'pause' },
    { name: 'resume' },
    { name: 'retryNow' },
  ),
);

type Event =
  | { kind: 'message'; message: RolloutMessage }
  | { kind: 'cancel' }
  | { kind: 'fail'; type: string; applied: boolean }
  /** `retryNow`: the step is ended and decided again. */
  | { kind: 'again'; applied: boolean }
  | { kind: 'ill'; side: Side }
  | { kind: 'changed'; at: number; percent: number }
  | { kind: 'go' };

const events: fc.Arbitrary<Event[]> = fc.array(
  fc.oneof(
    { weight: 6, arbitrary: fc.constant<Event>({ kind: 'go' }) },
    { weight: 5, arbitrary: messages.map((message): Event => ({ kind: 'message', message })) },
    { weight: 1, arbitrary: fc.constant<Event>({ kind: 'cancel' }) },
    {
      weight: 2,
      arbitrary: fc
        .record({
          type: fc.constantFrom('ControllerRefused', 'NotConverged', 'InstancesNotReady', 'TargetsUnhealthy'),
          applied: fc.boolean(),
        })
        .map((fields): Event => ({ kind: 'fail', ...fields })),
    },
    { weight: 2, arbitrary: fc.boolean().map((applied): Event => ({ kind: 'again', applied })) },
    { weight: 1, arbitrary: fc.constantFrom<Side>('blue', 'green').map((side): Event => ({ kind: 'ill', side })) },
    {
      weight: 1,
      arbitrary: fc
        .record({ at: fc.integer({ min: 0, max: 2_000_000 }), percent })
        .map((fields): Event => ({ kind: 'changed', ...fields })),
    },
  ),
  { maxLength: 60 },
);

/**
 * Drives one rollout to its end and calls `look` after every decision, with the routings that may have taken effect by then.
 * When events run out, a person rolls back.
 */
function drive(
  plan: RolloutPlan,
  script: readonly Event[],
  look: (state: RolloutState, decision: Decision, handedOver: readonly Routing[]) => void,
) {
  let state = initialState(plan);
  const handedOver: Routing[] = [];
  const rest = [...script];
  const decisions: Decision[] = [];
  for (let count = 0; count < 400; count++) {
    const next = decide(plan, state);
    expect(decide(plan, next.state).decision).toEqual(next.decision);
    state = next.state;
    const { decision } = next;
    decisions.push(decision);
    look(state, decision, handedOver);
    if (decision.kind === 'end') return { state, decisions };
    let outcome: Outcome | undefined;
    while (outcome === undefined) {
      const event = rest.shift() ?? { kind: 'go' as const };
      const heard = hear(plan, state, event, rest.length === 0 && decision.kind === 'hold');
      state = heard;
      if (interrupts(plan, state, decision)) outcome = { kind: 'interrupted' };
      else outcome = outcomeOf(decision, event, rest.length === 0);
    }
    if (decision.kind === 'route' && !('applied' in outcome && outcome.applied === false))
      handedOver.push(decision.routing);
    // What others did counts as well.
    if (outcome.kind === 'changed') handedOver.push(weighted(outcome.percent));
    state = learn(plan, state, decision, outcome);
  }
  throw new Error('the rollout does not end');
}

function hear(plan: RolloutPlan, state: RolloutState, event: Event, stuck: boolean): RolloutState {
  if (event.kind === 'cancel') return requestCancel(state);
  const message: RolloutMessage | undefined =
    event.kind === 'message' ? event.message : stuck ? { name: 'rollback', reason: 'the end' } : undefined;
  if (!message) return state;
  const before = JSON.stringify(state);
  const verdict = accept(plan, state, message);
  expect(JSON.stringify(state)).toBe(before);
  return verdict.accepted ? verdict.state : state;
}

/** Undefined: nothing has happened yet. */
function outcomeOf(decision: Decision, event: Event, last: boolean): Outcome | undefined {
  if (event.kind === 'fail') return { kind: 'failed', failure: failure(event.type), applied: event.applied };
  if (event.kind === 'again' && decision.kind === 'route')
    return { kind: 'interrupted', ...(event.applied ? {} : { applied: false }) };
  if (decision.kind !== 'hold') return event.kind === 'ill' ? doneThoughIll(decision) : { kind: 'done' };
  if (event.kind === 'ill' && decision.watch.includes(event.side)) {
    return { kind: 'ill', side: event.side, failure: failure('TargetsUnhealthy') };
  }
  if (event.kind === 'changed' && decision.watch.length > 0) return { ...event, words: 'edited' };
  if (decision.seconds !== undefined) return { kind: 'done' };
  return last ? { kind: 'interrupted' } : undefined;
}

function doneThoughIll(decision: Decision): Outcome {
  const mayBeIll = decision.kind === 'route' && decision.after.some(({ healthy }) => healthy === 'as-before');
  return { kind: 'done', ...(mayBeIll ? { illBefore: '41: 0 of 1 targets healthy' } : {}) };
}

describe('at every step of any rollout', () => {
  test('the side that may get traffic is not removed, and never both; at the end exactly one serves', () => {
    fc.assert(
      fc.property(plans, events, (plan, script) => {
        const removed = new Set<string>();
        const { state } = drive(plan, script, (now, decision, handedOver) => {
          if (decision.kind !== 'delete') return;
          removed.add(decision.what);
          expect(removed.has('blue') && removed.has('green')).toBe(false);
          if (decision.what !== 'blue' && decision.what !== 'green') return;
          const hasBlue = plan.blue !== undefined;
          const serving = [...sidesWithWeight(now.applied, hasBlue), ...sidesWithWeight(now.confirmed, hasBlue)];
          expect(serving).not.toContain(decision.what);
          expect(now.applied).toEqual(now.confirmed);
          // No Ingress names what goes: the single form, or the Ingresses of before.
          expect(now.applied.form).toBe(decision.what === 'blue' ? 'single' : 'before');
          const greenHadWeight = handedOver.some((routing) => greenShare(routing) > 0);
          if (greenHadWeight && plan.blue !== undefined) expect(now.drained).toContain(decision.what);
        });
        const { end } = state;
        expect(end).toBeDefined();
        if (end?.failure?.type === 'CompensationIncomplete') return;
        const rolledBackInitial = plan.blue === undefined && end?.percent === 0;
        expect(end?.active).toBe(rolledBackInitial ? undefined : end?.percent === 100 ? 'green' : 'blue');
        if (end?.active !== undefined) expect(removed).not.toContain(end.active);
      }),
      { numRuns: 400 },
    );
  });

  test('a rollback leaves the routing as it was, and nothing of green', () => {
    fc.assert(
      fc.property(plans, events, (plan, script) => {
        const { state, decisions } = drive(plan, script, () => undefined);
        const { end } = state;
        if (end?.percent !== 0 || end.failure?.type === 'CompensationIncomplete') return;
        expect([state.applied, state.confirmed]).toEqual([{ form: 'before' }, { form: 'before' }]);
        const applied = decisions.some(({ kind }) => kind === 'apply');
        expect(state.removed).toEqual(applied ? ['green'] : []);
      }),
      { numRuns: 300 },
    );
  });

  test('the phase is one of the list and messages that are refused change nothing', () => {
    fc.assert(
      fc.property(plans, events, (plan, script) => {
        drive(plan, script, (state) => expect(deploymentPhases).toContain(state.phase));
      }),
      { numRuns: 200 },
    );
  });

  test('green gets no weight before it is ready and healthy at weight 0, when blue exists', () => {
    fc.assert(
      fc.property(plans, events, (plan, script) => {
        if (plan.blue === undefined) return;
        drive(plan, script, (state, decision) => {
          if (decision.kind !== 'route' || decision.routing.form === 'before') return;
          if (sidesWithWeight(decision.routing, true).includes('green'))
            expect(state.greenReady && state.verified).toBe(true);
        });
      }),
      { numRuns: 200 },
    );
  });
});

describe('rolling', () => {
  test('both sides keep MIN, together at least R, and green never falls while the percentage rises', () => {
    fc.assert(
      fc.property(counted, fc.option(counted), percent, percent, (blue, other, a, b) => {
        const planned = { blue, green: other ?? blue };
        const counts = sideCounts(planned, a);
        for (const side of ['blue', 'green'] as const) {
          expect(counts[side]).toBeGreaterThanOrEqual(minimumCount(planned[side]));
          expect(counts[side]).toBeLessThanOrEqual(planned[side]);
        }
        // Together as many as the smaller version has: of two that are planned alike, R.
        expect(counts.blue + counts.green).toBeGreaterThanOrEqual(Math.min(blue, planned.green));
        const later = sideCounts(planned, b);
        expect(Math.sign(later.green - counts.green) * Math.sign(b - a)).toBeGreaterThanOrEqual(0);
      }),
    );
  });

  test('blue is back at its planned count before traffic goes back to it', () => {
    fc.assert(
      fc.property(plans, events, (plan, script) => {
        if (plan.strategy !== 'rolling') return;
        drive(plan, script, (state, decision) => {
          if (state.goal === 'forward' || decision.kind !== 'route' || state.repair) return;
          expect(state.counts.blue).toBe(plan.blueReplicas);
        });
      }),
      { numRuns: 300 },
    );
  });

  test.each([
    [12, 25, 3, 9],
    [20, 0, 2, 20],
    [20, 100, 20, 2],
    [15, 95, 15, 2],
    [25, 10, 3, 22],
    [1, 0, 1, 1],
    [1, 100, 1, 1],
  ])('of %i at %i percent: green %i, blue %i', (planned, share, green, blue) => {
    expect(sideCounts({ blue: planned, green: planned }, share)).toEqual({ green, blue });
  });

  test.each([
    [15, 2],
    [10, 1],
    [5, 1],
  ])('keeps of %i at least %i on each side (D8)', (planned, minimum) => {
    expect(minimumCount(planned)).toBe(minimum);
  });
});
