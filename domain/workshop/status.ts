import type { ProvisionAutoscalerInput } from '../../contract/workshop/input.ts';
import type { ProvisionAutoScaling } from '../../contract/workshop/objects.ts';
import type { AutoscalerState, Operation } from '../../contract/workshop/state.ts';
import type { AutoscalerPhase, AutoscalerStatus, Decision, OperationStatus } from '../../contract/workshop/status.ts';
import { provisionConditions } from './conditions.ts';
import { fingerprint } from './fingerprint.ts';
import type { Observation } from './observation.ts';
import { deadlineOf } from './operation.ts';
import type { StatusKeys } from './patches.ts';
import { activePause } from './pause.ts';
import type { WorkshopTimings } from './settings.ts';
import { iso } from './times.ts';
import { holdNow } from './trouble.ts';

/** What is told of an autoscaler: on the provision (specs: workshop autoscaling, section 5) and to who asks the run. */

export function phaseOf(state: AutoscalerState, decision: Decision | undefined, now: number): AutoscalerPhase {
  const { operation } = state;
  if (decision?.reason === 'ProvisionGone' || decision?.reason === 'WorkshopGone') return 'Gone';
  if (operation) return operation.step === 'flag' || operation.step === 'count' ? 'Scaling' : 'Waiting';
  if (decision?.reason === 'Paused') return 'Paused';
  if ((holdNow(state, now)?.reason ?? 'Conflicts') !== 'Conflicts') return 'Degraded';
  if (decision?.reason === 'ApprovalRequired') return 'AwaitingApproval';
  return (state.cooldownUntil ?? 0) > now ? 'CoolingDown' : 'Idle';
}

/**
 * Our keys of the provision's status. What is known of the last operation stays, its id above all: the next epoch is
 * counted from it.
 */
export function provisionStatus(
  observation: Observation,
  state: AutoscalerState,
  decision: Decision,
  now: number,
  workflowId: string,
): StatusKeys {
  const before = observation.provision?.status.autoScaling ?? {};
  const { operation } = state;
  const { inputs } = decision;
  const lastScaleTime = state.lastScaleAt === undefined ? before.lastScaleTime : iso(state.lastScaleAt);
  const lastResult = state.lastResult ?? before.lastResult;
  return {
    autoScaling: {
      ...(operation ? operationKeys(operation) : keptKeys(before)),
      phase: phaseOf(state, decision, now),
      reason: decision.reason,
      message: decision.message,
      ...(lastScaleTime === undefined ? {} : { lastScaleTime }),
      ...(lastResult === undefined ? {} : { lastResult }),
      ...(inputs.utilization === null ? {} : { utilization: Math.round(inputs.utilization * 100) / 100 }),
      assignedSeats: inputs.assignedSeats,
      totalSeats: inputs.totalSeats,
      inFlightClaims: inputs.inFlightClaims,
      observedGeneration: inputs.generation,
      observed: fingerprint(observation),
      workflowId,
      conditions: provisionConditions(observation, state, decision, now),
    },
    assignedCount: observation.seats.provision.assigned,
  };
}

/**
 * Whether the keys are to be written: `now` on a change of phase, reason, result, operation or condition, numbers alone once
 * in a while, never when nothing differs. A provision that is gone or ignored is not touched, and neither is one of a
 * workshop that never enabled autoscaling.
 */
export function statusWrite(
  observation: Observation,
  next: StatusKeys,
  decision: Decision,
  writtenAt: number | undefined,
  now: number,
  timings: WorkshopTimings,
): 'none' | 'now' | 'later' {
  const { provision } = observation;
  if (!provision || ['ProvisionGone', 'WorkshopGone', 'Ignored'].includes(decision.reason)) return 'none';
  const before = provision.status.autoScaling;
  if (decision.reason === 'Disabled' && !before) return 'none';
  if (!before || outline(before) !== outline(next.autoScaling)) return 'now';
  const same = sameValue({ ...before, conditions: [] }, { ...next.autoScaling, conditions: [] });
  if (same && provision.status.assignedCount === next.assignedCount) return 'none';
  return writtenAt === undefined || now - writtenAt >= timings.statusInterval * 1000 ? 'now' : 'later';
}

