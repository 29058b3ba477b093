/** Figures of a sample. Percentiles are by nearest rank, so each one was really measured. */
export interface Distribution {
  readonly count: number;
  readonly mean: number;
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
  readonly max: number;
}

/** Throws for an empty sample: a figure of nothing would look like a good one. */
export function distribution(sample: readonly number[]): Distribution {
  if (sample.length === 0) throw new Error('nothing was measured');
  const sorted = [...sample].sort((a, b) => a - b);
  const at = (share: number) => sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN;
  return {
    count: sorted.length,
    mean: sum(sorted) / sorted.length,
    p50: at(0.5),
    p95: at(0.95),
    p99: at(0.99),
    max: at(1),
  };
}

export function sum(values: Iterable<number>): number {
  let total = 0;
  for (const value of values) total += value;
  return total;
}
