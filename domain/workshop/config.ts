import { type AutoScalingConfig, scalingStrategies, seatScopes } from '../../contract/workshop/input.ts';
import { cut } from './readable.ts';

/** Reads `Workshop.spec.autoScaling` (specs: workshop autoscaling, section 2). The defaults are repeated here. */

export type ConfigReading =
  | { kind: 'absent' }
  | { kind: 'valid'; config: AutoScalingConfig }
  /** `enabled` is what the object says, so that a disabled one is not reported as broken. */
  | { kind: 'invalid'; enabled: boolean; field: string; value: string; message: string };

interface Problem {
  field: string;
  value: unknown;
  rule: string;
}

type Fields = Record<string, unknown>;

/** Absent and `{}` are disabled. One wrong field makes the reading invalid. */
export function readConfig(raw: unknown): ConfigReading {
  if (raw === undefined || raw === null) return { kind: 'absent' };
  if (typeof raw !== 'object' || Array.isArray(raw)) return invalid(true, { field: '', value: raw, rule: 'an object' });
  const fields = raw as Fields;
  const problems: Problem[] = [];
  const reader = new FieldReader(fields, '', problems);
  const strategy = reader.option('strategy', scalingStrategies, 'ratio');
  const minAvailable = reader.whole('minAvailable', strategy === 'headroom' ? 1 : 0);
  if (strategy === 'headroom' && isAbsent(fields.minAvailable)) {
    problems.push({ field: 'minAvailable', value: undefined, rule: 'at least 1 with the strategy headroom' });
  }
  const maxStep = reader.whole('maxStep', 1);
  const approvalAbove = reader.whole('approvalAbove', 1);
  const config: AutoScalingConfig = {
    enabled: reader.flag('enabled', false),
    threshold: reader.share('threshold', 0.8),
    scaleFactor: reader.factor('scaleFactor', 1.5),
    maxProvisions: reader.whole('maxProvisions', 1) ?? 100,
    strategy,
    scope: reader.option('scope', seatScopes, 'workshop'),
    minProvisions: reader.whole('minProvisions', 0) ?? 0,
    ...(minAvailable === undefined ? {} : { minAvailable }),
    ...(maxStep === undefined ? {} : { maxStep }),
    cooldownSeconds: reader.whole('cooldownSeconds', 0) ?? 120,
    stabilizationSeconds: reader.whole('stabilizationSeconds', 0) ?? 0,
    completionTimeoutSeconds: reader.whole('completionTimeoutSeconds', 1) ?? 7200,
    ...(approvalAbove === undefined ? {} : { approvalAbove }),
    respectLock: reader.flag('respectLock', false),
    scaleFromZero: reader.flag('scaleFromZero', false),
    dryRun: reader.flag('dryRun', false),
    scaleDown: readScaleDown(fields.scaleDown, problems),
  };
  if (config.minProvisions > config.maxProvisions) {
    problems.push({ field: 'minProvisions', value: config.minProvisions, rule: `at most maxProvisions` });
  }
  if (config.scaleDown.enabled && config.scaleDown.threshold >= config.threshold) {
    problems.push({ field: 'scaleDown.threshold', value: config.scaleDown.threshold, rule: 'below threshold' });
  }
  const [problem] = problems;
  const wanted = !isAbsent(fields.enabled) && fields.enabled !== false;
  return problem ? invalid(wanted, problem) : { kind: 'valid', config };
}

function readScaleDown(raw: unknown, problems: Problem[]): AutoScalingConfig['scaleDown'] {
  if (!isAbsent(raw) && (typeof raw !== 'object' || Array.isArray(raw))) {
    problems.push({ field: 'scaleDown', value: raw, rule: 'an object' });
    return readScaleDown(undefined, problems);
  }
  const reader = new FieldReader((raw ?? {}) as Fields, 'scaleDown.', problems);
  return {
    enabled: reader.flag('enabled', false),
    threshold: reader.share('threshold', 0.5),
    delaySeconds: reader.whole('delaySeconds', 0) ?? 600,
  };
}

class FieldReader {
  readonly #fields: Fields;
  readonly #prefix: string;
  readonly #problems: Problem[];

  constructor(fields: Fields, prefix: string, problems: Problem[]) {
    this.#fields = fields;
    this.#prefix = prefix;
    this.#problems = problems;
  }

  flag(key: string, fallback: boolean): boolean {
    return this.#read(key, fallback, 'true or false', (value) => typeof value === 'boolean') as boolean;
  }

  option<T extends string>(key: string, options: readonly T[], fallback: T): T {
    return this.#read(key, fallback, options.join(', '), (value) => options.includes(value as T)) as T;
  }

  /** A share of the seats: above 0, at most 1. */
  share(key: string, fallback: number): number {
    const rule = 'a number above 0 and at most 1';
    return this.#read(key, fallback, rule, (value) => isNumber(value) && value > 0 && value <= 1) as number;
  }

  factor(key: string, fallback: number): number {
    return this.#read(key, fallback, 'a number of at least 1', (value) => isNumber(value) && value >= 1) as number;
  }

  /** Undefined when absent. */
  whole(key: string, least: number): number | undefined {
    const holds = (value: unknown) => isNumber(value) && Number.isSafeInteger(value) && value >= least;
    return this.#read(key, undefined, `a whole number of at least ${least}`, holds) as number | undefined;
  }

  #read(key: string, fallback: unknown, rule: string, holds: (value: unknown) => boolean): unknown {
    const value = this.#fields[key];
    if (isAbsent(value)) return fallback;
    if (holds(value)) return value;
    this.#problems.push({ field: `${this.#prefix}${key}`, value, rule });
    return fallback;
  }
}

function isAbsent(value: unknown): boolean {
  return value === undefined || value === null;
}

function isNumber(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value);
}

function invalid(enabled: boolean, { field, value, rule }: Problem): ConfigReading {
  const path = field === '' ? 'autoScaling' : `autoScaling.${field}`;
  const shown = show(value);
  return { kind: 'invalid', enabled, field: path, value: shown, message: `${path} is ${shown}; it must be ${rule}` };
}

/** At most 60 characters, whatever a bypassed schema left there. */
function show(value: unknown): string {
  const text = typeof value === 'number' ? String(value) : (JSON.stringify(value) ?? 'absent');
  return text.length > 60 ? `${cut(text, 57)}...` : text;
}
