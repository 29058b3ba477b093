import type { AutoScalingConfig } from '../../contract/workshop/input.ts';
import { workshopAnnotations } from '../../contract/workshop/objects.ts';
import type { AutoscalerState } from '../../contract/workshop/state.ts';
import type { Clip, DecisionReason } from '../../contract/workshop/status.ts';
import type { ConfigReading } from './config.ts';
import type { ScalingNumbers } from './numbers.ts';
import { LONGEST_FENCE, type Observation } from './observation.ts';
import { activePause } from './pause.ts';
import { schedulesOf } from './schedule.ts';
import type { WorkshopTimings } from './settings.ts';
import { recommend, smallestSince } from './stabilization.ts';
import { readTime } from './times.ts';
import { holdNow } from './trouble.ts';

/** The checks of a decision in their order (specs: workshop autoscaling, section 3.1). The first that stops is the answer. */

export interface Facts {
  observation: Observation;
  reading: ConfigReading;
  /** The defaults where the reading is absent or invalid: checks 3 and 4 stop before they matter. */
  config: AutoScalingConfig;
  state: AutoscalerState;
  now: number;
  timings: WorkshopTimings;
  numbers: ScalingNumbers;
  /** The target as the holds leave it; they may lower it. */
  held: { target: number; clips: Clip[] };
}

export interface Verdict {
  /** Stable words with values and without times. */
  words: string;
  reason?: DecisionReason;
  /** When it may change by itself. */
  until?: number;
}

export interface Check {
  number: number;
  reasons: DecisionReason[];
  judge: (facts: Facts) => Verdict;
}

const pass = (words: string): Verdict => ({ words });

const stop = (reason: DecisionReason, words: string, until?: number): Verdict => ({
  reason,
  words,
  ...(until === undefined ? {} : { until }),
});

export const checks: readonly Check[] = [
  { number: 1, reasons: ['ProvisionGone', 'WorkshopGone'], judge: existence },
  { number: 2, reasons: ['Ignored'], judge: ignorance },
  { number: 3, reasons: ['Disabled'], judge: enablement },
  { number: 4, reasons: ['InvalidConfig'], judge: validity },
  { number: 5, reasons: ['Paused'], judge: pauses },
  { number: 6, reasons: ['Ended', 'EndingSoon', 'NotStarted', 'Stopped'], judge: schedule },
  { number: 7, reasons: ['ProvisionDisabled'], judge: provisioning },
  { number: 8, reasons: ['Locked'], judge: lock },
  { number: 9, reasons: ['OperationActive'], judge: activity },
  { number: 10, reasons: ['ScaledToZero'], judge: zero },
  { number: 11, reasons: ['NoSeats'], judge: presence },
  { number: 12, reasons: ['BelowThreshold', 'EnoughAvailable'], judge: trigger },
  { number: 13, reasons: ['AtMax'], judge: ceiling },
  { number: 14, reasons: ['FailureThreshold'], judge: breaker },
  { number: 15, reasons: ['ProvisioningInProgress'], judge: progress },
  { number: 16, reasons: ['InFlightCapacity'], judge: projection },
  { number: 17, reasons: ['BackingOff'], judge: backoff },
  { number: 18, reasons: ['CoolingDown'], judge: cooldown },
  { number: 19, reasons: ['Stabilizing'], judge: stability },
  { number: 20, reasons: ['ApprovalRequired'], judge: approval },
];

function existence({ observation }: Facts): Verdict {
  const { provision, workshop } = observation;
  if (!provision) return stop('ProvisionGone', 'the provision does not exist');
  if (provision.deleting) return stop('ProvisionGone', 'the provision is being deleted');
  if (!workshop) return stop('WorkshopGone', `the workshop ${provision.workshopName} does not exist`);
  if (workshop.deleting) return stop('WorkshopGone', `the workshop ${workshop.name} is being deleted`);
  return pass('provision and workshop exist');
}

function ignorance({ observation }: Facts): Verdict {
  const on = (['workshop', 'provision'] as const).find((kind) => observation[kind]?.ignored);
  return on ? stop('Ignored', `the ${on} has the ignore label`) : pass('neither has the ignore label');
}

