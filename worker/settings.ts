import { isIPv4, isIPv6 } from 'node:net';
import pg from 'pg';
import type { ObjectModifiers } from '../contract/modifiers.ts';
import { modifierProblems, readModifiers } from '../domain/modifiers.ts';

/** How one worker setting is read from text; every setting says what it means, its unit, its default, and when to change it. */

export interface Setting<T> {
  /** Key in the configuration file; the environment variable is `GROUNDWORK_` + the key in upper snake case. */
  key: string;
  /** Other environment variables that are asked when ours is not set. */
  also?: readonly string[];
  /** Environment variables that are asked after all of ours with the preset `nullplatform`. */
  presetNames?: readonly string[];
  description: string;
  fallback?: T;
  /** What the documentation shows as default when it is not a plain value. */
  fallbackWords?: string;
  secret?: boolean;
  /** Reads a text or a value of the file; throws an Error whose message completes "KEY ...". */
  read(raw: unknown): T;
}

const wrong = (expected: string, raw: unknown) => new Error(`must be ${expected}, got ${JSON.stringify(raw)}`);

export function environmentName(key: string): string {
  return `GROUNDWORK_${key.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()}`;
}

export function text(raw: unknown): string {
  if (typeof raw === 'string') return raw;
  if (typeof raw === 'number') return String(raw);
  throw wrong('a text', raw);
}

export function flag(raw: unknown): boolean {
  if (raw === true || raw === 'true' || raw === '1') return true;
  if (raw === false || raw === 'false' || raw === '0') return false;
  throw wrong('true or false', raw);
}

export function positive(raw: unknown): number {
  const value = typeof raw === 'number' ? raw : typeof raw === 'string' && raw.trim() !== '' ? Number(raw) : Number.NaN;
  if (!Number.isFinite(value) || value <= 0) throw wrong('a positive number', raw);
  return value;
}

/** A positive number that is not beyond what timers, times and people wait for: of settings in seconds. */
export const upTo =
  (most: number) =>
  (raw: unknown): number => {
    const value = positive(raw);
    if (value > most) throw wrong(`at most ${most}`, raw);
    return value;
  };

/** Seconds. */
export const DAY = 86_400;
export const YEAR = 365 * DAY;

export function positiveWhole(raw: unknown): number {
  const value = positive(raw);
  if (!Number.isInteger(value)) throw wrong('a positive whole number', raw);
  return value;
}

export function wholeFromZero(raw: unknown): number {
  const value = typeof raw === 'string' && raw.trim() !== '' ? Number(raw) : raw;
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 0) throw wrong('a whole number from 0', raw);
  return value;
}

export function list(raw: unknown): string[] {
  if (Array.isArray(raw)) return raw.map(text);
  return text(raw)
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');
}

export function oneOf<T extends string>(...values: readonly T[]) {
  return (raw: unknown): T => {
    const value = values.find((candidate) => candidate === raw);
    if (value === undefined) throw wrong(`one of ${values.join(', ')}`, raw);
    return value;
  };
}

/** Labels and annotations by kind of object, as JSON in the environment. */
export function modifiers(raw: unknown): ObjectModifiers {
  const value = readModifiers(raw);
  if (value === undefined) throw wrong('modifiers such as {"global":{"labels":{"team":"web"}}}', raw);
  const [problem] = modifierProblems(value, 'groundwork', '');
  if (problem) throw new Error(`has ${problem.path.replace(/^\./, '')}, which ${problem.message}`);
  return value;
}

/** `ip:port`, `[ip]:port` for IPv6, for a listener; `localhost` is 127.0.0.1. The SDK's core listens on addresses, not on names. */
export function address(raw: unknown): string {
  const value = text(raw).replace(/^localhost:/, '127.0.0.1:');
  const { host, port } = hostAndPort(value);
  if (!(value.startsWith('[') ? isIPv6(host) : isIPv4(host)) || !/^\d{1,5}$/.test(port) || Number(port) > 65_535)
    throw wrong('ip:port such as 0.0.0.0:9464 or [::]:9464', raw);
  return value;
}

/** The parts of `ip:port` or `[ip]:port`. */
export function hostAndPort(address: string): { host: string; port: string } {
  const colon = address.lastIndexOf(':');
  return { host: address.slice(0, colon).replace(/^\[(.*)\]$/, '$1'), port: address.slice(colon + 1) };
}

/**
 * How a connection string of the PostgreSQL client begins: a URL, or the folder of a Unix socket. It takes any other text for
 * a path on a host that it calls "base".
 */
const POSTGRES = /^(?:postgres(?:ql)?:\/\/|(?:socket:(?:\/\/(?:[^/?#]*@)?)?)?\/(?!\/))/i;

/** Connection string of PostgreSQL, as its client reads it. */
export function postgresUrl(raw: unknown): string {
  const value = text(raw);
  if (!POSTGRES.test(value) || !isRead(value)) {
    throw new Error(
      'is not a URL of PostgreSQL: write postgresql://user:password@host:5432/database, special characters of the password as %23 and the like',
    );
  }
  return value;
}

function isRead(connectionString: string): boolean {
  try {
    new pg.Client({ connectionString });
    return true;
  } catch {
    return false;
  }
}
