import { setTimeout as delay } from 'node:timers/promises';
import type { Queryable } from '../postgres/database.ts';
import { activitySignal, beat } from '../signal.ts';

/** One reading shared by all runs: stored with its time, made by one run at a time (specs: scope creation, section 5). */

/** Where a reading is kept: a row with the columns observation, observed_at, observer and observer_until. */
export interface SharedRow {
  table: 'balancer' | 'region_observation';
  /** Condition on the row with placeholders from `$1`, and their values. */
  where: string;
  values: readonly unknown[];
}

export interface SharedReading<T> {
  value: T;
  /** ISO time at which the reading began. */
  observedAt: string;
}

const LOOK_EVERY_MS = 40;

type Stored<T> = { observation: T | null; observed_at: Date | null; not_before: Date; fresh: boolean };

/**
 * The stored reading if it is younger than `maxAgeSeconds`, else a new one. Only the holder of the row's lease reads; the
 * others wait for its result and take over when the lease lapses, so a burst of runs costs one reading.
 */
export async function shared<T>(
  database: Queryable,
  row: SharedRow,
  ages: { maxAgeSeconds: number; leaseSeconds: number; reader: string },
  read: () => Promise<T>,
  /** Whether a stored reading holds what this caller needs. */
  suffices: (value: T) => boolean = () => true,
): Promise<SharedReading<T>> {
  const arg = row.values.length;
  // Fixed by the first look, on the database's clock: whatever is read from then on is fresh enough for this caller.
  let notBefore: Date | null = null;
  for (;;) {
    const look: { rows: Stored<T>[] } = await database.query<Stored<T>>(
      `select observation, observed_at, not_before, coalesce(observed_at >= not_before, false) as fresh
         from ${row.table}, (select coalesce($${arg + 1}::timestamptz, clock_timestamp() - $${arg + 2} * interval '1 second') as not_before) as age
        where ${row.where}`,
      [...row.values, notBefore, ages.maxAgeSeconds],
    );
    const stored = look.rows[0];
    notBefore = stored?.not_before ?? notBefore;
    const fresh = stored?.fresh === true && stored.observation !== null;
    if (fresh && stored.observation !== null && stored.observed_at && suffices(stored.observation)) {
      return { value: stored.observation, observedAt: stored.observed_at.toISOString() };
    }
    const lease = await database.query<{ began: Date }>(
      `update ${row.table} set observer = $${arg + 1}, observer_until = clock_timestamp() + $${arg + 2} * interval '1 second'
        where ${row.where} and (observer_until is null or observer_until < clock_timestamp() or observer = $${arg + 1})
          and ($${arg + 4} or observed_at is null or observed_at < $${arg + 3})
        returning clock_timestamp() as began`,
      [...row.values, ages.reader, ages.leaseSeconds, notBefore, fresh],
    );
    const began = lease.rows[0]?.began;
    if (began)
      return { value: await readAndStore(database, row, ages.reader, began, read), observedAt: began.toISOString() };
    beat();
    await delay(LOOK_EVERY_MS, undefined, { signal: activitySignal() });
  }
}

async function readAndStore<T>(
  database: Queryable,
  row: SharedRow,
  reader: string,
  began: Date,
  read: () => Promise<T>,
): Promise<T> {
  const arg = row.values.length;
  const isMine = `${row.where} and observer = $${arg + 1}`;
  try {
    const value = await read();
    // A reader whose lease was taken over does not overwrite the newer reading.
    await database.query(
      `update ${row.table} set observation = $${arg + 2}, observed_at = $${arg + 3}, observer = null, observer_until = null where ${isMine}`,
      [...row.values, reader, JSON.stringify(value), began],
    );
    return value;
  } catch (error) {
    await database
      .query(`update ${row.table} set observer = null, observer_until = null where ${isMine}`, [...row.values, reader])
      .catch(() => {});
    throw error;
  }
}
