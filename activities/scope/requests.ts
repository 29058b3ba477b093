import type { z } from 'zod';
import type { InvalidField } from '../../contract/failures.ts';
import { scopeCreationInputSchema, scopeDeletionInputSchema } from '../../contract/schemas/scope.ts';
import type { ScopeDeletionInput } from '../../contract/scope/input.ts';
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
  const parsed = parse(scopeDeletionInputSchema, input);
  if (parsed.adopt === true) {
    const missing = (['domain', 'region', 'hostedZones'] as const).filter((field) => parsed[field] === undefined);
    if (missing.length > 0)
      throw invalidInput(missing.map((path) => ({ path, message: 'is required together with adopt' })));
  }
  return { input: parsed, brand: settings.brand.name, timings: settings.timings };
}

function parse<T>(schema: z.ZodType<T>, input: unknown): T {
  const result = schema.safeParse(input ?? {});
  if (result.success) return result.data;
  throw invalidInput(result.error.issues.map((issue) => fieldOf(issue, input)));
}

function fieldOf(issue: z.core.$ZodIssue, input: unknown): InvalidField {
  const given = issue.path.reduce<unknown>(
    (value, key) => (value as Record<PropertyKey, unknown> | undefined)?.[key],
    input,
  );
  const path = issue.path.map(String).join('.');
  if (given === undefined) return { path, message: 'is required' };
  if (issue.code === 'invalid_type') return { path, message: `must be ${article(issue.expected)}` };
  if (issue.code === 'invalid_value' && issue.message.startsWith('Invalid option')) {
    return { path, message: `must be one of ${issue.values.map((value) => JSON.stringify(value)).join(', ')}` };
  }
  return { path, message: issue.message.replace(/^Invalid input: /, '') };
}

function article(type: string): string {
  return `${/^[aeiou]/.test(type) ? 'an' : 'a'} ${type}`;
}
