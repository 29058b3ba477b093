import { setTimeout as delay } from 'node:timers/promises';

/** The result of `work`, or an error that says what was not done after `ms`. The work itself goes on, unobserved. */
export async function within<T>(ms: number, what: string, work: Promise<T>): Promise<T> {
  const stop = new AbortController();
  const late = delay(Math.max(ms, 1), undefined, { signal: stop.signal }).then(() => {
    throw new Error(`${what} after ${ms} ms`);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    stop.abort();
    late.catch(() => {});
    work.catch(() => {});
  }
}
