import { validationError } from '../errors.ts';

/** Names of balancers and target groups: at most 32 letters, digits and hyphens, no hyphen at either end. */
export function requireName(name: string, kind: 'load balancer' | 'target group'): string {
  if (name.length > 32) throw validationError(`The ${kind} name '${name}' cannot be longer than '32' characters`);
  if (!/^[A-Za-z0-9-]+$/.test(name))
    throw validationError(
      `The ${kind} name '${name}' can only contain characters that are alphanumeric characters and hyphens(-)`,
    );
  if (name.startsWith('-') || name.endsWith('-'))
    throw validationError(`The ${kind} name '${name}' cannot begin or end with a hyphen(-)`);
  return name;
}

/** Whether two lists hold the same values in any order. */
export const sameSet = (one: readonly string[], other: readonly string[]) =>
  one.length === other.length && [...one].sort().every((value, index) => value === [...other].sort()[index]);

/** Merges `{Key, Value}` attributes into those that differ from the defaults; an unknown key is refused. */
export function mergeAttributes(
  present: Readonly<Record<string, string>>,
  changes: readonly (readonly [key: string, value: string])[],
  defaults: Readonly<Record<string, string>>,
  kind: 'Load balancer' | 'Target group',
): Record<string, string> {
  const merged = { ...defaults, ...present };
  for (const [key, value] of changes) {
    const fallback = Object.hasOwn(defaults, key) ? defaults[key] : undefined;
    if (fallback === undefined) throw validationError(`${kind} attribute key '${key}' is not recognized`);
    requireShape(kind, key, value, fallback);
    merged[key] = value;
  }
  return Object.fromEntries(Object.entries(merged).filter(([key, value]) => value !== defaults[key]));
}

/** An attribute whose default is a truth value or a number takes nothing else. */
function requireShape(kind: string, key: string, value: string, fallback: string): void {
  const truth = fallback === 'true' || fallback === 'false';
  const number = /^\d+$/.test(fallback);
  if ((truth && value !== 'true' && value !== 'false') || (number && !/^\d{1,7}$/.test(value))) {
    throw validationError(
      `${kind} attribute '${key}' must be ${truth ? "'true' or 'false'" : 'a whole number'}, got '${value}'`,
    );
  }
}
