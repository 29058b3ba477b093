import type { AutoScalingConfig } from '../../contract/workshop/input.ts';
import type { AutoscalerState, Backoff, NamedCount, Operation } from '../../contract/workshop/state.ts';
import type { Decision, OperationResult } from '../../contract/workshop/status.ts';
import type { ConfigReading } from './config.ts';
import { breakerOpen, type Observation } from './observation.ts';
import { nextRemoval } from './scale-down.ts';
import type { WorkshopTimings } from './settings.ts';
import { readTime } from './times.ts';

/** The life of an operation (specs: workshop autoscaling, section 4): pure, the workflow only carries it out. */

/** `<epoch>-<8 hex>`. */
export function operationId(epoch: number, suffix: string): string {
  return `${epoch}-${suffix}`;
}

/** Of anything that is no operation id: 0. */
export function epochOf(id: string | null | undefined): number {
  const digits = /^(\d{1,15})-[0-9a-f]{8}$/.exec(id ?? '')?.[1];
  return digits === undefined ? 0 : Number(digits);
}

/** One more than any epoch seen: a write of an older one can then never follow a newer one. */
export function nextEpoch(state: Pick<AutoscalerState, 'epoch'>, { provision }: Observation): number {
  const seen = [provision?.operationAnnotation, provision?.status.autoScaling?.operationId].map(epochOf);
  return 1 + Math.max(state.epoch, ...seen);
}

/** The state with an operation whose flag is the next thing to write. `suffix` is 8 hex digits. */
export function startOperation(
  decision: Decision,
  observation: Observation,
  state: AutoscalerState,
  suffix: string,
  now: number,
  timings: WorkshopTimings,
): AutoscalerState {
  const next = nextEpoch(state, observation);
  const approved = state.approval?.granted === true && epochOf(state.approval.operationId) === next;
  const id = approved && state.approval ? state.approval.operationId : operationId(next, suffix);
  const { claims, provision } = observation;
  const operation: Operation = {
    id,
    epoch: next,
    direction: decision.action === 'scaleDown' ? 'down' : 'up',
    step: 'flag',
    from: decision.inputs.count,
    target: decision.target ?? decision.inputs.count,
    clips: decision.clips,
    fence: provision?.operationAnnotation ?? null,
    startedAt: now,
    timeoutSeconds: (decision.config?.completionTimeoutSeconds ?? 7200) * timings.secondsScale,
    progressAt: now,
    ...(claims.newest === undefined ? {} : { newestClaim: claims.newest }),
    mostLive: claims.live,
    failedAtStart: claims.failed,
  };
  return { ...state, epoch: next, operation };
}

/** The count stands on the object: from now on it is waited for. */
export function countWritten(state: AutoscalerState, now: number): AutoscalerState {
  const { operation, counters } = state;
  if (!operation) return state;
  const step = operation.direction === 'up' ? 'wait' : 'delete';
  return {
    ...state,
    operation: { ...operation, step, progressAt: now },
    lastScaleAt: now,
    counters: { ...counters, countWrites: counters.countWrites + 1, operations: counters.operations + 1 },
  };
}

/** Flag or count is still to be written, or its answer was lost. */
export function isUnwritten({ step }: Operation): boolean {
  return step === 'flag' || step === 'count';
}

/** The count of this operation stood on the object: its annotation tells, also when somebody changed the count right after. */
export function isMarked({ id }: Operation, { provision }: Observation): boolean {
  return provision?.operationAnnotation === id;
}

export type Review =
  /** Look again later; the operation may have a new target or deadline. */
  | { verdict: 'wait'; operation: Operation }
  | { verdict: 'end'; result: OperationResult; message: string }
  /** Scale-down: remove this claim next, or raise the count to the claims that survived, and look again. */
  | { verdict: 'remove'; operation: Operation; claim: NonNullable<ReturnType<typeof nextRemoval>> }
  | { verdict: 'raise'; operation: Operation; count: number }
  /** Ignored: not even the flag is cleared. */
  | { verdict: 'handsOff'; message: string }
  | { verdict: 'gone'; reason: 'ProvisionGone' | 'WorkshopGone' };

