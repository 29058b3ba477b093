import { setTimeout as delay } from 'node:timers/promises';
import type { Queryable } from '../postgres/database.ts';
import { jsonb } from '../postgres/json.ts';
import { activitySignal, beat } from '../signal.ts';

/** One reading shared by all runs: stored with its time, made by one run at a time (specs: scope creation, section 5). */

/** Columns of a reading: its value, its time, who reads now, and until when. */
const OBSERVATION = { value: 'observation', at: 'observed_at', reader: 'observer', until: 'observer_until' };
export const TAGGING = { value: 'tagging', at: 'tagging_at', reader: 'tagger', until: 'tagger_until' };

/** Where a reading is kept: a row with the columns of one; `OBSERVATION` without `columns`. */
export interface SharedRow {
  table: 'balancer' | 'region_observation';
  columns?: typeof OBSERVATION;
  /** Condition on the row with placeholders from `$1`, and their values. */
  where: string;
  values: readonly unknown[];
  /** Makes the row where it may be missing, with the same values. */
  insert?: string;
}

/**
 * A reading or a lease that a crash of the database loses is only made again: its commit need not wait for the disk. As a
 * second table of the statement, so that it costs no round trip.
 */
const RELAXED = "(select set_config('synchronous_commit', 'off', true)) as relaxed";

export interface SharedReading<T> {
  value: T;
  /** ISO time at which the reading began. */
  observedAt: string;
}

const LOOK_EVERY_MS = 40;

type Stored<T> = { observation: T | null; observed_at: Date | null; not_before: Date; fresh: boolean };

export interface ReadingAges {
  maxAgeSeconds: number;
  leaseSeconds: number;
  /** Unique name of the reading attempt. */
  reader: string;
}

/**
 * Takes the leases of those of these balancers' readings that are too old and that nobody makes, in one statement; answers since
 * when. What another run has locked at the moment is passed over.
 */
export async function leaseBalancers(
  database: Queryable,
  { account, region }: { account: string; region: string },
  names: readonly string[],
  ages: ReadingAges,
): Promise<Map<string, Date>> {
  const { rows } = await database.query<{ name: string; began: Date }>(
    `update balancer b set observer = $4, observer_until = clock_timestamp() + $5 * interval '1 second'
       from (select id from balancer
              where account = $1 and region = $2 and name = any($3)
                and (observed_at is null or observed_at < clock_timestamp() - $6 * interval '1 second')
                and (observer_until is null or observer_until < clock_timestamp() or observer = $4)
              for update skip locked) as free, ${RELAXED}
      where b.id = free.id returning b.name, clock_timestamp() as began`,
    [account, region, names, ages.reader, ages.leaseSeconds, ages.maxAgeSeconds],
  );
  return new Map(rows.map(({ name, began }) => [name, began]));
}

/**
 * The stored reading if it is younger than `maxAgeSeconds`, else a new one. Only the holder of the row's lease reads; the
 * others wait for its result and take over when the lease lapses, so a burst of runs costs one reading.
 */
export async function shared<T>(
  database: Queryable,
  row: SharedRow,
  ages: ReadingAges & {
    /** Since when this caller has the lease, where it took it before. */
    leasedAt?: Date | undefined;
  },
  read: () => Promise<T>,
  /** Whether a stored reading holds what this caller needs. */
  suffices: (value: T) => boolean = () => true,
): Promise<SharedReading<T>> {
  const reading = async (began: Date) => ({
    value: await readAndStore(database, row, ages.reader, began, read),
    observedAt: began.toISOString(),
  });
  if (ages.leasedAt) return reading(ages.leasedAt);
  const arg = row.values.length;
  const { value, at, reader, until } = row.columns ?? OBSERVATION;
  // Fixed by the first look, on the database's clock: whatever is read from then on is fresh enough for this caller.
  let notBefore: Date | null = null;
  for (;;) {
    const look: { rows: Stored<T>[] } = await database.query<Stored<T>>(
      `select case when ${at} >= not_before then ${value} end as observation, ${at} as observed_at, not_before,
              coalesce(${at} >= not_before, false) as fresh
         from ${row.table}, (select coalesce($${arg + 1}::timestamptz, clock_timestamp() - $${arg + 2} * interval '1 second') as not_before) as age
        where ${row.where}`,
      [...row.values, notBefore, ages.maxAgeSeconds],
    );
    const stored = look.rows[0];
    if (!stored && row.insert) {
      await database.query(row.insert, row.values);
      continue;
    }
    notBefore = stored?.not_before ?? notBefore;
    const fresh = stored?.fresh === true && stored.observation !== null;
    if (fresh && stored.observation !== null && stored.observed_at && suffices(stored.observation)) {
      return { value: stored.observation, observedAt: stored.observed_at.toISOString() };
    }
    const lease = await database.query<{ began: Date }>(
      `update ${row.table} set ${reader} = $${arg + 1}, ${until} = clock_timestamp() + $${arg + 2} * interval '1 second'
         from ${RELAXED}
        where ${row.where} and (${until} is null or ${until} < clock_timestamp() or ${reader} = $${arg + 1})
          and ($${arg + 4} or ${at} is null or ${at} < $${arg + 3})
        returning clock_timestamp() as began`,
      [...row.values, ages.reader, ages.leaseSeconds, notBefore, fresh],
    );
    const began = lease.rows[0]?.began;
    if (began) return reading(began);
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
  const columns = row.columns ?? OBSERVATION;
  const { at, until } = columns;
  const isMine = `${row.where} and ${columns.reader} = $${arg + 1}`;
  try {
    const value = await read();
    // A reader whose lease was taken over does not overwrite the newer reading.
    await database.query(
      `update ${row.table} set ${columns.value} = $${arg + 2}, ${at} = $${arg + 3}, ${columns.reader} = null, ${until} = null from ${RELAXED} where ${isMine}`,
      [...row.values, reader, jsonb(value), began],
    );
    return value;
  } catch (error) {
    await database
      .query(`update ${row.table} set ${columns.reader} = null, ${until} = null where ${isMine}`, [
        ...row.values,
        reader,
      ])
      .catch(() => {});
    throw error;
  }
}
