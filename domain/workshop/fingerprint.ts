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

/** An autoscaler whose status shows that its last look saw what is there now has missed nothing. */
export function attention(observation: Observation): Attention {
  const { provision, workshop } = observation;
  if (!provision || provision.ignored || workshop?.ignored) return 'none';
  if (provision.deleting) return 'tell';
  const { autoScaling, autoScalingActive } = provision.status;
  // The run of an operation looks by itself, at intervals; a flag beside another phase belongs to nobody.
  if (autoScalingActive !== undefined)
    return autoScaling?.phase === 'Scaling' || autoScaling?.phase === 'Waiting' ? 'open' : 'wake';
  return autoScaling?.observed === fingerprint(observation) ? 'open' : 'wake';
}
