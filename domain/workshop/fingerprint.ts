import { canonicalJson } from '../../contract/canonical.ts';
import { sha256Hex } from '../canonical.ts';
import type { Observation } from './observation.ts';

const DIGITS = 16;

/**
 * What an autoscaler's decision takes from the cluster, as 16 hex digits: the run writes it with its status, and whoever looks
 * later and finds another one knows that the run has missed something. What the run writes itself is not in it.
 */
export function fingerprint({ provision, workshop, claims, seats, provisions }: Observation): string {
  const {
    status: _,
    resourceVersion: _version,
    hasStatus: _has,
    hasAnnotations: _annotations,
    ...own
  } = provision ?? {};
  const {
    conditions: _conditions,
    resourceVersion: _workshopVersion,
    hasStatus: _hasStatus,
    hasAutoScalingStatus: _hasAutoScaling,
    generation: _generation,
    ...ofWorkshop
  } = workshop ?? {};
  const { removable: _removable, newest: _newest, ...numbers } = claims;
  return sha256Hex(canonicalJson({ own, ofWorkshop, numbers, seats, provisions })).slice(0, DIGITS);
}

/** What a sweep owes an autoscaler: to wake it, to see that its run is open, to tell an open run, or nothing. */
export type Attention = 'wake' | 'open' | 'tell' | 'none';

/**
 * An autoscaler whose status shows that its last look saw what is there now has missed nothing. That holds during an operation
 * too, although its run looks by itself: the flag may be one that an open run does not know, of a write that came late.
 */
export function attention(observation: Observation): Attention {
  const { provision, workshop } = observation;
  if (!provision || provision.ignored || workshop?.ignored) return 'none';
  if (provision.deleting) return 'tell';
  const { autoScaling, autoScalingActive } = provision.status;
  // A flag beside another phase belongs to nobody.
  const flagged = autoScalingActive !== undefined;
  if (flagged && autoScaling?.phase !== 'Scaling' && autoScaling?.phase !== 'Waiting') return 'wake';
  return autoScaling?.observed === fingerprint(observation) ? 'open' : 'wake';
}
