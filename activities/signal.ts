import { Context } from '@temporalio/activity';

const never = new AbortController().signal;

/** Aborts when the running activity is cancelled or its worker stops; never aborts outside an activity. */
export function activitySignal(): AbortSignal {
  try {
    return Context.current().cancellationSignal;
  } catch {
    return never;
  }
}

/** Tells the server that the running activity is alive; does nothing outside an activity. */
export function beat(details?: unknown): void {
  try {
    Context.current().heartbeat(details);
  } catch {
    // Not inside an activity.
  }
}

/** What an earlier attempt of the running activity told last; undefined on the first one and outside an activity. */
export function heartbeatDetails<T>(): T | undefined {
  try {
    return Context.current().info.heartbeatDetails as T | undefined;
  } catch {
    return undefined;
  }
}

/** Whether no other attempt of this activity has acted. */
export function isFirstAttempt(): boolean {
  try {
    return Context.current().info.attempt === 1;
  } catch {
    return true;
  }
}

/** While the work goes on its activity is alive: one statement of a database may take longer than a heartbeat is waited for. */
const BEAT_MS = 5_000;

/** Runs the work and keeps telling the server what `details` answers. The work itself is bounded by other means. */
export async function beating<T>(work: () => Promise<T>, details: () => unknown = () => undefined): Promise<T> {
  beat(details());
  const timer = setInterval(() => beat(details()), BEAT_MS);
  try {
    return await work();
  } finally {
    clearInterval(timer);
  }
}
