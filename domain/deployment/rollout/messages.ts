import type { DeploymentPhase } from '../../../contract/deployment/status.ts';
import { heldBack, warned } from './learn.ts';
import type { MessageVerdict, RolloutMessage, RolloutPlan, RolloutState } from './types.ts';

/** Which message fits which phase, what it changes, and why one is refused (specs: deployment, section 2). Read-only. */

const open: readonly DeploymentPhase[] = ['Creating', 'WaitingForInstances', 'Verifying', 'Running'];

export function accept(plan: RolloutPlan, state: RolloutState, message: RolloutMessage): MessageVerdict {
  switch (message.name) {
    case 'switchTraffic':
      return switchTraffic(plan, state, message.percent);
    case 'finalize':
      return finalize(plan, state);
    case 'rollback':
      return rollback(state, message.reason);
    case 'pause':
      return pause(state, message.reason);
    case 'resume':
      return resume(state);
    case 'retryNow':
      return { accepted: true, answer: 'begun', state };
  }
}

/** Cancellation is a rollback; from the point of no return on it comes too late. */
export function requestCancel(state: RolloutState): RolloutState {
  if (state.end || state.goal !== 'forward') return state;
  if (state.removalBegun) {
    const message = 'the old side was already being removed when the run was cancelled: the removal is completed';
    return warned(state, [{ code: 'CancelledTooLate', message }]);
  }
  return turnedBack(state, 'cancel', 'the run was cancelled');
}

function switchTraffic(plan: RolloutPlan, state: RolloutState, percent: number): MessageVerdict {
  if (!Number.isInteger(percent) || percent < 0 || percent > 100) {
    return refused(`percent must be a whole number 0-100, got ${JSON.stringify(percent)}`);
  }
  if (plan.strategy === 'initial') return refused('an initial rollout has no other version to share traffic with');
  const { phase, paused, wanted, failure } = state;
  if (phase !== 'WaitingForInstances' && phase !== 'Verifying' && phase !== 'Running')
    return notIn('switchTraffic', state);
  // Of several switches the last one counts.
  const { kept: _, ...rest } = state;
  if (phase === 'Running' && wanted === undefined && percent === state.percent) {
    return { accepted: true, answer: 'done', state: rest };
  }
  if (wanted !== undefined && !(paused && failure !== undefined)) {
    return refused(`a switch to ${wanted.percent} % is under way: wait until it is confirmed`);
  }
  const planRuns = plan.traffic.steps.length > 0 && !paused && !planIsOver(plan, state);
  if (planRuns) return refused('a traffic plan is running: pause it first');
  if (phase !== 'Running')
    return { accepted: true, answer: 'kept', state: { ...rest, kept: { percent, whilePaused: paused } } };
  const { failure: __, ...cured } = rest;
  return { accepted: true, answer: 'begun', state: { ...cured, wanted: { percent, by: 'message' } } };
}

function planIsOver(plan: RolloutPlan, state: RolloutState): boolean {
  return state.step >= plan.traffic.steps.length && (state.holdRest ?? 0) === 0 && state.verified;
}

function finalize(plan: RolloutPlan, state: RolloutState): MessageVerdict {
  if (plan.strategy === 'initial') return refused('an initial rollout is finalized by itself when it is verified');
  if (state.phase === 'Finalizing') return { accepted: true, answer: 'joined', state };
  if (state.phase !== 'Running') return notIn('finalize', state);
  const { wanted, percent } = state;
  if (wanted !== undefined) return refused(`a switch to ${wanted.percent} % is under way (${percent} % confirmed)`);
  if (percent !== 100) return refused(`the new version has ${percent} % of the traffic: switch to 100 first`);
  const { kept: _, holdRest: __, failure: ___, pauseReason: ____, ...rest } = state;
  return { accepted: true, answer: 'begun', state: { ...rest, phase: 'Finalizing', paused: false, finalizing: true } };
}

function rollback(state: RolloutState, reason: string): MessageVerdict {
  if (typeof reason !== 'string' || reason.trim() === '') return refused('reason is required: say why');
  if (state.phase === 'RollingBack') return { accepted: true, answer: 'joined', state };
  if (state.removalBegun) return refused('the old version is already being removed: there is no way back');
  if (state.phase !== 'Finalizing' && !open.includes(state.phase)) return notIn('rollback', state);
  return { accepted: true, answer: 'begun', state: turnedBack(state, 'rollback', reason.trim()) };
}

function pause(state: RolloutState, reason: string | undefined): MessageVerdict {
  if (!open.includes(state.phase)) return notIn('pause', state);
  if (state.removalBegun) return refused('the old version is already being removed: that is not left half done');
  if (state.paused) return { accepted: true, answer: 'joined', state: heldBack(state) };
  const words = reason === undefined || reason.trim() === '' ? {} : { pauseReason: reason.trim() };
  return { accepted: true, answer: 'begun', state: { ...heldBack(state), ...words, paused: true } };
}

function resume(state: RolloutState): MessageVerdict {
  if (!state.paused) return refused('the rollout is not paused');
  const { pauseReason: _, failure: __, ...rest } = state;
  return { accepted: true, answer: 'begun', state: { ...rest, paused: false, knownIll: [] } };
}

/**
 * A failure that a person answers with a rollback becomes a warning: the run ends as they asked. Weights that others edited are not
 * put back first, for the way back replaces them; a refusal of our own making is undone first, because it blocks the whole balancer.
 */
function turnedBack(state: RolloutState, goal: 'rollback' | 'cancel', reason: string): RolloutState {
  const { failure, pauseReason: _, wanted: __, kept: ___, holdRest: ____, repair, ...rest } = state;
  const phase = goal === 'cancel' ? 'Cancelling' : 'RollingBack';
  const undone = repair === undefined || rest.edited ? {} : { repair };
  const back: RolloutState = { ...rest, ...undone, phase, goal, reason, paused: false };
  return failure ? warned(back, [{ code: failure.type, message: failure.message }]) : back;
}

function notIn(name: string, { phase }: RolloutState): MessageVerdict {
  return refused(`${name} is not possible in phase ${phase}`);
}

function refused(reason: string): MessageVerdict {
  return { accepted: false, reason };
}
