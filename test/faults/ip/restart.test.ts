import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { migrate } from '../../../migrations/migrate.ts';
import { type PostgresServer, startPostgres } from '../../../sandbox/postgres/server.ts';
import { claimRunFolder } from '../../../sandbox/processes/run-folder.ts';
import { runFolder } from '../../../sandbox/record.ts';
import { everything, tell } from '../../support/faults/outcomes.ts';
import { testIpWorld } from '../../support/ip-world.ts';
import { asked, truth } from './room.ts';

/** A PostgreSQL of its own goes away in the middle of claims, in order or not, and comes back with what it committed. */

const folder = runFolder(`test-ip-restart-${process.pid}`);
let server: PostgresServer;
let supervisor: Awaited<ReturnType<typeof claimRunFolder>>['supervisor'];

const start = (port?: number) =>
  startPostgres({
    supervisor,
    folder: join(folder, 'postgres'),
    persist: true,
    durable: true, // else what was committed a moment before a crash may be lost
    env: {},
    ...(port === undefined ? {} : { port }),
  });

const world = testIpWorld({
  database: async () => {
    ({ supervisor } = await claimRunFolder(folder));
    server = await start();
    supervisor.removeAtEnd(server.folder ?? folder);
    const url = await server.createDatabase({ name: 'ip' });
    await migrate(url);
    return url;
  },
});
afterAll(() => supervisor?.stop());

const BEFORE = 10;
const AT_ONCE = 10;
const AWAY = 10;
const CLAIMS = BEFORE + AT_ONCE + AWAY;

const strikes: { name: string; away: () => Promise<unknown>; back: () => Promise<unknown> }[] = [
  {
    name: 'is stopped and started again',
    away: () => server.stop(),
    back: async () => {
      server = await start(server.port);
    },
  },
  {
    // The server then ends all sessions, recovers from its log and serves again.
    name: 'loses a process to kill -9',
    away: async () => {
      const { rows } = await world.database.query<{ pid: number }>(
        `select pid from pg_stat_activity where datname = current_database() and query like 'select * from ipam_claim%' limit 1`,
      );
      const [session] = rows;
      if (!session) throw new Error('no session has claimed');
      process.kill(session.pid, 'SIGKILL');
    },
    back: async () => {},
  },
];

describe('PostgreSQL', () => {
  test.each(everything ? strikes : strikes.slice(0, 1))(
    '$name in the middle of claims: each is bound once, and nothing leaks',
    { timeout: 120_000 },
    async ({ name, away, back }) => {
      const owner = `acme-${strikes.findIndex((one) => one.name === name)}`;
      await world.root(owner, 'net', '10.0.0.0/16', 28, 28);
      let asking = 0;
      const claims = (count: number) =>
        Array.from({ length: count }, () => {
          asking += 1;
          const claim = `c-${asking}`;
          return asked((requestId) => world.groundwork.ip.claim(world.request(owner, claim, 'net', 28), { requestId }));
        });
      const before = await Promise.all(claims(BEFORE));
      const atOnce = Promise.all(claims(AT_ONCE)); // on their way, wherever that is, when it goes
      await away();
      const whileAway = Promise.all(claims(AWAY));
      await back();
      const answers = [...before, ...(await atOnce), ...(await whileAway)];
      const blocks = answers.map(
        ({ name: claim, allocatedCIDR }) => `block net ${allocatedCIDR} held default ${claim}`,
      );
      expect(new Set(answers.map(({ allocatedCIDR }) => allocatedCIDR)).size).toBe(CLAIMS);
      expect(await truth(world, owner)).toEqual(
        ['pool net 10.0.0.0/16 consumer', ...blocks, 'event pool-created 1', `event claimed ${CLAIMS}`].sort(),
      );
      tell({
        room: 'ip',
        kind: 'outage',
        point: `PostgreSQL ${name}`,
        journey: `in the middle of ${CLAIMS} claims`,
        outcome: 'each bound once',
      });
    },
  );
});
