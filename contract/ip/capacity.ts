/** allocated / total x 100, rounded half away from zero to 4 decimals. Both are decimal strings of whole numbers. */
export function utilizationPercent(allocated: string, total: string): number {
  const whole = BigInt(total);
  if (whole <= 0n) return 0;
  const scaled = (BigInt(allocated) * 1_000_000n * 2n + whole) / (2n * whole);
  return Number(scaled) / 10_000;
}
