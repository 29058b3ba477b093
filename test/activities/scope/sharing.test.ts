import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { Database } from '../../../activities/postgres/database.ts';
import { leaseBalancers, shared } from '../../../activities/scope/sharing.ts';
import { toFailure } from '../../../activities/translate.ts';
import { testDatabase } from '../../support/servers.ts';

const server = testDatabase();
let database: Database;

beforeAll(() => {
  database = new Database({ url: server.url, poolSize: 16 });
});
afterAll(() => database.close());
beforeEach(async () => {
  await database.query('delete from region_observation');
  await database.query("insert into region_observation (account, region) values ('1', 'us-east-1')");
});

const row = { table: 'region_observation' as const, where: 'account = $1 and region = $2', values: ['1', 'us-east-1'] };
const ages = (reader: string, fields: object = {}) => ({ maxAgeSeconds: 30, leaseSeconds: 10, reader, ...fields });

/** A reading that takes as long as the test says. */
function gate() {
  let open: () => void = () => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { open, opened };
}

describe('texts that PostgreSQL does not hold', () => {
  test('are kept in a document of other systems with a sign in their place', async () => {
    const { value } = await shared(database, row, ages('a'), async () => ({ note: 'a\0b \ud800c \u{1f600}\n' }));
    expect(value.note).toContain('\0');
    expect((await shared(database, row, ages('b'), async () => ({ note: '' }))).value).toEqual({
      note: 'a\ufffdb \ufffdc \u{1f600}\n',
    });
  });

  test('end a request for good, and are not tried again', async () => {
    const statement = database.query('select $1::jsonb', [JSON.stringify({ note: 'a\0b' })]);
    const failure = toFailure(await statement.catch((error: unknown) => error));
    expect(failure).toMatchObject({ type: 'InvalidInput', nonRetryable: true, details: [{ sqlState: '22P05' }] });
  });
});

describe('a shared reading', () => {
  test('is made once for many runs at the same time', async () => {
    let reads = 0;
    const { open, opened } = gate();
    const runs = Array.from({ length: 12 }, (_, index) =>
      shared(database, row, ages(`run-${index}`), async () => {
        reads += 1;
        await opened;
        return { balancers: reads };
      }),
    );
    setTimeout(open, 100);
    const readings = await Promise.all(runs);
    expect(reads).toBe(1);
    expect(new Set(readings.map(({ value }) => JSON.stringify(value)))).toEqual(new Set(['{"balancers":1}']));
  });

  test('is reused while it is young, and made anew when the caller wants a younger one', async () => {
    const read = (n: number) => async () => ({ n });
    await shared(database, row, ages('a'), read(1));
    expect((await shared(database, row, ages('b'), read(2))).value).toEqual({ n: 1 });
    expect((await shared(database, row, ages('c', { maxAgeSeconds: 0 }), read(3))).value).toEqual({ n: 3 });
  });

  test('is made anew when the stored one lacks what this caller needs', async () => {
    await shared<{ n: number; certificates?: number }>(database, row, ages('a'), async () => ({ n: 1 }));
    const reading = await shared<{ n: number; certificates?: number }>(
      database,
      row,
      ages('b'),
      async () => ({ n: 2, certificates: 5 }),
      ({ certificates }) => certificates !== undefined,
    );
    expect(reading.value).toEqual({ n: 2, certificates: 5 });
  });

  test('that fails lets the next run read at once', async () => {
    await expect(shared(database, row, ages('a'), () => Promise.reject(new Error('throttled')))).rejects.toThrow(
      'throttled',
    );
    expect((await shared(database, row, ages('b'), async () => ({ n: 1 }))).value).toEqual({ n: 1 });
  });

  test('is taken over from a reader that died with its lease', async () => {
    await database.query(
      `update region_observation set observer = 'dead', observer_until = clock_timestamp() + interval '150 milliseconds'`,
    );
    const before = Date.now();
    const reading = await shared(database, row, ages('alive'), async () => ({ n: 1 }));
    expect(reading.value).toEqual({ n: 1 });
    expect(Date.now() - before).toBeGreaterThanOrEqual(100); // a live lease is respected: it is the fact under test, not a speed
  });

  test('of a reader whose lease was taken over does not overwrite the newer one', async () => {
    const { open, opened } = gate();
    const slow = shared(database, row, ages('slow', { leaseSeconds: 0.05 }), async () => {
      await opened;
      return { from: 'slow' };
    });
    await new Promise((resolve) => setTimeout(resolve, 150));
    await shared(database, row, ages('quick'), async () => ({ from: 'quick' }));
    open();
    await slow;
    const { rows } = await database.query<{ observation: unknown }>('select observation from region_observation');
    expect(rows[0]?.observation).toEqual({ from: 'quick' });
  });
});

describe('leases of balancers', () => {
  const pool = { account: '1', region: 'us-east-1' };
  const names = ['fresh', 'stale', 'never', 'read-by-another', 'reader-died', 'read-by-us'];
  beforeEach(async () => {
    await database.query('delete from balancer');
    await database.query(
      `insert into balancer (account, region, name, scheme, origin, state, observed_at, observer, observer_until)
       select '1', 'us-east-1', name, 'internal', 'declared', 'active', clock_timestamp() - age, observer, clock_timestamp() + lasts
         from (values ('fresh', interval '1 second', null, null), ('stale', interval '1 hour', null, null), ('never', null, null, null),
                      ('read-by-another', null, 'b', interval '1 hour'), ('reader-died', null, 'b', interval '-1 second'),
                      ('read-by-us', null, 'a', interval '1 hour')) as given (name, age, observer, lasts)`,
    );
  });

  test('are taken where nobody reads and nothing is young, and used without asking again', async () => {
    const leased = await leaseBalancers(database, pool, [...names, 'unknown'], ages('a'));
    expect([...leased.keys()].sort()).toEqual(['never', 'read-by-us', 'reader-died', 'stale']);
    const row = { table: 'balancer' as const, where: 'name = $1', values: ['stale'] };
    const leasedAt = leased.get('stale');
    const reading = await shared(database, row, ages('a', { leasedAt }), async () => ({ n: 1 }));
    expect(reading).toEqual({ value: { n: 1 }, observedAt: leasedAt?.toISOString() });
    expect(await shared(database, row, ages('c'), async () => ({ n: 2 }))).toEqual(reading);
  });

  test('go to one of many runs each', async () => {
    const runs = await Promise.all(
      Array.from({ length: 12 }, (_, run) =>
        leaseBalancers(database, pool, run % 2 ? names : names.toReversed(), ages(`run-${run}`)),
      ),
    );
    expect(runs.flatMap((leased) => [...leased.keys()]).sort()).toEqual(['never', 'reader-died', 'stale']);
  });
});