/** As a metric, which keeps its last value: without seats, or without a run that looks, it is none that is an alarm. */
export function shownUtilization(decision: Decision | undefined): number {
  return decision?.inputs.utilization ?? 0;
}

/** Answer of `getStatus`. */
export function autoscalerStatus(
  address: ProvisionAutoscalerInput,
  state: AutoscalerState,
  look: { observation: Observation; decision: Decision } | undefined,
  nextEvaluation: number | undefined,
  now: number,
): AutoscalerStatus {
  const { cluster, namespace, name } = address;
  const { operation, override, approval } = state;
  const hold = holdNow(state, now);
  const paused = look && activePause(look.observation, state, now);
  const uid = look?.observation.provision?.uid ?? state.uid ?? address.uid;
  const workshop = look?.observation.workshop?.name;
  return {
    cluster,
    namespace,
    provision: name,
    ...(workshop === undefined ? {} : { workshop }),
    ...(uid === undefined ? {} : { uid }),
    phase: phaseOf(state, look?.decision, now),
    ...(look ? { decision: look.decision } : {}),
    ...(operation ? { operation: operationStatus(operation) } : {}),
    ...(nextEvaluation === undefined ? {} : { nextEvaluation: iso(nextEvaluation) }),
    ...(paused ? { paused } : {}),
    ...(override && override.until > now
      ? {
          override: {
            maxProvisions: override.maxProvisions,
            until: iso(override.until),
            ...(override.by === undefined ? {} : { by: override.by }),
          },
        }
      : {}),
    ...(approval
      ? {
          approval: {
            operationId: approval.operationId,
            fromCount: approval.from,
            targetCount: approval.target,
            granted: approval.granted,
          },
        }
      : {}),
    ...((state.cooldownUntil ?? 0) > now ? { cooldownUntil: iso(state.cooldownUntil ?? 0) } : {}),
    ...(hold ? { backoff: { reason: hold.reason, message: hold.message, until: iso(hold.until) } } : {}),
    ...(state.lastResult === undefined ? {} : { lastResult: state.lastResult }),
    ...(state.lastScaleAt === undefined ? {} : { lastScaleTime: iso(state.lastScaleAt) }),
    counters: state.counters,
  };
}

function operationStatus(operation: Operation): OperationStatus {
  return {
    id: operation.id,
    direction: operation.direction,
    step: operation.step,
    fromCount: operation.from,
    targetCount: operation.target,
    startedAt: iso(operation.startedAt),
    deadline: iso(deadlineOf(operation)),
  };
}

function operationKeys(operation: Operation): ProvisionAutoScaling {
  const { id: operationId, fromCount, targetCount, startedAt, deadline } = operationStatus(operation);
  return { operationId, fromCount, targetCount, startedAt, deadline };
}

function keptKeys({ operationId, fromCount, targetCount, startedAt }: ProvisionAutoScaling): ProvisionAutoScaling {
  return {
    ...(operationId === undefined ? {} : { operationId }),
    ...(fromCount === undefined ? {} : { fromCount }),
    ...(targetCount === undefined ? {} : { targetCount }),
    ...(startedAt === undefined ? {} : { startedAt }),
  };
}

/** What a write must not wait for. */
function outline(keys: ProvisionAutoScaling): string {
  const { operationId, phase, reason, targetCount, lastResult, workflowId, conditions = [] } = keys;
  const shapes = conditions.map(({ type, status, reason: why }) => [type, status, why]);
  return JSON.stringify([operationId, phase, reason, targetCount, lastResult, workflowId, shapes]);
}

/** Equal whatever the order of keys, which the API server changes. */
function sameValue(a: object, b: object): boolean {
  const sorted = (value: object) => JSON.stringify(Object.entries(value).sort(([x], [y]) => (x < y ? -1 : 1)));
  return sorted(a) === sorted(b);
}
