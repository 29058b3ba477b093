import type {
  ApproveRequest,
  CancelRequest,
  OverrideRequest,
  PauseRequest,
  ResumeAnswer,
} from '../../contract/workshop/messages.ts';
import type { AutoscalerState } from '../../contract/workshop/state.ts';
import type { Observation } from './observation.ts';
import { annotationPause } from './pause.ts';
import { cut } from './readable.ts';
import { readTime } from './times.ts';

/**
 * What messages may ask, and what they change. Signals come unchecked from anywhere, so nothing here trusts a type: a
 * problem is one line that names the field.
 */

const TEXT = 200;
const OVERRIDE_DAYS = 30;
const DAY_MS = 86_400_000;

export function pauseProblem(request: PauseRequest, now: number): string | undefined {
  if (!isObject(request)) return 'the request must be an object with a reason';
  if (typeof request.reason !== 'string' || request.reason.trim() === '') return 'reason is required: say why';
  return textProblem('by', request.by) ?? (request.until === undefined ? undefined : aheadProblem(request.until, now));
}

export function overrideProblem(request: OverrideRequest, now: number): string | undefined {
  if (!isObject(request)) return 'the request must be an object';
  const { maxProvisions, until, by } = request;
  if (maxProvisions === undefined) return textProblem('by', by);
  if (!Number.isSafeInteger(maxProvisions) || maxProvisions < 1) {
    return `maxProvisions is ${show(maxProvisions)}; it must be a whole number of at least 1`;
  }
  if (until === undefined) return 'until is required together with maxProvisions';
  const problem = aheadProblem(until, now) ?? textProblem('by', by);
  const end = readTime(until) ?? now;
  return problem ?? (end > now + OVERRIDE_DAYS * DAY_MS ? `until is more than ${OVERRIDE_DAYS} days ahead` : undefined);
}

export function approvalProblem(state: AutoscalerState, request: ApproveRequest): string | undefined {
  const { approval } = state;
  if (!approval) return 'nothing waits for approval';
  const asked: unknown = isObject(request) ? request.operationId : undefined;
  if (asked === approval.operationId) return textProblem('by', request.by);
  return `operationId is ${show(asked)}; the operation that waits is ${approval.operationId}`;
}

export function cancelProblem(state: AutoscalerState): string | undefined {
  return state.operation || state.approval ? undefined : 'there is no operation to cancel and no approval to drop';
}

export function applyPause(state: AutoscalerState, request: PauseRequest, now: number): AutoscalerState {
  const until = readTime(request.until);
  return {
    ...state,
    pause: {
      reason: cut(request.reason, TEXT),
      ...byOf(request.by),
      since: now,
      ...(until === undefined ? {} : { until }),
    },
  };
}

/** An annotation cannot be resumed by a message: the answer says where it stands. */
export function applyResume(
  { pause, ...state }: AutoscalerState,
  observation: Observation | undefined,
  now: number,
): { state: AutoscalerState; answer: ResumeAnswer } {
  const resumed = pause !== undefined && (pause.until === undefined || pause.until > now);
  const annotation = observation && annotationPause(observation, now);
  return {
    state,
    answer: {
      resumed,
      ...(annotation ? { stillPaused: `the ${annotation.on} has the pause annotation: ${annotation.reason}` } : {}),
    },
  };
}

export function applyApproval(state: AutoscalerState, request: ApproveRequest): AutoscalerState {
  if (!state.approval) return state;
  const { by: grantedBy } = byOf(request.by);
  return {
    ...state,
    approval: { ...state.approval, granted: true, ...(grantedBy === undefined ? {} : { grantedBy }) },
  };
}

/** Drops a pending or granted approval, and marks the operation: the run ends it at its next look. */
export function applyCancel(
  { approval: _, ...state }: AutoscalerState,
  request: CancelRequest | undefined,
): AutoscalerState {
  const { operation } = state;
  return operation ? { ...state, operation: { ...operation, cancelling: cancelWords(request) } } : state;
}

function cancelWords(request: CancelRequest | undefined): string {
  const { reason, by } = request ?? {};
  const who = isText(by) ? `cancelled by ${cut(by, TEXT)}` : 'a person cancelled it';
  return isText(reason) ? `${who}: ${cut(reason, TEXT)}` : who;
}

export function applyOverride(
  { override: _, ...state }: AutoscalerState,
  { maxProvisions, until, by }: OverrideRequest,
): AutoscalerState {
  const end = readTime(until);
  if (maxProvisions === undefined || end === undefined) return state;
  return { ...state, override: { maxProvisions, until: end, ...byOf(by) } };
}

function aheadProblem(until: unknown, now: number): string | undefined {
  const end = typeof until === 'string' ? readTime(until) : undefined;
  if (end === undefined) return `until is ${show(until)}; it must be a time such as 2026-01-31T18:00:00Z`;
  return end <= now ? `until is ${show(until)}, which has passed` : undefined;
}

function textProblem(field: string, value: unknown): string | undefined {
  return value === undefined || typeof value === 'string' ? undefined : `${field} must be text`;
}

function byOf(by: string | undefined): { by?: string } {
  return by === undefined || by === '' ? {} : { by: cut(by, TEXT) };
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value.trim() !== '';
}

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null;
}

function show(value: unknown): string {
  return cut(JSON.stringify(value) ?? 'absent', 60);
}
