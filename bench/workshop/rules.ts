/** The rules of others, as pure functions: the same in virtual time and as clients of a real API server. */

export interface Settings {
  threshold: number;
  scaleFactor: number;
  cap: number;
  /** Free seats to keep, for the two headroom rules. */
  minAvailable: number;
}

export interface Seen {
  count: number;
  total: number;
  assigned: number;
}

/** Seconds between two looks. */
export const PROPOSAL_PERIOD = 300;
export const HEADROOM_TICK = 10;

/** The proposal, as published: u >= threshold multiplies. It looks at every seat event and every period. */
export function proposalTarget({ count, total, assigned }: Seen, settings: Settings): number | undefined {
  const { threshold, scaleFactor, cap } = settings;
  if (total === 0 || assigned / total < threshold) return undefined;
  const target = Math.min(cap, Math.max(count + 1, Math.trunc(count * scaleFactor)));
  return target > count ? target : undefined;
}

/** Plain headroom: one more at a tick at which too little is free or coming. `coming`: seats on their way. */
export function headroomTarget(
  { count, total, assigned }: Seen,
  coming: number,
  { minAvailable, cap }: Settings,
): number | undefined {
  return total - assigned + coming < minAvailable && count < cap ? count + 1 : undefined;
}
