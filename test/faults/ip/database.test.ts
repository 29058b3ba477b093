import pg from 'pg';
import { afterEach, describe, expect, test } from 'vitest';
import { eventually } from '../../support/inspect.ts';
import { DRIVER_TEXT, refusedWith, testIpWorld } from '../../support/ip-world.ts';

/** The database and the way to it fail; the caller gets the block that it would have had, or `Busy` in time. */

const world = testIpWorld({ environment: { GROUNDWORK_IP_PATIENCE_SECONDS: '1' } });

const ip = () => world.groundwork.ip;

afterEach(() => world.proxy.heal());

async function heldBy(name: string): Promise<string[]> {
  const { rows } = await world.database.query<{ uid: string }>(
    `select claim_uid as uid from ipam_alloc where owner = 'wayne' and name = $1`,
    [name],
  );
  return rows.map(({ uid }) => uid);
}

async function sound(): Promise<void> {
  expect((await ip().inventory.verify('wayne')).problems).toEqual([]);
}

describe('the connection', () => {
  test('is reset after the commit and before the answer: the retry answers the same block, not as a repeat', async () => {
    await world.root('wayne', 'net', '10.0.0.0/16', 28, 28);
    await ip().claim(world.request('wayne', 'warm', 'net', 28));
    world.proxy.set({ latencyMs: 400 });
    const claiming = ip().claim(world.request('wayne', 'cut-late', 'net', 28));
    await eventually(async () => expect(await heldBy('cut-late')).toHaveLength(1));
    world.proxy.cut();
    world.proxy.heal();
    const answer = await claiming;
    expect(await heldBy('cut-late')).toEqual([answer.uid]);
    expect(answer).toMatchObject({ replayed: false, allocatedCIDR: '10.0.0.16/28' });
    await sound();
  });

  test('is reset before the call arrives: the retry claims once', async () => {
    world.proxy.set({ refuse: true });
    world.proxy.cut();
    const claiming = ip().claim(world.request('wayne', 'cut-early', 'net', 28));
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(await heldBy('cut-early')).toEqual([]);
    world.proxy.heal();
    const answer = await claiming;
    expect(await heldBy('cut-early')).toEqual([answer.uid]);
    expect(answer.replayed).toBe(false);
  });

  test('of every call is ended by the server in the middle of forty claims: all are bound, none twice', async () => {
    const names = Array.from({ length: 40 }, (_, index) => `storm-${index}`);
    let ended = 0;
    const storm = (async () => {
      for (let round = 0; round < 20; round += 1) {
        const { rowCount } = await world.database.query(
          `select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database()
            and pid <> pg_backend_pid() and query like 'select * from ipam_claim%' and random() < 0.3`,
        );
        ended += rowCount ?? 0;
      }
    })();
    const answers = await Promise.all(names.map((name) => ip().claim(world.request('wayne', name, 'net', 28))));
    await storm;
    expect(ended).toBeGreaterThan(0);
    expect(new Set(answers.map(({ allocatedCIDR }) => allocatedCIDR)).size).toBe(40);
    for (const [index, name] of names.entries()) expect(await heldBy(name)).toEqual([answers[index]?.uid]);
    await sound();
  });

  test('is away altogether: Busy in time, without a word of the driver; afterwards the same claim succeeds', async () => {
    world.proxy.set({ refuse: true });
    world.proxy.cut();
    const request = world.request('wayne', 'away', 'net', 28);
    const failure = await refusedWith(ip().claim(request));
    expect(failure).toMatchObject({
      type: 'Busy',
      reason: 'Database',
      httpStatus: 503,
      details: { retryAfterSeconds: 1 },
    });
    expect(failure.message).not.toMatch(DRIVER_TEXT);
    world.proxy.heal();
    expect((await ip().claim(request)).replayed).toBe(false);
    await sound();
  });

  test('is a black hole: Busy in time, and the claim is made or not, but never twice', async () => {
    world.proxy.set({ blackHole: true });
    const request = world.request('wayne', 'hole', 'net', 28);
    expect(await refusedWith(ip().claim(request))).toMatchObject({ type: 'Busy', httpStatus: 503 });
    world.proxy.heal();
    const answer = await ip().claim(request);
    expect(await heldBy('hole')).toEqual([answer.uid]);
    await sound();
  });
});

test('I71: a lock that somebody holds for too long is Busy in time; afterwards the same claim succeeds', async () => {
  const { rows } = await world.database.query<{ id: number }>(`select id from ipam_pool where name = 'net'`);
  const stranger = new pg.Client({ connectionString: world.environment.GROUNDWORK_DATABASE_URL });
  await stranger.connect();
  await stranger.query('select pg_advisory_lock(71001, $1)', [rows[0]?.id]);
  const request = world.request('wayne', 'locked', 'net', 28);
  const failure = await refusedWith(ip().claim(request));
  await stranger.end();
  expect(failure).toMatchObject({ type: 'Busy', httpStatus: 503, details: { retryAfterSeconds: 1 } });
  expect(failure.message).not.toMatch(DRIVER_TEXT);
  expect((await ip().claim(request)).phase).toBe('Bound');
  await sound();
});
