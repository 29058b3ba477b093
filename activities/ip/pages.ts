import type { IpDependencies } from './dependencies.ts';
import { invalid } from './refusals.ts';
import { failed } from './release.ts';

/** Readings come in pages by key: each begins after the last row of the one before. */

/** Rows of a page at most. */
export const MOST_ROWS = 500;

/** Names and numbers: what a key of a row may look like, whoever made the cursor up. */
const isKey = (key: unknown): key is string => typeof key === 'string' && /^[a-z0-9.-]{1,253}$/.test(key);

/** `after` is opaque to callers: the keys of the last row. */
export function cursorOf(keys: readonly string[]): string {
  return Buffer.from(JSON.stringify(keys)).toString('base64url');
}

export function cursor(deps: IpDependencies, after: string | undefined, length: number): string[] {
  if (after === undefined) return [];
  try {
    const keys: unknown = JSON.parse(Buffer.from(after, 'base64url').toString());
    if (Array.isArray(keys) && keys.length === length && keys.every(isKey)) return keys;
  } catch {
    // Told below.
  }
  throw wrongCursor(deps);
}

export function wrongCursor(deps: IpDependencies): Error {
  return failed(deps, invalid([{ path: 'query.after', message: 'must be the "next" of an answer' }]));
}
