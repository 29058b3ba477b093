import type { Side } from '../../../contract/deployment/status.ts';
import { sideCounts } from '../replicas.ts';
import { before, greenAlone, greenShare, type Routing, sameRouting, sidesWithWeight, weighted } from './routing.ts';
import { firstRouting, plannedCounts } from './state.ts';
import type { Decision, RemovalTarget, RolloutEnd, RolloutPlan, RolloutState, TargetNeed } from './types.ts';

/**
 * The planner of a rollout: from what is known to the next step (specs: deployment, section 7). The state that comes with a
 * decision carries its intention and is kept before acting: what was begun may have taken effect. Deciding again on that
 * state gives the same decision.
 */
export interface Next {
  decision: Decision;
  state: RolloutState;
}

export function decide(plan: RolloutPlan, state: RolloutState): Next {
  if (state.end) return ended(state, state.end);
  if (state.repair) return route(state, state.repair, [], []);
  return state.goal === 'forward' ? forward(plan, state) : backward(plan, state);
}

/** Whether a message or a cancellation that led to `state` must end the step that is running. */
export function interrupts(plan: RolloutPlan, state: RolloutState, running: Decision): boolean {
  if (running.kind === 'apply' || running.kind === 'delete' || running.kind === 'end') return false;
  return !isStillDecided(plan, state, running);
}

/** Whether what was decided before a message is what is decided now. */
export function isStillDecided(plan: RolloutPlan, state: RolloutState, decision: Decision): boolean {
  return JSON.stringify(decide(plan, state).decision) === JSON.stringify(decision);
}

function forward(plan: RolloutPlan, state: RolloutState): Next {
  if (state.greenApplied !== 'yes') {
    const begun = state.greenApplied === 'begun' && !stuck(state);
    if (state.paused && !begun) return stay(plan, state);
    return {
      state: { ...state, phase: 'Creating', greenApplied: 'begun' },
      decision: { kind: 'apply', side: 'green' },
    };
  }
  if (!state.greenReady) {
    if (state.paused) return stay(plan, state);
    const decision: Decision = { kind: 'wait', side: 'green', count: state.counts.green };
    return { state: { ...state, phase: 'WaitingForInstances' }, decision };
  }
  if (!state.verified) {
    const begun = state.phase === 'Verifying' && !stuck(state);
    if (state.paused && !begun) return stay(plan, state);
    const routing = firstRouting(plan, state);
    return route({ ...state, phase: 'Verifying' }, routing, [], firstNeeds(plan, state, routing));
  }
  if (plan.strategy === 'initial') return remove(plan, state, ['ports', 'orphans']);
  return state.finalizing ? finalize(plan, state) : shift(plan, { ...state, phase: 'Running' });
}

/** Moves and holds traffic, by message or plan. */
function shift(plan: RolloutPlan, state: RolloutState): Next {
  const { kept, ...rest } = state;
  if (kept && (kept.whilePaused || !state.paused)) {
    const { percent } = kept;
    return shift(plan, percent === state.percent ? rest : { ...rest, wanted: { percent, by: 'message' } });
  }
  if (state.wanted) return stuck(state) ? stay(plan, state) : move(plan, state, state.wanted.percent);
  if (state.paused) return stay(plan, state);
  if (state.holdRest !== undefined && state.holdRest > 0) return hold(plan, state, 'plan', state.holdRest);
  const step = plan.traffic.steps[state.step];
  if (step) {
    const { percent, holdSeconds } = step;
    const begun: RolloutState = {
      ...state,
      step: state.step + 1,
      wanted: { percent, by: 'plan' },
      holdRest: holdSeconds,
    };
    return shift(plan, begun);
  }
  if (plan.traffic.autoFinalize && state.percent === 100) return finalize(plan, { ...state, finalizing: true });
  return hold(plan, state, 'message');
}

