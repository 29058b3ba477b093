import type { FaultRule } from './plan.ts';

type Fields = Record<string, unknown>;
type Check = (value: unknown) => string | undefined;

const isObject = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const shown = (value: unknown) => JSON.stringify(value) ?? String(value);

const text: Check = (value) =>
  typeof value === 'string' && value !== '' ? undefined : `must be a non-empty text, got ${shown(value)}`;
const anyText: Check = (value) => (typeof value === 'string' ? undefined : `must be a text, got ${shown(value)}`);
const oneOf =
  (...choices: string[]): Check =>
  (value) =>
    choices.includes(value as string) ? undefined : `must be one of ${choices.join(', ')}, got ${shown(value)}`;
const wholeNumber =
  (least: number, most = Number.MAX_SAFE_INTEGER): Check =>
  (value) =>
    Number.isSafeInteger(value) && (value as number) >= least && (value as number) <= most
      ? undefined
      : `must be a whole number ${most === Number.MAX_SAFE_INTEGER ? `of at least ${least}` : `from ${least} to ${most}`}, got ${shown(value)}`;
const chance: Check = (value) =>
  typeof value === 'number' && value >= 0 && value <= 1
    ? undefined
    : `must be a number from 0 to 1, got ${shown(value)}`;
const milliseconds: Check = (value) =>
  typeof value === 'number' && Number.isFinite(value) && value >= 0
    ? undefined
    : `must be a number of milliseconds of at least 0, got ${shown(value)}`;
const expression: Check = (value) => {
  if (typeof value !== 'string') return `must be a regular expression, got ${shown(value)}`;
  try {
    new RegExp(value);
    return undefined;
  } catch (error) {
    return `is no regular expression: ${error instanceof Error ? error.message : String(error)}`;
  }
};

const SERVICES = oneOf('elbv2', 'route53', 'sts', 'kubernetes');
const METHODS = oneOf('GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE');
const RULE: Record<string, Check> = {
  id: text,
  match: () => undefined,
  when: oneOf('before', 'after'),
  skip: wholeNumber(0),
  times: wholeNumber(1),
  probability: chance,
  seed: wholeNumber(0, 2 ** 32 - 1),
  effect: () => undefined,
};
const MATCH: Record<string, Check> = {
  service: SERVICES,
  action: text,
  method: METHODS,
  path: expression,
  resource: expression,
};
const EFFECTS: Record<string, { checks: Record<string, Check>; required: string[] }> = {
  latency: { checks: { ms: milliseconds }, required: ['ms'] },
  throttle: { checks: {}, required: [] },
  error: { checks: { code: text, status: wholeNumber(400, 599), message: anyText }, required: ['code', 'status'] },
  reset: { checks: {}, required: [] },
  hang: { checks: {}, required: [] },
  truncate: { checks: {}, required: [] },
  garbage: { checks: {}, required: [] },
  'stale-read': { checks: {}, required: [] },
};

/**
 * Reads a rule that may come from outside (HTTP, command line). Returns a copy of it, or throws an `Error` whose message
 * has one line per wrong field: its path, what is expected, what was given.
 */
export function validateFaultRule(input: unknown): FaultRule {
  if (!isObject(input)) throw new Error(`rule: must be an object, got ${shown(input)}`);
  const problems = [
    ...checkFields('', input, RULE, ['match', 'effect']),
    ...(input.match === undefined
      ? []
      : checkNested('match', input.match, () => ({ checks: MATCH, required: ['service'] }))),
    ...(input.effect === undefined ? [] : checkNested('effect', input.effect, effectFields)),
    ...checkCombination(input),
  ];
  if (problems.length > 0) throw new Error(problems.join('\n'));
  return structuredClone(input) as unknown as FaultRule;
}

function checkFields(prefix: string, fields: Fields, checks: Record<string, Check>, required: string[]): string[] {
  const problems = required.filter((name) => fields[name] === undefined).map((name) => `${prefix}${name}: is missing`);
  for (const [name, value] of Object.entries(fields)) {
    if (value === undefined) continue;
    const check = Object.hasOwn(checks, name) ? checks[name] : undefined;
    const problem = check
      ? check(value)
      : `is unknown; known are ${Object.keys(checks).join(', ') || 'no other fields'}`;
    if (problem !== undefined) problems.push(`${prefix}${name}: ${problem}`);
  }
  return problems;
}

function checkNested(
  name: string,
  value: unknown,
  schema: (fields: Fields) => { checks: Record<string, Check>; required: string[] },
): string[] {
  if (!isObject(value)) return [`${name}: must be an object, got ${shown(value)}`];
  const { checks, required } = schema(value);
  return checkFields(`${name}.`, value, checks, required);
}

function effectFields(effect: Fields): { checks: Record<string, Check>; required: string[] } {
  const kind = oneOf(...Object.keys(EFFECTS));
  const known =
    typeof effect.kind === 'string' && Object.hasOwn(EFFECTS, effect.kind) ? EFFECTS[effect.kind] : undefined;
  if (known) return { checks: { kind, ...known.checks }, required: ['kind', ...known.required] };
  const others = Object.fromEntries(Object.keys(effect).map((name) => [name, () => undefined]));
  return { checks: { ...others, kind }, required: ['kind'] };
}

function checkCombination(rule: Fields): string[] {
  const stale = isObject(rule.effect) && rule.effect.kind === 'stale-read';
  return stale && rule.when === 'after' ? ['when: must be before for a stale read, which has no later moment'] : [];
}