/** What becomes of an operation whose count was written. */
export function reviewOperation(
  operation: Operation,
  observation: Observation,
  reading: ConfigReading,
  now: number,
): Review {
  const { provision, workshop, claims } = observation;
  if (!provision || provision.deleting) return { verdict: 'gone', reason: 'ProvisionGone' };
  if (!workshop || workshop.deleting) return { verdict: 'gone', reason: 'WorkshopGone' };
  if (provision.ignored || workshop.ignored) return { verdict: 'handsOff', message: 'the ignore label is set' };
  if (!isEnabled(reading)) return end('Cancelled', 'autoScaling was disabled');
  const { count } = provision;
  const other = operation.direction === 'down' && count !== operation.target && !isRaised(operation, observation);
  if (count === null || count < operation.target || other) {
    return end('Superseded', `count was changed from ${operation.target} to ${count}`);
  }
  const followed = follow(operation, observation, count, now);
  if (operation.direction === 'down') return reviewRemoval(followed, observation, now);

  const active = `${claims.active} of ${count} claims are active`;
  const existing = claims.provisioning === 0;
  if (existing && (claims.live >= count || breakerOpen(claims.failed.count, count))) {
    const failures = newFailures(operation.failedAtStart, claims.failed);
    return failures.count > 0
      ? end('PartiallyFailed', `${active}, ${failedWords(failures)}`)
      : end('Succeeded', active);
  }
  return timedOut(followed, now, active) ?? { verdict: 'wait', operation: followed };
}

/** The end of the wait, in milliseconds. */
export function deadlineOf(operation: Operation): number {
  return operation.progressAt + operation.timeoutSeconds * 1000;
}

/** The state after an operation ended: no operation, a cool-down, and a back-off when it timed out. */
export function endOperation(
  state: AutoscalerState,
  result: OperationResult,
  now: number,
  config: AutoScalingConfig | undefined,
  timings: WorkshopTimings,
): AutoscalerState {
  const { operation, approval: _approval, standing: _standing, lowSince: _lowSince, backoff, ...rest } = state;
  const timeouts = result === 'TimedOut' ? state.timeouts + 1 : result === 'Succeeded' ? 0 : state.timeouts;
  const seconds = Math.min(timings.backoffMax, timings.backoffFirst * 2 ** Math.min(timeouts - 1, 30));
  const message = `the last ${timeouts === 1 ? 'operation' : `${timeouts} operations`} timed out`;
  const hold: Backoff | undefined =
    result === 'TimedOut'
      ? { until: now + seconds * 1000, reason: 'TimedOut', message }
      : result === 'Succeeded'
        ? undefined
        : backoff;
  return {
    ...rest,
    ...(hold ? { backoff: hold } : {}),
    timeouts,
    cooldownUntil: now + (config?.cooldownSeconds ?? 120) * timings.secondsScale * 1000,
    lastResult: result,
    ...(operation?.direction === 'up' ? { lastGrowthAt: now } : {}),
    conflicts: [],
  };
}

export type Adoption =
  /** The count was never written: decide anew, as if the flag were not set; then go on, or clear it. */
  | { kind: 'decideAgain' }
  | { kind: 'wait'; operation: Operation }
  | { kind: 'clear'; result: OperationResult; message: string };

/** What to make of a flag that this run knows nothing of: its run was terminated, or its state was lost (4.8). */
export function adopt(observation: Observation, now: number, timeoutSeconds: number): Adoption {
  const { provision, claims } = observation;
  const status = provision?.status.autoScaling;
  const { operationId: id, fromCount, targetCount } = status ?? {};
  const count = provision?.count ?? null;
  if (id === undefined || epochOf(id) === 0 || !isCount(fromCount) || !isCount(targetCount) || count === null) {
    return { kind: 'clear', result: 'Cancelled', message: 'the flag was set without an operation' };
  }
  if (count === fromCount && provision?.operationAnnotation !== id) return { kind: 'decideAgain' };
  const direction = targetCount < fromCount ? 'down' : 'up';
  if (count < targetCount || (direction === 'down' && count !== targetCount)) {
    return { kind: 'clear', result: 'Superseded', message: `count was changed from ${targetCount} to ${count}` };
  }
  const startedAt = readTime(status?.startedAt) ?? now;
  const deadline = readTime(status?.deadline);
  const newest = readTime(claims.newest) ?? 0;
  const written = deadline === undefined ? startedAt : deadline - timeoutSeconds * 1000;
  return {
    kind: 'wait',
    operation: {
      id,
      epoch: epochOf(id),
      direction,
      step: direction === 'up' ? 'wait' : 'delete',
      from: fromCount,
      target: count,
      clips: [],
      fence: provision?.operationAnnotation ?? null,
      startedAt,
      timeoutSeconds,
      progressAt: Math.min(now, Math.max(written, newest)),
      ...(claims.newest === undefined ? {} : { newestClaim: claims.newest }),
      mostLive: claims.live,
      failedAtStart: claims.failed,
    },
  };
}

