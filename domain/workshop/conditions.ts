import type { Condition } from '../../contract/workshop/objects.ts';
import type { AutoscalerState } from '../../contract/workshop/state.ts';
import type { Decision, DecisionReason } from '../../contract/workshop/status.ts';
import type { ConfigReading } from './config.ts';
import type { Observation } from './observation.ts';
import { activePause } from './pause.ts';
import { iso } from './times.ts';
import { holdNow } from './trouble.ts';

/** Conditions on provision and workshop. Sorted by type; messages are stable and hold no time. */

type Judgement = Pick<Condition, 'type' | 'status' | 'reason' | 'message'>;

const inactive: DecisionReason[] = [
  'Disabled',
  'InvalidConfig',
  'Ended',
  'EndingSoon',
  'NotStarted',
  'Stopped',
  'ProvisionDisabled',
  'Locked',
  'ScaledToZero',
  'NoSeats',
];

export function provisionConditions(
  observation: Observation,
  state: AutoscalerState,
  decision: Decision,
  now: number,
): Condition[] {
  const judgements = [
    ableToScale(observation, state, decision, now),
    degraded(state),
    scalingActive(decision),
    scalingLimited(state, decision),
  ];
  const { generation = 0, status } = observation.provision ?? {};
  return judgements.map((judgement) => settle(judgement, status?.autoScaling?.conditions ?? [], generation, now));
}

/** The workshop's conditions when they must be written, else undefined: a valid configuration that never failed is silent. */
export function workshopConditions(
  observation: Observation,
  reading: ConfigReading,
  now: number,
): Condition[] | undefined {
  const { workshop } = observation;
  if (!workshop || workshop.deleting || workshop.ignored) return undefined;
  const before = workshop.conditions.find(({ type }) => type === 'ConfigValid');
  const broken = reading.kind === 'invalid' && reading.enabled;
  if (!broken && !before) return undefined;
  const judgement: Judgement = broken
    ? { type: 'ConfigValid', status: 'False', reason: 'InvalidConfig', message: reading.message }
    : { type: 'ConfigValid', status: 'True', reason: 'Valid', message: 'the configuration is valid' };
  if (before?.status === judgement.status && before.message === judgement.message) return undefined;
  const others = workshop.conditions.filter(({ type }) => type !== 'ConfigValid');
  const written = settle(judgement, workshop.conditions, workshop.generation, now);
  return [...others, written].sort((a, b) => (a.type < b.type ? -1 : 1));
}

function ableToScale(observation: Observation, state: AutoscalerState, decision: Decision, now: number): Judgement {
  const type = 'AbleToScale';
  const no = (reason: string, message: string): Judgement => ({ type, status: 'False', reason, message });
  const pause = activePause(observation, state, now);
  if (pause) return no('Paused', pause.reason);
  const hold = holdNow(state, now);
  if (hold) return no('BackingOff', hold.message);
  if ((state.cooldownUntil ?? 0) > now) return no('CoolingDown', 'the last operation ended a short while ago');
  if (decision.reason === 'ApprovalRequired') return no('ApprovalRequired', refusalWords(state, decision));
  return { type, status: 'True', reason: 'Ready', message: 'nothing holds scaling back' };
}

/** Why growth that is asked for is refused, and where an approval is missing, the id that it takes. */
export function refusalWords({ approval }: AutoscalerState, { reason, message }: Decision): string {
  return reason === 'ApprovalRequired' && approval ? `${message}: approve ${approval.operationId}` : message;
}

function degraded({ backoff, trouble }: AutoscalerState): Judgement {
  const type = 'Degraded';
  const cause = trouble ?? (backoff?.reason === 'Conflicts' ? undefined : backoff);
  if (cause) return { type, status: 'True', reason: cause.reason, message: cause.message };
  return { type, status: 'False', reason: 'AsExpected', message: 'operations settle and the API answers' };
}

function scalingActive({ reason, message }: Decision): Judgement {
  const type = 'ScalingActive';
  if (inactive.includes(reason)) return { type, status: 'False', reason, message };
  return { type, status: 'True', reason: 'Measured', message: 'seats are measured' };
}

function scalingLimited({ operation }: AutoscalerState, decision: Decision): Judgement {
  const type = 'ScalingLimited';
  const clips = operation && operation.step !== 'flag' ? operation.clips : decision.clips;
  const atMax = decision.reason === 'AtMax' || clips.includes('AtMax');
  if (atMax) return { type, status: 'True', reason: 'AtMax', message: `the cap is ${decision.inputs.cap}` };
  if (clips.includes('MaxStep')) {
    return {
      type,
      status: 'True',
      reason: 'MaxStep',
      message: `one operation adds at most ${decision.config?.maxStep}`,
    };
  }
  return { type, status: 'False', reason: 'WithinLimits', message: 'no limit lowers the target' };
}

function settle(judgement: Judgement, previous: readonly Condition[], generation: number, now: number): Condition {
  const before = previous.find(({ type }) => type === judgement.type);
  return {
    ...judgement,
    observedGeneration: generation,
    lastTransitionTime: before?.status === judgement.status ? before.lastTransitionTime : iso(now),
  };
}
