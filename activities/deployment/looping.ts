import { setTimeout as delay } from 'node:timers/promises';
import { CancelledFailure } from '@temporalio/common';
import { AwsCallError } from '../aws/errors.ts';
import { KubernetesCallError } from '../kubernetes/errors.ts';
import { activitySignal, beat } from '../signal.ts';

/** Loops of one attempt: look, heartbeat, wait, look again. */

/** Waits `seconds`; throws the activity's cancellation when it comes. */
export async function pauseFor(seconds: number): Promise<void> {
  const signal = activitySignal();
  try {
    await delay(Math.max(1, seconds * 1000), undefined, { signal });
  } catch (error) {
    throw cancellationOf(error);
  }
}

/** The cancellation behind an error of a call that it aborted; any other error is answered as it is. */
export function cancellationOf(error: unknown): unknown {
  const aborted = error instanceof CancelledFailure || (error instanceof Error && error.name === 'AbortError');
  const reason: unknown = activitySignal().reason;
  return aborted && reason instanceof CancelledFailure ? reason : error;
}

/** Whether the workflow ended the step. A worker that stops is none: another one goes on. */
export function isInterruption(error: unknown): boolean {
  return error instanceof CancelledFailure && error.message !== 'WORKER_SHUTDOWN';
}

/** Whether a failed look is only repeated: everything but a denial and a refused request. */
export function isPassing(error: unknown): boolean {
  if (error instanceof AwsCallError) return error.kind !== 'denied' && error.kind !== 'invalid';
  if (error instanceof KubernetesCallError) return error.kind !== 'denied' && error.kind !== 'invalid';
  return false;
}

const BEAT_MS = 5_000;

/**
 * Runs the work, and tells the server `details` only when it takes long: the SDK holds back the heartbeats that follow one, and the
 * first is to carry what the work finds.
 */
export async function keptAlive<T>(work: () => Promise<T>, details: () => unknown): Promise<T> {
  const timer = setInterval(() => beat(details()), BEAT_MS);
  try {
    return await work();
  } finally {
    clearInterval(timer);
  }
}

export interface Look<T> {
  /** Answers when there is something to say; undefined: look again. */
  look: () => Promise<T | undefined>;
  /** What the last look saw; with every heartbeat. */
  seen: () => unknown;
  pollSeconds: number;
  /** No look begins after this, in ms; at least one is made. */
  until: number;
  /** What a passing failure of a look is told to. */
  onTrouble?: (error: Error) => void;
}

/** Looks until there is an answer or the deadline has passed (then undefined). */
export async function lookUntil<T>({ look, seen, pollSeconds, until, onTrouble }: Look<T>): Promise<T | undefined> {
  for (;;) {
    beat(seen());
    try {
      const answer = await look();
      if (answer !== undefined) return answer;
    } catch (error) {
      const meaning = cancellationOf(error);
      if (meaning !== error || !isPassing(error)) throw meaning;
      onTrouble?.(error as Error);
    }
    const left = (until - Date.now()) / 1000;
    if (left <= 0) return undefined;
    beat(seen());
    await pauseFor(Math.min(pollSeconds, left));
  }
}
