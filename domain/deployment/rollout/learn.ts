import type { Failure } from '../../../contract/failures.ts';
import type { Warning } from '../../../contract/scope/status.ts';
import { unheard } from '../../../contract/warnings.ts';
import { nextStep } from '../traffic-plan.ts';
import { isStillDecided } from './decide.ts';
import { before, greenShare, type Routing, sameRouting, weighted } from './routing.ts';
import type { Decision, Outcome, RolloutPlan, RolloutState } from './types.ts';

/** What a rollout knows after a step (specs: deployment, sections 7 and 10). */

/** A second edit by others within this time also pauses; seconds. */
const PUT_BACK_AGAIN_SECONDS = 600;

/** Refusals that our own objects cause: on a balancer they block every scope of it, at a gateway the scope's own traffic. */
const REFUSALS = ['CertificateMissing', 'ControllerRefused', 'RouteNotAccepted'];

export function learn(plan: RolloutPlan, state: RolloutState, decision: Decision, outcome: Outcome): RolloutState {
  switch (outcome.kind) {
    case 'done':
      return warned(pausedByIllness(succeeded(plan, state, decision), outcome.illBefore), outcome.warnings ?? []);
    case 'failed':
      if (abandoned(plan, state, decision)) return learn(plan, state, decision, { ...outcome, kind: 'interrupted' });
      return failed(plan, attempted(state, outcome.applied), decision, outcome.failure);
    case 'interrupted':
      return rested(attempted(state, outcome.applied), decision, outcome.restSeconds);
    case 'ill':
      return ill(plan, rested(state, decision, outcome.restSeconds), outcome.side, outcome.failure);
    case 'changed':
      return changed(rested(state, decision, outcome.restSeconds), outcome);
  }
}

function succeeded(plan: RolloutPlan, state: RolloutState, decision: Decision): RolloutState {
  switch (decision.kind) {
    case 'apply':
      return { ...state, greenApplied: 'yes' };
    case 'wait':
      return { ...state, greenReady: true };
    case 'scale': {
      const { scaling: _, ...rest } = state;
      return { ...rest, counts: { ...state.counts, [decision.side]: decision.count } };
    }
    case 'route':
      return routed(plan, state, decision);
    case 'hold': {
      const { holdRest: _, ...rest } = state;
      return rest;
    }
    case 'drain':
      return { ...state, drained: [...state.drained, decision.side] };
    case 'delete':
      return { ...state, removed: [...state.removed, decision.what] };
    case 'end':
      return { ...state, end: decision.end };
  }
}

function routed(
  plan: RolloutPlan,
  state: RolloutState,
  { routing }: Extract<Decision, { kind: 'route' }>,
): RolloutState {
  const { repair, earlier: _, edited: __, ...rest } = state;
  const next: RolloutState = { ...rest, applied: routing, confirmed: routing };
  if (repair !== undefined) return next;
  const percent = greenShare(routing);
  const byHand = state.wanted?.by === 'message' && state.wanted.percent === percent;
  if (byHand) delete next.holdRest;
  return {
    ...next,
    percent,
    verified: state.verified || state.goal === 'forward',
    knownIll: [],
    ...(byHand ? { step: nextStep(plan.traffic, percent) } : {}),
  };
}

/** A message or a cancellation turned the rollout back while the step was failing: that does not hinder the way back. */
function abandoned(plan: RolloutPlan, state: RolloutState, decision: Decision): boolean {
  return state.goal !== 'forward' && !isStillDecided(plan, state, decision);
}

/** What a step was about to do is forgotten when it never reached Kubernetes, neither now nor in an attempt before. */
function attempted(state: RolloutState, applied = true): RolloutState {
  const { earlier, ...rest } = state;
  if (!earlier || earlier.handedOver) return state;
  return applied ? { ...state, earlier: { ...earlier, handedOver: true } } : { ...rest, ...earlier };
}

function failed(plan: RolloutPlan, given: RolloutState, decision: Decision, failure: Failure): RolloutState {
  if (given.removalBegun && given.goal === 'forward') {
    return {
      ...given,
      failure,
      end: { phase: 'Failed', active: 'green', percent: 100, reason: failure.message, failure },
    };
  }
  const { repair, ...state } = given;
  const refused = decision.kind === 'route' && REFUSALS.includes(failure.type);
  if (given.goal !== 'forward') {
    const onwards = decision.kind === 'route' ? past(given, decision.routing, refused) : undefined;
    if (!onwards) return incomplete(plan, given, failure);
    return warned(onwards, [{ code: failure.type, message: `${failure.message}. The way back goes on without it` }]);
  }
  return react(plan, refused && repair === undefined ? toPutBack(state) : state, failure);
}

