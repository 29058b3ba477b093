import type { AutoScalingConfig } from '../../contract/workshop/input.ts';
import type { AutoscalerState, Operation } from '../../contract/workshop/state.ts';
import type { DecisionInputs } from '../../contract/workshop/status.ts';
import type { Observation, RemovableClaim } from './observation.ts';
import type { WorkshopTimings } from './settings.ts';
import { holdNow } from './trouble.ts';

/** Removing environments that nobody took (specs: workshop autoscaling, section 6). Off by default. */

export type Shrinking = { kind: 'no' } | { kind: 'later'; at: number } | { kind: 'now'; target: number };

/** Asked only where nothing asks for growth and no earlier check stopped. */
export function shrinking(
  observation: Observation,
  config: AutoScalingConfig,
  inputs: DecisionInputs,
  state: AutoscalerState,
  now: number,
  timings: WorkshopTimings,
): Shrinking {
  const target = scaleDownTarget(observation, config, inputs);
  const since = sinceLow(config, inputs, state, now);
  if (since === undefined || observation.workshop?.locked || inputs.breakerOpen) return { kind: 'no' };
  if (target >= inputs.count) return { kind: 'no' };
  const delay = config.scaleDown.delaySeconds * timings.secondsScale * 1000;
  const at = Math.max(
    since + delay,
    state.lastGrowthAt === undefined ? 0 : state.lastGrowthAt + delay,
    state.cooldownUntil ?? 0,
    holdNow(state, now)?.until ?? 0,
  );
  return at > now ? { kind: 'later', at } : { kind: 'now', target };
}

/** Since when the clock of scale-down runs, if it does. Growth starts it anew, also one by a person. */
export function sinceLow(
  { scaleDown }: AutoScalingConfig,
  { utilization, count, liveClaims, completeClaims }: DecisionInputs,
  { lowSince, decisions }: AutoscalerState,
  now: number,
): number | undefined {
  const complete = liveClaims >= count && completeClaims >= liveClaims;
  const low = utilization !== null && utilization <= scaleDown.threshold;
  if (!scaleDown.enabled || !complete || !low) return undefined;
  const grown = count > (decisions.at(-1)?.count ?? count);
  return grown ? now : (lowSince ?? now);
}

/** What remains is below the threshold of growth, so that scale-down never causes it. */
function scaleDownTarget(observation: Observation, config: AutoScalingConfig, inputs: DecisionInputs): number {
  const { assignedSeats, seatsPerClaim, count } = inputs;
  const spare =
    config.strategy === 'headroom' ? Math.ceil((assignedSeats + (config.minAvailable ?? 0)) / seatsPerClaim) : 0;
  return Math.max(
    config.minProvisions,
    observation.claims.withAssignedSeat,
    Math.floor(assignedSeats / (config.threshold * seatsPerClaim) + 1e-9) + 1,
    spare,
    1,
    config.maxStep === undefined ? 0 : count - config.maxStep,
  );
}

/**
 * The claim to remove next, or undefined when none is left to remove: live claims are down to the count, or the rest have
 * assigned seats. Claims that were saved come after the others. The count is the object's own: a person's change of it stops the
 * deletions.
 */
export function nextRemoval(observation: Observation, { target, saved = [] }: Operation): RemovableClaim | undefined {
  const { provision, claims } = observation;
  if (provision?.count !== target || observation.workshop?.locked !== false) return undefined;
  if (claims.live <= target) return undefined;
  return claims.removable.find(({ uid }) => !saved.includes(uid)) ?? claims.removable[0];
}

/** A deletion left this claim alone. When that became of every removable claim, all of them have their turn again. */
export function noteSaved(operation: Operation, { claims }: Observation, claim: RemovableClaim): Operation {
  const before = operation.saved ?? [];
  const saved = claims.removable.map(({ uid }) => uid).filter((uid) => uid === claim.uid || before.includes(uid));
  return { ...operation, saved: saved.length < claims.removable.length ? saved : [] };
}