/** One move: counts that rise, the weights, counts that fall. */
function move(plan: RolloutPlan, state: RolloutState, percent: number): Next {
  const counts = plan.strategy === 'rolling' ? sideCounts(plannedCounts(plan), percent) : state.counts;
  if (state.scaling) {
    const { side } = state.scaling;
    // Another percentage may have been chosen since; the confirmed one still needs what is there.
    return scale(state, side, Math.max(counts[side], state.counts[side]));
  }
  for (const side of ['green', 'blue'] as const) {
    if (counts[side] > state.counts[side]) return scale(state, side, counts[side]);
  }
  const routing = weighted(percent);
  if (!settled(state, routing)) {
    const gaining: Side | undefined = percent > state.percent ? 'green' : percent < state.percent ? 'blue' : undefined;
    const sides = weightedSides(plan, routing).filter((side) => side === gaining || !illBefore(state, side));
    const needs = sides.map((side) => need(side, side === gaining ? 'planned' : 'one'));
    return route(state, routing, gaining ? [need(gaining, 'planned')] : [], needs);
  }
  for (const side of ['green', 'blue'] as const) {
    if (counts[side] < state.counts[side]) return scale(state, side, counts[side]);
  }
  const { wanted: _, ...done } = state;
  return shift(plan, done);
}

/** Weights 0/100 are confirmed: drain blue, route to green alone, and remove blue. */
function finalize(plan: RolloutPlan, given: RolloutState): Next {
  const state: RolloutState = { ...given, phase: 'Finalizing' };
  if (!state.removalBegun) {
    if (stuck(state)) return stay(plan, state);
    if (!state.drained.includes('blue')) return { state, decision: { kind: 'drain', side: 'blue' } };
    if (!settled(state, greenAlone)) {
      return route(state, greenAlone, [], [need('green', 'planned')]);
    }
  }
  return remove(plan, state, ['ports', 'blue', 'orphans']);
}

/** Removes what is not removed yet; from the first removal on there is no way back. */
function remove(plan: RolloutPlan, state: RolloutState, targets: readonly RemovalTarget[]): Next {
  const due = targets.filter(
    (target) =>
      !(target === 'ports' && plan.portsOnlyBlue.length === 0) && !(target === 'orphans' && plan.orphans.length === 0),
  );
  const what = due.find((target) => !state.removed.includes(target));
  if (what) return { state: { ...state, phase: 'Finalizing', removalBegun: true }, decision: { kind: 'delete', what } };
  return ended(state, { phase: 'Finalized', active: 'green', percent: 100 });
}

/** Back to how it was; what was not reached is skipped. */
function backward(plan: RolloutPlan, given: RolloutState): Next {
  const state: RolloutState = { ...given, phase: given.goal === 'cancel' ? 'Cancelling' : 'RollingBack' };
  if (plan.strategy !== 'initial') {
    // A count that was being applied may have been reached.
    const unsure = state.scaling?.side === 'blue';
    const planned = plannedCounts(plan).blue;
    if (plan.strategy === 'rolling' && (unsure || state.counts.blue < planned)) return scale(state, 'blue', planned);
  }
  const undrained = plan.strategy !== 'initial' && state.greenHadWeight && !state.drained.includes('green');
  const drain: Next = { state, decision: { kind: 'drain', side: 'green' } };
  if (plan.strategy !== 'initial' && !state.straightBack) {
    const possible = possibleRoutings(state);
    if (possible.some((routing) => sameRouting(routing, greenAlone))) {
      // Blue has lost its target groups: they must be there and healthy again before traffic goes to them.
      return route(state, weighted(100), [], [need('blue', 'one')]);
    }
    if (possible.some((routing) => greenShare(routing) > 0)) {
      return route(state, weighted(0), [need('blue', 'one')], [need('blue', 'one')]);
    }
    if (undrained) return drain;
  }
  if (!settled(state, before)) return route(state, before, [], []);
  if (undrained) return drain;
  if (state.greenApplied !== 'no' && !state.removed.includes('green')) {
    return { state, decision: { kind: 'delete', what: 'green' } };
  }
  return ended(state, endOfWayBack(plan, state));
}

function ended(state: RolloutState, end: RolloutEnd): Next {
  return { state: { ...state, phase: end.phase, end }, decision: { kind: 'end', end } };
}