/** The observation as it would be without the flag, for a decision after `decideAgain`. */
export function withoutFlag(observation: Observation): Observation {
  if (!observation.provision) return observation;
  const { autoScalingActive: _, ...status } = observation.provision.status;
  return { ...observation, provision: { ...observation.provision, status } };
}

const MINUTE_MS = 60_000;

/** Counts a conflict of the count write; more than a few within a minute are a hold, and the flag is cleared. */
export function noteConflict(
  state: AutoscalerState,
  now: number,
  timings: WorkshopTimings,
): { state: AutoscalerState; backOff: boolean } {
  const conflicts = [...state.conflicts.filter((at) => at > now - MINUTE_MS), now];
  const counters = { ...state.counters, conflicts: state.counters.conflicts + 1 };
  if (conflicts.length <= timings.conflictsPerMinute)
    return { state: { ...state, conflicts, counters }, backOff: false };
  const message = `${conflicts.length} conflicts within a minute: others keep changing the count`;
  const backoff: Backoff = { until: now + timings.conflictBackoff * 1000, reason: 'Conflicts', message };
  return { state: { ...state, conflicts: [], counters, backoff }, backOff: true };
}

function follow(operation: Operation, { claims }: Observation, count: number, now: number): Operation {
  const raised = count > operation.target;
  const newer = claims.newest !== undefined && claims.newest > (operation.newestClaim ?? '');
  const more = claims.live > operation.mostLive;
  const fewer = operation.direction === 'down' && claims.live < operation.mostLive;
  return {
    ...operation,
    target: count,
    ...(raised || newer || more || fewer ? { progressAt: now } : {}),
    ...(claims.newest === undefined ? {} : { newestClaim: claims.newest }),
    mostLive: fewer ? claims.live : Math.max(operation.mostLive, claims.live),
  };
}

/** However a removal ends, the count is first raised to the claims that are left. */
function reviewRemoval(operation: Operation, observation: Observation, now: number): Review {
  const { live } = observation.claims;
  const left = `${live} claims are left`;
  const late = timedOut(operation, now, left);
  const claim = nextRemoval(observation, operation);
  if (claim && !late) return { verdict: 'remove', operation, claim };
  if (live > operation.target) return { verdict: 'raise', operation, count: live };
  return late ?? end('Succeeded', left);
}

/** The count that a removal leaves behind, when its claims are not counted any more; undefined: nothing is to be written. */
export function survivors(operation: Operation, observation: Observation, reading: ConfigReading): number | undefined {
  const { provision, claims } = observation;
  const { direction, target } = operation;
  if (direction !== 'down' || !isMarked(operation, observation) || !isEnabled(reading)) return undefined;
  return provision?.count === target && claims.live > target ? claims.live : undefined;
}

/** The raise was written and its answer lost: the annotation is ours, and the count that of the claims. */
function isRaised(operation: Operation, observation: Observation): boolean {
  return isMarked(operation, observation) && observation.provision?.count === observation.claims.live;
}

function timedOut(operation: Operation, now: number, state: string): Review | undefined {
  if (now < deadlineOf(operation)) return undefined;
  return end('TimedOut', `no new claim and no end within ${operation.timeoutSeconds} s: ${state}`);
}

/** By name where both lists are whole, so that a removed failure cannot hide a new one; else by number. */
function newFailures(before: NamedCount, now: NamedCount): NamedCount {
  if (before.count > before.names.length || now.count > now.names.length)
    return { count: Math.max(0, now.count - before.count), names: [] };
  const names = now.names.filter((name) => !before.names.includes(name));
  return { count: names.length, names };
}

function failedWords({ count, names }: NamedCount): string {
  return `${count} failed${names.length > 0 ? `: ${[...names].sort().join(', ')}` : ''}`;
}

function isEnabled(reading: ConfigReading): boolean {
  return reading.kind === 'valid' ? reading.config.enabled : reading.kind === 'invalid' && reading.enabled;
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

const end = (result: OperationResult, message: string): Review => ({ verdict: 'end', result, message });