/** A refusal of our own making is undone before anything else, also on the way back; what others had written is replaced by then. */
function toPutBack({ edited: _, ...state }: RolloutState): RolloutState {
  return { ...state, repair: state.confirmed };
}

/**
 * The way back without a routing that was to be put back first, for what follows takes its place, or without one that was refused:
 * green, which it also names, may have lost a Service.
 */
function past({ repair, ...state }: RolloutState, routing: Routing, refused: boolean): RolloutState | undefined {
  if (repair !== undefined) return state;
  // Blue is healthy and was to get everything.
  return refused && !state.straightBack && sameRouting(routing, weighted(0))
    ? { ...state, straightBack: true }
    : undefined;
}

/** `onFailure`: back, or stop and wait for a person. */
function react(plan: RolloutPlan, state: RolloutState, failure: Failure): RolloutState {
  if (plan.traffic.onFailure === 'pause') {
    return { ...state, failure, paused: true, pauseReason: `${failure.type}: ${failure.message}` };
  }
  const { pauseReason: _, wanted: __, kept: ___, holdRest: ____, ...rest } = state;
  return { ...rest, failure, paused: false, goal: 'rollback', reason: failure.message };
}

/** The way back could not be finished: nothing more is touched, and what is left is named. */
function incomplete(plan: RolloutPlan, state: RolloutState, cause: Failure): RolloutState {
  const leftovers = [
    ...(sameRouting(state.applied, before) && sameRouting(state.confirmed, before) && state.earlier === undefined
      ? []
      : ['routing of the scope: not as it was before this rollout']),
    ...(state.greenApplied === 'no' || state.removed.includes('green')
      ? []
      : [`objects of deployment ${plan.green}: kept`]),
  ];
  const first = state.failure ? ` It was rolled back because of ${state.failure.type}: ${state.failure.message}.` : '';
  const failure: Failure = {
    type: 'CompensationIncomplete',
    message:
      `the way back to ${plan.blue ?? 'no deployment'} could not be finished: ${cause.message}.${first} ` +
      `Nothing more was touched; act on the cause and start ${plan.green} again.`,
    details: { leftovers, cause, ...(state.failure ? { failure: state.failure } : {}), rolledBack: false },
  };
  return { ...state, end: { phase: 'Failed', percent: state.percent, reason: cause.message, failure } };
}

/** Blue was ill before the rollout touched it: that stops nothing, but there is no way back, so a person decides. */
function pausedByIllness(state: RolloutState, words: string | undefined): RolloutState {
  if (words === undefined || state.goal !== 'forward') return state;
  const pauseReason = `${words}, already before this rollout`;
  const message = `${pauseReason}. There is no way back to it: the rollout is paused; resume it, or switch to 100`;
  const paused: RolloutState = { ...heldBack(state), blueIllBefore: true, paused: true, pauseReason };
  return warned(paused, [{ code: 'BlueUnhealthy', message }]);
}

/** A pause comes after the switch that is kept. */
export function heldBack(state: RolloutState): RolloutState {
  return state.kept ? { ...state, kept: { ...state.kept, whilePaused: false } } : state;
}

function rested(state: RolloutState, decision: Decision, restSeconds: number | undefined): RolloutState {
  if (decision.kind !== 'hold' || decision.seconds === undefined) return state;
  return { ...state, holdRest: restSeconds ?? decision.seconds };
}

function ill(plan: RolloutPlan, state: RolloutState, side: 'blue' | 'green', failure: Failure): RolloutState {
  const known: RolloutState = { ...state, knownIll: [...state.knownIll, side] };
  if (side === 'green') return react(plan, known, failure);
  const message = `${failure.message}. Going back would make it worse: the rollout is paused`;
  const paused: RolloutState = { ...known, paused: true, pauseReason: failure.message };
  return warned(paused, [{ code: 'BlueUnhealthy', message }]);
}

function changed(
  state: RolloutState,
  { at, percent, words }: Omit<Extract<Outcome, { kind: 'changed' }>, 'kind'>,
): RolloutState {
  const again = state.putBackAt !== undefined && at - state.putBackAt <= PUT_BACK_AGAIN_SECONDS * 1000;
  const message = `${words}: put back${again ? ', and paused because it happened twice' : ''}`;
  const pause = again ? { paused: true, pauseReason: `the rules were changed twice: ${words}` } : {};
  const greenHadWeight = state.greenHadWeight || percent > 0;
  const putBack = { repair: state.confirmed, edited: weighted(percent), greenHadWeight, putBackAt: at };
  return warned({ ...state, ...pause, ...putBack }, [{ code: 'RulesChanged', message }]);
}

/** Adds warnings that are not known yet. */
export function warned(state: RolloutState, warnings: readonly Warning[]): RolloutState {
  const fresh = unheard(state.warnings, warnings);
  return fresh.length === 0 ? state : { ...state, warnings: [...state.warnings, ...fresh] };
}
