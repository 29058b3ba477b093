import { z } from 'zod';
import { InvalidInput } from '../errors.ts';
import { UsageError } from './failing.ts';
import { type Json, setAt } from './input.ts';

/** `--set path=value`. Loaded when it is used: schemas take their time, and most commands need none. */

/**
 * Sets fields by `path=value`. Callers of the wire may be newer than the worker, so that unknown fields are ignored there; what
 * somebody types is refused: a typing error would be lost without a word.
 */
export function setFrom(input: Json, assignments: readonly string[], schema: z.ZodType): void {
  const parts = assignments.map(parted);
  const unknown = parts.filter(([path]) => !hasField(schema, path.split('.')));
  if (unknown.length > 0)
    throw InvalidInput.of(unknown.map(([path]) => ({ path, message: 'is no field of this input' })));
  for (const [path, value] of parts) setAt(input, path, value);
}

/** Whether a value of the schema may have something at the path. */
function hasField(schema: z.ZodType, [key, ...rest]: readonly string[]): boolean {
  if (key === undefined) return true;
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodNullable)
    return hasField(inner(schema), [key, ...rest]);
  if (schema instanceof z.ZodUnion)
    return schema.options.some((option) => hasField(option as z.ZodType, [key, ...rest]));
  if (schema instanceof z.ZodRecord) return hasField(schema.valueType as z.ZodType, rest);
  if (schema instanceof z.ZodUnknown) return true;
  if (!(schema instanceof z.ZodObject)) return false;
  const field: unknown = Object.hasOwn(schema.shape, key) ? schema.shape[key] : undefined;
  return field instanceof z.ZodType && hasField(field, rest);
}

const inner = (schema: z.ZodOptional | z.ZodNullable): z.ZodType => schema.unwrap() as z.ZodType;

/** `path=value`; the value is read as JSON where it is JSON, and as text otherwise. */
function parted(assignment: string): [path: string, value: unknown] {
  const cut = assignment.indexOf('=');
  if (cut < 1)
    throw new UsageError(
      `--set ${assignment}: write it as path=value, for example networking.platform.autocreateEnabled=true`,
    );
  return [assignment.slice(0, cut), jsonOrText(assignment.slice(cut + 1))];
}

function jsonOrText(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