function enablement({ reading }: Facts): Verdict {
  if (reading.kind === 'absent') return stop('Disabled', 'the workshop has no autoScaling');
  const enabled = reading.kind === 'valid' ? reading.config.enabled : reading.enabled;
  return enabled ? pass('autoScaling is enabled') : stop('Disabled', 'autoScaling.enabled is false');
}

function validity({ reading, observation }: Facts): Verdict {
  if (reading.kind === 'invalid') return stop('InvalidConfig', reading.message);
  if (observation.provision?.count == null) {
    return stop('InvalidConfig', 'spec.count of the provision is no whole number of at least 0');
  }
  if ((observation.provision.operationAnnotation?.length ?? 0) > LONGEST_FENCE) {
    return stop('InvalidConfig', `the annotation ${workshopAnnotations.operation} is no operation: remove it`);
  }
  return pass('the configuration is valid');
}

function pauses({ observation, state, now }: Facts): Verdict {
  const pause = activePause(observation, state, now);
  if (!pause) return pass('not paused');
  const who = pause.source === 'annotation' ? `by annotation on the ${pause.on}` : `by ${pause.by ?? 'a message'}`;
  return stop('Paused', `paused ${who}: ${pause.reason}`, readTime(pause.until));
}

function schedule({ observation, now, numbers }: Facts): Verdict {
  const found = schedulesOf(observation);
  const expected = numbers.inputs.expectedProvisioningSeconds;
  const ended = found.find(({ end }) => end !== undefined && end <= now);
  if (ended) return stop('Ended', `the lifespan of the ${ended.on} has ended`);
  const ending = found.find(({ end }) => end !== undefined && end - now < expected * 1000);
  if (ending) {
    const needs = `an environment takes ${Math.round(expected)} s`;
    return stop('EndingSoon', `the lifespan of the ${ending.on} ends too soon: ${needs}`, ending.end);
  }
  const early = found.find(({ start }) => start !== undefined && start > now);
  if (early) return stop('NotStarted', `the lifespan of the ${early.on} has not started`, early.start);
  const stopped = found.find(({ stopAt }) => stopAt !== undefined && stopAt <= now);
  if (stopped) return stop('Stopped', `the ${stopped.on} is stopped by its schedule`);
  const waiting = found.find(({ startAt }) => startAt !== undefined && startAt > now);
  if (waiting) return stop('Stopped', `the ${waiting.on} starts later by its schedule`, waiting.startAt);
  return pass('started, not stopped, and not ending soon');
}

function provisioning({ observation }: Facts): Verdict {
  return observation.workshop?.provisionDisabled
    ? stop('ProvisionDisabled', 'provisionDisabled is set on the workshop')
    : pass('provisioning is allowed');
}

function lock({ observation, config }: Facts): Verdict {
  if (!observation.workshop?.locked) return pass('not locked');
  return config.respectLock ? stop('Locked', 'the workshop is locked') : pass('locked, which growth does not mind');
}

function activity({ observation, state }: Facts): Verdict {
  const { operation } = state;
  if (operation) {
    return stop('OperationActive', `operation ${operation.id} takes it from ${operation.from} to ${operation.target}`);
  }
  return observation.provision?.status.autoScalingActive === true
    ? stop('OperationActive', 'the flag of an operation is set')
    : pass('no operation is active');
}

function zero({ numbers, config }: Facts): Verdict {
  const { count } = numbers.inputs;
  return count === 0 && !config.scaleFromZero ? stop('ScaledToZero', 'count is 0') : pass(`count is ${count}`);
}

function presence({ numbers, config }: Facts): Verdict {
  const { totalSeats } = numbers.inputs;
  if (totalSeats > 0) return pass(`${totalSeats} seats`);
  return config.strategy === 'headroom' ? pass('no seats; headroom counts from none') : stop('NoSeats', 'no seats yet');
}

function trigger({ numbers, config }: Facts): Verdict {
  const { assignedSeats, totalSeats, freeSeats, inFlightSeats, utilization, need } = numbers.inputs;
  if (need !== null) {
    const words = `${freeSeats} free and ${inFlightSeats} coming, ${config.minAvailable ?? 0} wanted`;
    return numbers.triggered ? pass(words) : stop('EnoughAvailable', words);
  }
  const taken = `${assignedSeats} of ${totalSeats} seats are taken`;
  const hot = numbers.triggered;
  const words = `${taken} (${two(utilization)} ${hot ? '>=' : '<'} ${config.threshold})`;
  return hot ? pass(words) : stop('BelowThreshold', words);
}

