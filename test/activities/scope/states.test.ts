import { Client, Connection } from '@temporalio/client';
import fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { Database } from '../../../activities/postgres/database.ts';
import { type BalancerState, moveBalancer } from '../../../activities/scope/ledger/balancer.ts';
import { bindPlacement, releaseHold, takePlacement } from '../../../activities/scope/ledger/holding.ts';
import { leaveBalancer } from '../../../activities/scope/ledger/leaving.ts';
import { place } from '../../../activities/scope/ledger/placing.ts';
import { resolveScopeRequest } from '../../../domain/scope/request.ts';
import { input, settings } from '../../domain/scope/build.ts';
import { testDatabase, testServers, uniqueName } from '../../support/servers.ts';

/** Invariants of the specification, section 15, about rows: for any order of steps no transition skips a state, and one run holds a scope. */

const server = testDatabase();
const pool = { account: '123456789012', region: 'us-east-1', scheme: 'internet-facing' } as const;
let database: Database;
let connection: Connection;
let temporal: Client;

beforeAll(async () => {
  database = new Database({ url: server.url, poolSize: 10 });
  connection = await Connection.connect({ address: testServers().temporal.address });
  temporal = new Client({ connection, namespace: testServers().temporal.namespace });
  await database.query('create table moved (was text, is_now text)');
  await database.query(`create function note_move() returns trigger language plpgsql as
    'begin insert into moved values (old.state, new.state); return new; end'`);
  await database.query(`create trigger note_move after update on balancer for each row
    when (old.state is distinct from new.state) execute function note_move()`);
});
afterAll(async () => {
  await connection.close();
  await database.close();
});
beforeEach(() => database.query('truncate moved'));

/** Section 4, as `from -> to`. */
const ALLOWED = new Set([
  'reserved -> provisioning',
  'reserved -> failed',
  'reserved -> retiring',
  'provisioning -> active',
  'provisioning -> failed',
  'provisioning -> retiring',
  'failed -> retiring',
  'failed -> provisioning', // only under bound scopes: a vanished balancer that could not be rebuilt is tried again
  'active -> retiring',
  'active -> provisioning',
  'retiring -> retired',
  'retiring -> active',
  'retired -> reserved',
]);

/** The steps of the activities, by the states that they ask for. */
const MOVES: Record<string, { from: BalancerState[]; to: BalancerState }> = {
  applyKeeper: { from: ['reserved'], to: 'provisioning' },
  activateBalancer: { from: ['provisioning', 'active'], to: 'active' },
  failBalancer: { from: ['reserved', 'provisioning'], to: 'failed' },
  retiredBalancer: { from: ['retiring'], to: 'retired' },
  reviveBalancer: { from: ['retiring'], to: 'active' },
  repairKeeper: { from: ['active'], to: 'provisioning' },
};

const scopes = ['a', 'b', 'c'] as const;
const step = fc.oneof(
  fc.record({ kind: fc.constant('place' as const), scope: fc.constantFrom(...scopes), bind: fc.boolean() }),
  fc.record({
    kind: fc.constant('leave' as const),
    scope: fc.constantFrom(...scopes),
    purpose: fc.constantFrom('undo' as const, 'delete' as const),
  }),
  fc.record({ kind: fc.constant('move' as const), name: fc.constantFrom(...Object.keys(MOVES)), which: fc.nat(3) }),
);

/** A pool without a declared balancer: every scope needs one of ours, and three scopes share it. */
async function emptyPool(): Promise<void> {
  await database.query(
    'truncate balancer, placement, placement_host, dns_record, region_observation restart identity cascade',
  );
  await database.query(
    'insert into region_observation (account, region, observation, observed_at) values ($1, $2, $3, clock_timestamp())',
    [pool.account, pool.region, JSON.stringify({ balancers: [] })],
  );
}

