import type { z } from 'zod';
import { readWith } from '../../contract/schemas/fields.ts';
import {
  inventoryInputSchema,
  scopeCreationInputSchema,
  scopeDeletionInputSchema,
} from '../../contract/schemas/scope.ts';
import type { ScopeDeletionInput } from '../../contract/scope/input.ts';
import type { InventoryInput } from '../../contract/scope/retirement.ts';
import { resolveScopeRequest, type ScopeRequest } from '../../domain/scope/request.ts';
import type { ScopeSettings, ScopeTimings } from '../../domain/scope/settings.ts';
import { invalidInput } from '../failures.ts';

/** Validation, first thing in a run. Pure: running it twice gives the same answer. */

/** Checks the input's shape, then decides every knob. Fails with `InvalidInput` naming every wrong field. */
export function acceptCreation(settings: ScopeSettings, input: unknown): ScopeRequest {
  const resolution = resolveScopeRequest(parse(scopeCreationInputSchema, input), settings);
  if (!resolution.ok) throw invalidInput(resolution.problems);
  return resolution.request;
}

export interface AcceptedDeletion {
  input: ScopeDeletionInput;
  brand: string;
  timings: ScopeTimings;
}

export function acceptDeletion(settings: ScopeSettings, input: unknown): AcceptedDeletion {
  return { input: parse(scopeDeletionInputSchema, input), brand: settings.brand.name, timings: settings.timings };
}

export const inventoryInput = (input: unknown): InventoryInput => parse(inventoryInputSchema, input);

function parse<T>(schema: z.ZodType<T>, input: unknown): T {
  const reading = readWith(schema, input);
  if (reading.ok) return reading.value;
  throw invalidInput(reading.fields);
}
