import type { z } from 'zod';
import { readWith } from '../contract/schemas/fields.ts';
import { scopeCreationInputSchema, scopeDeletionInputSchema } from '../contract/schemas/scope.ts';
import type { ScopeCreationInput, ScopeDeletionInput } from '../contract/scope/input.ts';
import { InvalidInput } from './errors.ts';

/** Inputs before anything is started. Each throws `InvalidInput` with every wrong field, and answers the known fields only. */

export const checkScopeCreation = (given: unknown): ScopeCreationInput => checked(scopeCreationInputSchema, given);

export const checkScopeDeletion = (given: unknown): ScopeDeletionInput => checked(scopeDeletionInputSchema, given);

/** `path` names the value where it is not an object with fields. */
export function checked<T>(schema: z.ZodType<T>, given: unknown, path = ''): T {
  const reading = readWith(schema, given);
  if (reading.ok) return reading.value;
  throw InvalidInput.of(reading.fields.map((field) => (field.path === '' ? { ...field, path } : field)));
}
