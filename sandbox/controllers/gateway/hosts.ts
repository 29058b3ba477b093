/** Host names of listeners and routes: a wildcard stands for one label or more in front. */

const suffixOf = (host: string) => (host.startsWith('*.') ? host.slice(1) : undefined);

/** Whether some host fits both. */
export function intersect(a: string, b: string): boolean {
  const [left, right] = [suffixOf(a), suffixOf(b)];
  if (left !== undefined && right !== undefined) return left.endsWith(right) || right.endsWith(left);
  if (left !== undefined) return b.endsWith(left);
  return right === undefined ? a === b : a.endsWith(right);
}
