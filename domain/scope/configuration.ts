import type { PlatformKnobs, ScopeKnobs } from '../../contract/scope/input.ts';
import type { ScopeSettings, ScopeWorkerKnobs } from './settings.ts';

/**
 * Precedence of a knob: scope level, platform level, worker, default. A value is set unless it is absent, `null` or an
 * empty string; an explicit `false` counts as set (specs: scope creation, section 2).
 */
export function firstSet<T>(...values: (T | null | undefined)[]): T | undefined {
  return values.find((value): value is T => value !== undefined && value !== null && value !== '');
}

/** The base name and the lists of all levels, each in its order, without repeats: the first mention wins. */
export function mergeNames(base: string, ...lists: (readonly string[] | null | undefined)[]): string[] {
  const names = [base, ...lists.flatMap((list) => list ?? [])].map((name) => name.trim());
  return [...new Set(names.filter((name) => name !== ''))];
}

/** Every balancer that the worker's own knobs declare, for both visibilities. */
export function declaredByWorker({ knobs, brand }: Pick<ScopeSettings, 'knobs' | 'brand'>): string[] {
  const base = (key: 'balancerPublicName' | 'balancerPrivateName') => firstSet(knobs[key], brand[key]) ?? '';
  const { additionalPublicBalancers, additionalPrivateBalancers } = knobs;
  return mergeNames(
    base('balancerPublicName'),
    [base('balancerPrivateName')],
    additionalPublicBalancers,
    additionalPrivateBalancers,
  );
}

export interface KnobLevels {
  scope: ScopeKnobs;
  platform: PlatformKnobs;
  worker: ScopeWorkerKnobs;
}

/** The value that counts for a knob that all three levels know. */
export function knob<K extends keyof ScopeKnobs>(levels: KnobLevels, key: K): NonNullable<ScopeKnobs[K]> | undefined {
  return firstSet<NonNullable<ScopeKnobs[K]>>(
    levels.scope[key] as NonNullable<ScopeKnobs[K]> | undefined,
    levels.platform[key] as NonNullable<ScopeKnobs[K]> | undefined,
    levels.worker[key] as NonNullable<ScopeKnobs[K]> | undefined,
  );
}

/** The value that counts for a knob that only platform and worker know. */
export function platformKnob<K extends Exclude<keyof PlatformKnobs, keyof ScopeKnobs>>(
  levels: KnobLevels,
  key: K,
): NonNullable<PlatformKnobs[K]> | undefined {
  return firstSet<NonNullable<PlatformKnobs[K]>>(
    levels.platform[key] as NonNullable<PlatformKnobs[K]> | undefined,
    levels.worker[key] as NonNullable<PlatformKnobs[K]> | undefined,
  );
}

/** Quotas of AWS that bound the thresholds; rules and listeners are adjustable, target groups are not. */
const quotas = { rules: 100, targetGroups: 100, listeners: 50, certificates: 25 };

export const defaultThresholds = { rules: 75, targetGroups: 98, listeners: 48, certificates: 24 };

export type ThresholdName = keyof typeof defaultThresholds;

export interface NumberReading {
  value?: number;
  problem?: string;
  warning?: string;
}

/** Reads a threshold: a positive whole number, given as a number or as text. */
export function readThreshold(name: ThresholdName, raw: number | string | undefined): NumberReading {
  if (raw === undefined) return { value: defaultThresholds[name] };
  const value = typeof raw === 'number' ? raw : Number(raw);
  if (!Number.isInteger(value) || value <= 0) return { problem: `must be a positive whole number, got "${raw}"` };
  if (name === 'targetGroups' && value > quotas.targetGroups) {
    return {
      problem: `is ${value}, but AWS allows ${quotas.targetGroups} target groups per balancer and does not raise it`,
    };
  }
  if ((name === 'rules' || name === 'listeners') && value > quotas[name]) {
    return {
      value,
      warning: `is ${value}, above the default AWS quota of ${quotas[name]}: the account's quota must have been raised`,
    };
  }
  return { value };
}

/** A day: nothing that a request may wait for takes longer. */
const LONGEST_SECONDS = 86_400;

/** Reads a duration in seconds: a positive number up to a day, given as a number or as text. */
export function readSeconds(raw: number | string | undefined, fallback: number): NumberReading {
  if (raw === undefined) return { value: fallback };
  const value = typeof raw === 'number' ? raw : Number(raw);
  if (!Number.isFinite(value) || value <= 0) return { problem: `must be a positive number of seconds, got "${raw}"` };
  if (value > LONGEST_SECONDS) return { problem: `must be at most ${LONGEST_SECONDS} seconds, a day, got "${raw}"` };
  return { value };
}
