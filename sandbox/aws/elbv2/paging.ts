import { validationError } from '../errors.ts';
import type { Params } from '../query.ts';

/**
 * Cuts one page out of items sorted by `keyOf`. The marker holds the key of the last item returned and nothing is kept
 * on the server, so paging goes on although items come and go; `scope` ties a marker to the listing that gave it.
 */
export function page<Item>(
  params: Params,
  scope: string,
  sorted: readonly Item[],
  keyOf: (item: Item) => string,
): { items: Item[]; marker: string | undefined } {
  const size = params.integer('PageSize', 1, 400) ?? 400;
  const after = readMarker(params.text('Marker'), scope);
  const rest = after === undefined ? sorted : sorted.filter((item) => keyOf(item) > after);
  const items = rest.slice(0, size);
  const last = items.at(-1);
  return { items, marker: rest.length > size && last !== undefined ? writeMarker(scope, keyOf(last)) : undefined };
}

const writeMarker = (scope: string, key: string) => Buffer.from(JSON.stringify([scope, key])).toString('base64url');

function readMarker(marker: string | undefined, scope: string): string | undefined {
  if (marker === undefined || marker === '') return undefined;
  const parts = decode(marker);
  if (Array.isArray(parts) && parts[0] === scope && typeof parts[1] === 'string') return parts[1];
  throw validationError(`Invalid marker '${marker}'`);
}

function decode(marker: string): unknown {
  try {
    return JSON.parse(Buffer.from(marker, 'base64url').toString('utf8'));
  } catch {
    return undefined;
  }
}