async function placeScope(scopeId: string): Promise<void> {
  const resolution = resolveScopeRequest(
    input({ scopeId, slugs: { account: 'acme', namespace: 'payments', application: 'api', scope: scopeId } }),
    settings({ autocreateEnabled: true, albMaxCapacity: 3 }),
  );
  if (!resolution.ok) throw new Error('the request is wrong');
  const run = `run-of-${scopeId}`;
  await database.query(
    'insert into placement (scope_id, holder) values ($1, $2) on conflict (scope_id) do update set holder = excluded.holder',
    [scopeId, run],
  );
  await place(database, {
    request: resolution.request,
    pool,
    run,
    unreadable: {},
    owners: {},
    maxAgeSeconds: 600,
    mayCreate: true,
    dryRun: false,
  });
}

test('whatever the order of steps, no balancer skips a state, and nobody is placed on one that leaves', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 25 }), async (steps) => {
      await emptyPool();
      for (const one of steps) {
        if (one.kind === 'place') {
          await placeScope(one.scope);
          const { rows } = await database.query<{ state: string }>(
            `select b.state from placement p join balancer b on b.id = p.balancer_id where p.scope_id = $1 and p.state <> 'released'`,
            [one.scope],
          );
          expect(['reserved', 'provisioning', 'active', undefined]).toContain(rows[0]?.state);
          if (one.bind) await bindPlacement(database, one.scope, `run-of-${one.scope}`);
        } else if (one.kind === 'leave') {
          await leaveBalancer(database, { scopeId: one.scope, run: `run-of-${one.scope}`, purpose: one.purpose });
        } else {
          const { rows } = await database.query<{ id: string }>('select id::text from balancer order by id');
          const id = rows[one.which % Math.max(1, rows.length)]?.id;
          const { from, to } = MOVES[one.name] ?? { from: [], to: 'active' };
          if (id !== undefined) await moveBalancer(database, id, from, to);
        }
      }
      const { rows } = await database.query<{ line: string }>(
        `select distinct was || ' -> ' || is_now as line from moved`,
      );
      expect(rows.map(({ line }) => line).filter((line) => !ALLOWED.has(line))).toEqual([]);
    }),
    { numRuns: 25 },
  );
});

test('many open runs that take and let go of one scope never hold it at once; a closed one blocks nobody', async () => {
  const taskQueue = uniqueName('nobody-polls'); // so that the runs stay open
  const runs = await Promise.all(
    Array.from({ length: 6 }, async () => {
      const handle = await temporal.workflow.start('scopeCreation', {
        taskQueue,
        workflowId: uniqueName('holder'),
        args: [{}],
      });
      return { handle, key: `${handle.workflowId}@${handle.firstExecutionRunId}` };
    }),
  );
  const inside = new Set<string>();
  let most = 0;
  let held = 0;
  const takeAndLetGo = async (key: string) => {
    for (let times = 0; times < 5; ) {
      if (!(await takePlacement(database, temporal, 'contested', key)).taken) continue;
      times += 1;
      inside.add(key);
      most = Math.max(most, inside.size);
      held += 1;
      await new Promise((resolve) => setTimeout(resolve, 2));
      inside.delete(key);
      await releaseHold(database, 'contested', key, undefined);
    }
  };
  await Promise.all(runs.map(({ key }) => takeAndLetGo(key)));
  expect(most).toBe(1);
  expect(held).toBe(30);

  const [gone, ...others] = runs;
  if (!gone) throw new Error('there are six runs');
  expect((await takePlacement(database, temporal, 'contested', gone.key)).taken).toBe(true);
  const tries = () => Promise.all(others.map(({ key }) => takePlacement(database, temporal, 'contested', key)));
  expect((await tries()).filter(({ taken }) => taken)).toEqual([]);
  await gone.handle.terminate();
  expect((await tries()).filter(({ taken }) => taken)).toHaveLength(1);
  await Promise.all(others.map(({ handle }) => handle.terminate()));
});