function endOfWayBack(plan: RolloutPlan, { goal, failure, reason }: RolloutState): RolloutEnd {
  const end = { percent: 0, ...(plan.blue === undefined ? {} : { active: 'blue' as const }) };
  if (failure) {
    const details = { ...failure.details, rolledBack: true };
    return { ...end, phase: 'Failed', reason: failure.message, failure: { ...failure, details } };
  }
  const words = reason === undefined ? {} : { reason };
  return { ...end, ...words, phase: goal === 'cancel' ? 'Cancelled' : 'RolledBack' };
}

/** Handed to Kubernetes, and confirmed since. */
function settled({ applied, confirmed, earlier }: RolloutState, routing: Routing): boolean {
  return earlier === undefined && sameRouting(applied, routing) && sameRouting(confirmed, routing);
}

/** Whether it is confirmed that green gets nothing: by the last routing that was begun, not only by one before it. */
export function isGreenOut(state: RolloutState): boolean {
  return state.earlier === undefined && possibleRoutings(state).every((routing) => greenShare(routing) === 0);
}

/** What the balancer may be doing now: the confirmed routing, or one that was applied since, by this run or by others. */
function possibleRoutings({ applied, confirmed, earlier, edited }: RolloutState): Routing[] {
  return [applied, confirmed, ...(earlier ? [earlier.applied] : []), ...(edited ? [edited] : [])];
}

/** Paused because a step failed: nothing goes on until a person decides. */
function stuck(state: RolloutState): boolean {
  return state.paused && state.failure !== undefined;
}

function scale(state: RolloutState, side: Side, count: number): Next {
  const present = state.counts[side];
  const ready = count > present || state.goal !== 'forward';
  // Instances that are taken away are gone from here on; those that are added are there when they are ready.
  const counts = { ...state.counts, [side]: Math.min(present, count) };
  return { state: { ...state, counts, scaling: { side, count } }, decision: { kind: 'scale', side, count, ready } };
}

function route(state: RolloutState, routing: Routing, needs: TargetNeed[], after: TargetNeed[]): Next {
  const decision: Decision = { kind: 'route', routing, before: needs, after };
  if (state.earlier !== undefined && sameRouting(state.applied, routing)) return { state, decision };
  const { applied, greenHadWeight } = state;
  const begun: RolloutState = {
    ...state,
    applied: routing,
    greenHadWeight: greenHadWeight || greenShare(routing) > 0,
    earlier: { applied, greenHadWeight },
  };
  return { state: begun, decision };
}

/** Green must be healthy at weight 0 before it gets any weight. Blue must not have fallen ill by this. */
function firstNeeds(plan: RolloutPlan, state: RolloutState, routing: Routing): TargetNeed[] {
  const green = need('green', 'planned');
  const alone = plan.strategy === 'initial' || greenShare(routing) === 100 || illBefore(state, 'blue');
  return alone ? [green] : [need('blue', 'as-before'), green];
}

function illBefore({ blueIllBefore }: RolloutState, side: Side): boolean {
  return side === 'blue' && blueIllBefore === true;
}

/** The sides with weight on any listener: a port that green lacks stays with blue. */
function weightedSides(plan: RolloutPlan, routing: Routing): Side[] {
  const sides = sidesWithWeight(routing, plan.blue !== undefined);
  return plan.portsOnlyBlue.length > 0 && !sides.includes('blue') ? ['blue', ...sides] : sides;
}

function need(side: Side, healthy: TargetNeed['healthy']): TargetNeed {
  return { side, healthy };
}

function stay(plan: RolloutPlan, state: RolloutState): Next {
  return hold(plan, state, 'paused');
}

function hold(plan: RolloutPlan, state: RolloutState, why: 'plan' | 'message' | 'paused', seconds?: number): Next {
  const routing = state.confirmed;
  const watch = state.verified
    ? sidesWithWeight(routing, plan.blue !== undefined).filter(
        (side) => !state.knownIll.includes(side) && !illBefore(state, side),
      )
    : [];
  const rest = seconds === undefined ? {} : { seconds };
  return { state, decision: { kind: 'hold', ...rest, step: state.step, routing, watch, why } };
}
