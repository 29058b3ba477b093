/** Replica arithmetic of a rolling deployment (specs: deployment, section 4). R is the planned count of a side, at least 1. */

/** MIN: the fewest instances that a side keeps while both exist. */
export function minimumCount(planned: number): number {
  return Math.ceil(planned / 10);
}

/** How many instances each side has when green gets `percent` of the traffic. */
export function sideCounts(planned: number, percent: number): { blue: number; green: number } {
  const minimum = minimumCount(planned);
  const green = Math.ceil((planned * percent) / 100);
  const blue = Math.max(minimum, planned - green);
  return { blue, green: Math.max(minimum, green) };
}
