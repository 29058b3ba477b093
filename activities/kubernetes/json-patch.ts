import { isDeepStrictEqual } from 'node:util';
import { isRecord } from '../../contract/record.ts';
import type { JsonPatch } from '../../domain/workshop/patches.ts';

/**
 * Whether an object is already as a patch would make it: every added or replaced value is there, every removed one is not.
 * Of the tests only the one on the uid counts, because the others describe the object before.
 */
export function isApplied(object: unknown, patch: JsonPatch): boolean {
  return patch.every((operation) => {
    const value = valueAt(object, operation.path);
    switch (operation.op) {
      case 'remove':
        return value === undefined;
      case 'test':
        return operation.path !== '/metadata/uid' || isDeepStrictEqual(value, operation.value);
      default:
        return contains(value, operation.value);
    }
  });
}

/** The value that a JSON Pointer (RFC 6901) leads to; undefined when it leads nowhere. */
function valueAt(object: unknown, pointer: string): unknown {
  const keys = pointer.split('/').slice(1);
  return keys.reduce<unknown>(
    (part, key) => (part as Record<string, unknown> | null | undefined)?.[key.replace(/~1/g, '/').replace(/~0/g, '~')],
    object,
  );
}

/** Objects may have gained members since, from others or by defaults; everything else must be equal. */
function contains(value: unknown, wanted: unknown): boolean {
  if (!isRecord(value) || !isRecord(wanted)) return isDeepStrictEqual(value, wanted);
  return Object.entries(wanted).every(([key, part]) => contains(value[key], part));
}
