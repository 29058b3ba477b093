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
