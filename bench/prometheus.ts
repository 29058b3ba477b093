/** The sum of all samples of one metric in a Prometheus text exposition whose labels include `labels`; 0 when there is none. */
export function metricSum(exposition: string, name: string, labels: Readonly<Record<string, string>> = {}): number {
  const wanted = Object.entries(labels).map(([label, value]) => `${label}="${value}"`);
  let total = 0;
  for (const line of exposition.split('\n')) {
    const [, found, inside = '', value] = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$/.exec(line) ?? [];
    if (found === name && wanted.every((label) => inside.includes(label))) total += Number(value);
  }
  return total;
}
