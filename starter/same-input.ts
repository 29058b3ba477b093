import type { z } from 'zod';
import { canonicalJson } from '../contract/canonical.ts';
import { isRecord } from '../contract/record.ts';
import { readWith } from '../contract/schemas/fields.ts';
import { ScopeMismatch } from './errors.ts';
import type { Runs } from './runs.ts';

/** A field that differs; a value that is absent on one side is left out. */
export interface Difference {
  path: string;
  yours?: unknown;
  theirs?: unknown;
}

/**
 * Throws `ScopeMismatch` unless the run that was joined has the same input. Both are compared as the worker reads them:
 * known fields only. The input is taken from the history, so the answer does not depend on a worker.
 */
export async function requireSameInput<T>(
  runs: Runs,
  run: { workflowId: string; runId: string },
  schema: z.ZodType<T>,
  yours: T,
): Promise<void> {
  const given = await runs.inputOf(run.workflowId, run.runId);
  const reading = readWith(schema, given);
  const found = differences(yours, reading.ok ? reading.value : given);
  if (found.length === 0) return;
  const words = found.map(({ path, yours, theirs }) => `${path} is ${show(theirs)} there and ${show(yours)} here`);
  throw new ScopeMismatch(
    `run ${run.workflowId} is open with other input: ${words.join('; ')}. Use the same input, or wait for that run or cancel it.`,
    { workflowId: run.workflowId, runId: run.runId, differences: found },
  );
}

/** Fields of two JSON values that are not equal, by path, the shallowest that differ in kind. */
export function differences(yours: unknown, theirs: unknown, path = ''): Difference[] {
  if (canonicalJson(yours) === canonicalJson(theirs)) return [];
  if (isRecord(yours) && isRecord(theirs)) {
    const keys = [...new Set([...Object.keys(yours), ...Object.keys(theirs)])];
    return keys.flatMap((key) => differences(yours[key], theirs[key], path === '' ? key : `${path}.${key}`));
  }
  const present = { ...(yours === undefined ? {} : { yours }), ...(theirs === undefined ? {} : { theirs }) };
  return [{ path: path === '' ? 'input' : path, ...present }];
}

function show(value: unknown): string {
  return value === undefined ? 'absent' : JSON.stringify(value);
}
