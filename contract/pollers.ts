/** Who serves a task queue, from the server's list of its pollers. */

export interface Poller {
  identity?: string | null;
  lastAccessTime?: { seconds?: unknown } | null;
}

/** A live worker polls again at once when its long poll of a minute ends; the server lists a dead one for five. */
const POLL_MS = 90_000;

/** The pollers that are alive. `now` in milliseconds since 1970. */
export function livePollers<P extends Poller>(pollers: readonly P[] | null | undefined, now: number): P[] {
  return (pollers ?? []).filter(({ lastAccessTime }) => now - Number(lastAccessTime?.seconds ?? 0) * 1000 < POLL_MS);
}

/** The value of `TASK_QUEUE_TYPE_WORKFLOW` in Temporal's API. */
export const WORKFLOW_TASKS = 1;
