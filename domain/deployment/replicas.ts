/** Replica arithmetic of a rolling deployment (specs: deployment, section 4), each side by its own planned count. */

/** MIN: the fewest instances that a side keeps while both exist. */
export function minimumCount(planned: number): number {
  return Math.ceil(planned / 10);
}

/** How many instances each side has when green gets `percent` of the traffic; `planned` is what it has with all of it. */
export function sideCounts(planned: { blue: number; green: number }, percent: number): { blue: number; green: number } {
  const share = (count: number) => Math.ceil((count * percent) / 100);
  return {
    blue: Math.max(minimumCount(planned.blue), planned.blue - share(planned.blue)),
    green: Math.max(minimumCount(planned.green), share(planned.green)),
  };
}
