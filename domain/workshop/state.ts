import type { Approval, AutoscalerState } from '../../contract/workshop/state.ts';
import type { Decision, DecisionRecord } from '../../contract/workshop/status.ts';
import { clip } from './numbers.ts';
import type { Observation } from './observation.ts';
import { nextEpoch, operationId } from './operation.ts';
import { cut } from './readable.ts';
import { sinceLow } from './scale-down.ts';
import { recommend } from './stabilization.ts';

/** What a run remembers between decisions, and carries through continue-as-new in less than 20 KB. */

const MOST_DECISIONS = 20;
const MESSAGE_LENGTH = 200;

export function newState(uid?: string): AutoscalerState {
  return {
    version: 1,
    ...(uid === undefined ? {} : { uid }),
    epoch: 0,
    timeouts: 0,
    conflicts: [],
    decisions: [],
    counters: { evaluations: 0, countWrites: 0, conflicts: 0, operations: 0, continuations: 0 },
    dirty: true,
  };
}

const MOST_BYTES = 20_000;

/** The state as it is carried: every part of it is bounded, and should one not be, old decisions go first. */
export function bounded(state: AutoscalerState): AutoscalerState {
  let fitting = state;
  while (JSON.stringify(fitting).length > MOST_BYTES && fitting.decisions.length > 0) {
    fitting = { ...fitting, decisions: fitting.decisions.slice(1) };
  }
  return fitting;
}

/** Holds that were reached mean that growth is asked for, and has been since it was first; it is until an operation ends. */
const recommending = ['BackingOff', 'CoolingDown', 'Stabilizing', 'ApprovalRequired', 'Scale'];

/** Few seats are taken, and have been since they were first. */
const calm = ['BelowThreshold', 'EnoughAvailable', 'ScaleDown'];

/**
 * The state after a decision; a dry run is not remembered. `now` is the decision's. `suffix` (8 hex digits) is used when a
 * target begins to wait for approval.
 */
export function remember(
  state: AutoscalerState,
  observation: Observation,
  decision: Decision,
  now: number,
  suffix: string,
): AutoscalerState {
  const { standing, lowSince: _, approval, pause, override, ...rest } = state;
  const { config, inputs, reason, rawTarget } = decision;
  const asked = config && rawTarget !== undefined && recommending.includes(reason);
  const recommended = asked && recommend(standing, inputs.count, clip(rawTarget, inputs, config).target, now);
  const low = config && calm.includes(reason) ? sinceLow(config, inputs, state, now) : undefined;
  const waiting = nextApproval(state, observation, decision, now, suffix);
  return {
    ...rest,
    ...(recommended ? { standing: recommended } : {}),
    ...(low === undefined ? {} : { lowSince: low }),
    ...(waiting ? { approval: waiting } : {}),
    ...(pause && (pause.until === undefined || pause.until > now) ? { pause } : {}),
    ...(override && override.until > now ? { override } : {}),
    decisions: withDecision(state.decisions, decision),
    counters: { ...state.counters, evaluations: state.counters.evaluations + 1 },
  };
}

/** An approval holds while its target is asked for from the same count; it never grows. */
function nextApproval(
  { approval, ...state }: AutoscalerState,
  observation: Observation,
  { reason, target, inputs }: Decision,
  now: number,
  suffix: string,
): Approval | undefined {
  const same = approval?.from === inputs.count;
  // A hold, a pause or a look at less load takes back neither the question nor the answer; another count does.
  if (reason !== 'ApprovalRequired' || target === undefined) return same ? approval : undefined;
  if (same) return { ...approval, target: Math.min(approval.target, target) };
  const id = operationId(nextEpoch(state, observation), suffix);
  return { operationId: id, from: inputs.count, target, since: now, granted: false };
}

function withDecision(records: readonly DecisionRecord[], decision: Decision): DecisionRecord[] {
  const { at, action, reason, target, inputs } = decision;
  const record: DecisionRecord = {
    at,
    lastAt: at,
    times: 1,
    action,
    reason,
    message: cut(decision.message, MESSAGE_LENGTH),
    count: inputs.count,
    ...(target === undefined ? {} : { target }),
    assignedSeats: inputs.assignedSeats,
    totalSeats: inputs.totalSeats,
    inFlightClaims: inputs.inFlightClaims,
  };
  const last = records.at(-1);
  if (last && last.message === record.message && last.reason === reason && last.count === record.count) {
    return [...records.slice(0, -1), { ...record, at: last.at, times: last.times + 1 }];
  }
  return [...records, record].slice(-MOST_DECISIONS);
}