function ceiling({ numbers }: Facts): Verdict {
  const { rawTarget, target, inputs, clips } = numbers;
  if (target <= inputs.count) return stop('AtMax', `count ${inputs.count} has reached the cap of ${inputs.cap}`);
  const clipped = clips.length > 0 ? ` after ${clips.join(', ')}` : '';
  return pass(`target ${rawTarget}${clipped === '' ? '' : `, ${target}${clipped}`}`);
}

function breaker({ numbers }: Facts): Verdict {
  const { failedClaims, count, breakerOpen } = numbers.inputs;
  const words = `${failedClaims} of ${count} claims failed`;
  return breakerOpen ? stop('FailureThreshold', `${words}: the manager makes no new ones`) : pass(words);
}

function progress({ numbers, config }: Facts): Verdict {
  const { liveClaims, completeClaims, count } = numbers.inputs;
  const words = `${liveClaims} of ${count} claims exist, ${completeClaims} are complete`;
  if (config.strategy === 'headroom') return pass(`${words}; headroom counts them as coming`);
  const open = liveClaims < count || completeClaims < liveClaims;
  return open ? stop('ProvisioningInProgress', words) : pass(words);
}

function projection({ numbers, config }: Facts): Verdict {
  const { inFlightSeats, projection: projected } = numbers.inputs;
  const words = `${inFlightSeats} seats are coming, which makes ${two(projected)}`;
  if (config.strategy === 'headroom') return pass(words);
  const enough = projected !== null && projected < config.threshold;
  return enough ? stop('InFlightCapacity', words) : pass(words);
}

function backoff({ state, now }: Facts): Verdict {
  const hold = holdNow(state, now);
  return hold ? stop('BackingOff', hold.message, hold.until) : pass('not backing off');
}

function cooldown({ state, now }: Facts): Verdict {
  return state.cooldownUntil !== undefined && state.cooldownUntil > now
    ? stop('CoolingDown', 'the last operation ended a short while ago', state.cooldownUntil)
    : pass('not cooling down');
}

function stability({ state, config, now, timings, numbers, held }: Facts): Verdict {
  const window = config.stabilizationSeconds * timings.secondsScale * 1000;
  const standing = recommend(state.standing, numbers.inputs.count, numbers.target, now);
  if (now - standing.since < window) {
    const words = `the recommendation must stand for ${config.stabilizationSeconds} s`;
    return stop('Stabilizing', words, standing.since + window);
  }
  const smallest = smallestSince(standing, now - window);
  if (smallest < held.target) {
    held.target = smallest;
    held.clips.push('Stabilized');
  }
  return pass(window === 0 ? 'no stabilisation is asked for' : `the recommendation stands, at least ${smallest}`);
}

function approval({ state, config, numbers, held }: Facts): Verdict {
  const { approvalAbove } = config;
  if (approvalAbove === undefined || held.target <= approvalAbove) return pass('no approval is needed');
  const given = state.approval;
  if (!given?.granted || given.from !== numbers.inputs.count) {
    return stop('ApprovalRequired', `target ${held.target} is above ${approvalAbove} and waits for approval`);
  }
  if (given.target < held.target) {
    held.target = given.target;
    held.clips.push('Approved');
  }
  return pass(`approved up to ${given.target}`);
}

function two(value: number | null): string {
  return value === null ? 'no seats' : value.toFixed(2);
}

/** Warnings that stand beside any answer. */
export function warningsOf({ observation }: Facts) {
  const warnings = [];
  if (observation.workshop?.registrationClosed) {
    warnings.push({ code: 'RegistrationClosed', message: 'openRegistration is false: only listed users can log in' });
  }
  for (const on of ['workshop', 'provision'] as const) {
    for (const [field, text] of Object.entries(observation[on]?.schedule ?? {})) {
      if (readTime(text) === undefined) {
        warnings.push({ code: 'UnreadableTime', message: `${field} of the ${on} is no time and was left out` });
      }
    }
  }
  return warnings;
}
