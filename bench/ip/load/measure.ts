import type { Report } from '../../../sandbox/binaries/progress.ts';
import type { Ip } from '../../../starter/ip/ip.ts';
import type { Distribution } from '../../statistics.ts';
import { proveNothingLeft } from '../checks.ts';
import { Session } from '../session.ts';
import type { LoadShape } from '../shape.ts';
import { makePool, stock } from '../stock.ts';
import { type Call, Caller, Live, Tally } from './caller.ts';
import { claimOf, makeLoadPools, tenant } from './pools.ts';
import {
  arrivals,
  burst,
  churn,
  claimsOfLength,
  denials,
  drain,
  giveBack,
  mixed,
  reads,
  writeInBursts,
} from './shapes.ts';

/** What the load runs against. */
export interface LoadTarget {
  readonly databaseUrl: string;
  /** A caller with a connection of its own. */
  connect(): Promise<{ readonly ip: Ip }>;
}

/** One shape of load. Times in milliseconds, as the callers see them. */
export interface LoadRow {
  readonly shape: string;
  readonly clients: number;
  readonly seconds: number;
  readonly calls: number;
  readonly failures: number;
  readonly times: Partial<Record<Call, Distribution>>;
}

export interface LoadFigures {
  readonly rows: readonly LoadRow[];
  readonly calls: number;
  readonly failures: number;
  /** What the failures said, each once, a few of them. */
  readonly failureWords: readonly string[];
  /** Blocks that were given, each proved to be nobody else's at that moment. */
  readonly given: number;
}

const MOST_WORDS = 5;

/**
 * Every shape in turn. Throws `WrongCount` when a block was given twice, when anything is left at the end, or when PostgreSQL
 * met a deadlock: then there are no figures.
 */
export async function measureLoad(target: LoadTarget, shape: LoadShape, report: Report): Promise<LoadFigures> {
  const live = new Live();
  const most = Math.max(...shape.clients, shape.denyingClients, shape.readingClients);
  report(`Connecting ${most} callers`);
  const connected = await Promise.all(Array.from({ length: most }, () => target.connect()));
  const callers = connected.map(({ ip }) => new Caller(ip, live));
  const admin = await Session.open(target.databaseUrl);
  const rows: LoadRow[] = [];
  const tallies: Tally[] = [];
  const run = async (name: string, clients: number, load: (some: Caller[], tally: Tally) => Promise<unknown>) => {
    report(`Load: ${name}`);
    const tally = new Tally();
    const began = performance.now();
    await load(callers.slice(0, clients), tally);
    const seconds = (performance.now() - began) / 1000;
    tallies.push(tally);
    rows.push({
      shape: name,
      clients,
      seconds,
      calls: tally.calls,
      failures: tally.failures.length,
      times: tally.figures(),
    });
  };
  try {
    report('Making the pools of the load');
    await makeLoadPools((connected[0] as { ip: Ip }).ip, shape.drain.cidr);
    await mixed(callers.slice(0, 10), new Tally(), shape.seconds / 4, 'warm');
    for (const clients of shape.clients)
      await run('claim and release', clients, (some, tally) => mixed(some, tally, shape.seconds, `m${clients}`));
    for (const blocks of shape.prefilled) {
      const pool = { owner: tenant(0), name: `perf-filled-${blocks}` };
      await makePool(admin, '10.0.0.0/8', pool);
      await stock(admin, 0, blocks, pool);
      await run(`claim and release, ${blocks.toLocaleString('en-US')} live in the pool`, 10, (some, tally) =>
        churn(some, tally, shape.seconds, (who, n) => claimOf(0, `p${blocks}-${who}-${n}`, pool.name, 28)),
      );
    }
    await run('denial', shape.denyingClients, (some, tally) => denials(some, tally, shape.seconds));
    await run(`${shape.burst} claims at one instant`, most, (some, tally) =>
      burst(some, tally, shape.burst, 'instant'),
    );
    const addresses = 2 ** (32 - Number(shape.drain.cidr.split('/')[1]));
    await run(`draining ${addresses} addresses by ${shape.drain.tries} tries`, 1, ([one], tally) =>
      drain(one as Caller, tally, addresses, shape.drain.tries),
    );
    for (const length of [20, 22, 24, 26, 28])
      await run(`depth: claims of /${length}`, 4, (some, tally) => claimsOfLength(some, tally, length, shape.depth));
    await run('reads', shape.readingClients, (some, tally) => reads(some, tally, shape.seconds));
    await run('reads beside writers in bursts', shape.readingClients, (some, tally) => {
      const writers = Math.ceil(some.length / 2);
      return Promise.all([
        reads(some, tally, shape.seconds),
        writeInBursts(some.slice(0, writers), new Tally(), shape.seconds),
      ]);
    });
    for (const rate of shape.arrivals)
      await run(`${rate} claims a second arrive`, most, async (some, tally) => {
        const held = await arrivals(some, tally, rate, shape.arrivalSeconds);
        await giveBack(some, new Tally(), held);
      });
    await proveNothingLeft(admin, live.held.length);
    const failures = tallies.flatMap((tally) => tally.failures);
    return {
      rows,
      calls: tallies.reduce((total, { calls }) => total + calls, 0),
      failures: failures.length,
      failureWords: [...new Set(failures)].slice(0, MOST_WORDS),
      given: live.given,
    };
  } finally {
    await admin.close();
  }
}
