import type { AutoScalingConfig } from '../../contract/workshop/input.ts';
import type { AutoscalerState } from '../../contract/workshop/state.ts';
import type { Clip, DecisionInputs } from '../../contract/workshop/status.ts';
import type { CapacityFacts, Observation } from './observation.ts';
import type { WorkshopTimings } from './settings.ts';
import { readTime } from './times.ts';

/** The arithmetic of a decision (specs: workshop autoscaling, section 3.2). Never NaN; utilisation without seats is null. */

/** Absorbs the error of binary fractions: 50 x 1.16 is 58. */
const EPSILON = 1e-9;

export interface ScalingNumbers {
  inputs: DecisionInputs;
  triggered: boolean;
  rawTarget: number;
  target: number;
  clips: Clip[];
}

export function scalingNumbers(
  observation: Observation,
  config: AutoScalingConfig,
  state: AutoscalerState,
  now: number,
  timings: WorkshopTimings,
): ScalingNumbers {
  const inputs = decisionInputs(observation, config, state, now, timings);
  const { utilization, need } = inputs;
  const triggered = need === null ? utilization !== null && utilization >= config.threshold : need > 0;
  const rawTarget = Math.min(Number.MAX_SAFE_INTEGER, desired(inputs, config));
  return { inputs, triggered, rawTarget, ...clip(rawTarget, inputs, config) };
}

/** Seats of the scope that this configuration measures. */
export function scopeOf(observation: Observation, config: AutoScalingConfig) {
  return {
    seats: observation.seats[config.scope],
    provisions: config.scope === 'workshop' ? observation.provisions : observation.provisions.slice(0, 1),
  };
}

/** The configured cap, or the override that is in force. */
export function capOf(config: AutoScalingConfig, state: AutoscalerState, now: number): number {
  return state.override && state.override.until > now ? state.override.maxProvisions : config.maxProvisions;
}

function decisionInputs(
  observation: Observation,
  config: AutoScalingConfig,
  state: AutoscalerState,
  now: number,
  timings: WorkshopTimings,
): DecisionInputs {
  const { provision, workshop, claims } = observation;
  const { seats, provisions } = scopeOf(observation, config);
  const workshopStart = workshop?.schedule.lifespanStart;
  const own = observation.provisions[0];
  const inFlightSeats = provisions.reduce(
    (total, facts) => total + inFlight(facts, workshopStart, now) * facts.seatsPerClaim,
    0,
  );
  const freeSeats = Math.max(0, seats.total - seats.assigned);
  const count = provision?.count ?? 0;
  return {
    count,
    assignedSeats: seats.assigned,
    totalSeats: seats.total,
    freeSeats,
    utilization: share(seats.assigned, seats.total),
    projection: share(seats.assigned, seats.total + inFlightSeats),
    seatsPerClaim: own?.seatsPerClaim ?? 1,
    inFlightClaims: own ? inFlight(own, workshopStart, now) : 0,
    inFlightSeats,
    liveClaims: claims.live,
    completeClaims: claims.complete,
    activeClaims: claims.active,
    failedClaims: claims.failed.count,
    pendingClaims: claims.pending,
    provisioningClaims: claims.provisioning,
    breakerOpen: own?.breakerOpen ?? false,
    cap: capOf(config, state, now),
    need: config.strategy === 'headroom' ? (config.minAvailable ?? 0) - freeSeats - inFlightSeats : null,
    expectedProvisioningSeconds: claims.medianProvisioningSeconds ?? timings.expectedProvisioning,
    generation: provision?.generation ?? 0,
    resourceVersion: provision?.resourceVersion ?? '',
    workshopGeneration: workshop?.generation ?? 0,
  };
}

/** Claims that will still give seats. An open breaker or a start ahead makes no new ones. */
function inFlight(facts: CapacityFacts, workshopStart: string | undefined, now: number): number {
  const starts = [facts.lifespanStart, workshopStart].map(readTime);
  if (facts.breakerOpen || starts.some((start) => start !== undefined && start > now)) return facts.provisioning;
  return Math.max(0, facts.count - facts.active);
}

function share(assigned: number, total: number): number | null {
  return total > 0 ? Math.min(1, assigned / total) : null;
}

function desired(inputs: DecisionInputs, config: AutoScalingConfig): number {
  const { count, utilization, need, seatsPerClaim } = inputs;
  switch (config.strategy) {
    case 'ratio':
      return Math.max(count + 1, Math.floor(count * config.scaleFactor + EPSILON));
    case 'headroom':
      return count + Math.ceil(Math.max(0, need ?? 0) / seatsPerClaim);
    case 'target':
      return Math.max(count + 1, Math.ceil((count * (utilization ?? 0)) / config.threshold - EPSILON));
  }
}

/** The target within step and cap. Holds may lower it further. */
export function clip(
  raw: number,
  inputs: DecisionInputs,
  config: AutoScalingConfig,
): { target: number; clips: Clip[] } {
  const { count } = inputs;
  const cap = inputs.cap ?? config.maxProvisions;
  const clips: Clip[] = [];
  let target = raw;
  if (config.maxStep !== undefined && target > count + config.maxStep) {
    target = count + config.maxStep;
    clips.push('MaxStep');
  }
  if (count === 0 && target < config.minProvisions) {
    target = config.minProvisions;
    clips.push('MinProvisions');
  }
  if (target > cap) {
    target = Math.max(count, cap);
    clips.push('AtMax');
  }
  return { target, clips };
}
