import { setTimeout as delay } from 'node:timers/promises';
import { workflowIds } from '../../contract/names.ts';
import type { ScopeCreationInput } from '../../contract/scope/input.ts';
import type { ScopeCreationResult } from '../../contract/scope/status.ts';
import type { Bed } from './bed.ts';

/** A creation that has no result by then counts as failed. */
const RESULT_MS = 240_000;

/** One finished creation. */
export interface Creation {
  readonly input: ScopeCreationInput;
  readonly result: ScopeCreationResult;
  /** Milliseconds from the moment it was meant to be sent until the caller had the result. */
  readonly latencyMs: number;
}

export interface Batch {
  readonly started: number;
  readonly finished: readonly Creation[];
  /** Milliseconds from the first start to the last result. */
  readonly elapsedMs: number;
}

/**
 * Starts a creation for each input, `perSecond` of them whatever becomes of the earlier ones, and all at once without it.
 * Rejects when one fails: nothing is timed then.
 */
export async function create(bed: Bed, inputs: readonly ScopeCreationInput[], perSecond?: number): Promise<Batch> {
  const began = performance.now();
  const one = async (input: ScopeCreationInput, index: number): Promise<Creation> => {
    const intended = began + (perSecond === undefined ? 0 : (index / perSecond) * 1000);
    const early = intended - performance.now();
    if (early > 0) await delay(early);
    const result = await bed.scopes.create(input, { deadline: RESULT_MS });
    return { input, result, latencyMs: performance.now() - intended };
  };
  const all = Promise.all(inputs.map(one));
  const gone = bed.worker.ended.then((words) => Promise.reject(new Error(words)));
  const finished = await Promise.race([all, gone]);
  return { started: inputs.length, finished, elapsedMs: performance.now() - began };
}

/** Creates one scope after the other; `before` runs ahead of each and is not timed. */
export async function createSingly(
  bed: Bed,
  inputs: readonly ScopeCreationInput[],
  before: () => Promise<unknown> = async () => {},
): Promise<Creation[]> {
  const finished: Creation[] = [];
  for (const input of inputs) {
    await before();
    finished.push(...(await create(bed, [input])).finished);
  }
  return finished;
}

export const workflowIdOf = ({ input }: Creation) => workflowIds.scopeCreation(input.scopeId);
