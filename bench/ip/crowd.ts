import type { Report } from '../../sandbox/binaries/progress.ts';
import { type Distribution, distribution } from '../statistics.ts';
import type { Bed } from './bed.ts';
import { proveDisjoint, proveSound, WrongCount } from './checks.ts';
import { Session } from './session.ts';
import type { Shape } from './shape.ts';
import { makePool, stock } from './stock.ts';

/** One pool under many clients, and its refusals when it is full. Times in milliseconds. */
export interface CrowdFigures {
  readonly clients: number;
  readonly live: number;
  readonly claim: Distribution;
  readonly release: Distribution;
  /** Claims a second, of all clients. */
  readonly perSecond: number;
  /** Refusals of a full pool, while another connection holds its lock. */
  readonly denial: Distribution;
  /** One claim, and a batch of 100, by one client. */
  readonly single: Distribution;
  readonly batchOf100: Distribution;
}

const BATCH = 100;

export async function measureCrowd(bed: Bed, shape: Shape, report: Report): Promise<CrowdFigures> {
  const url = await bed.server.createDatabase({ template: bed.template });
  const { clients, claimsPerClient, sharedOccupancy: live } = shape;
  const sessions = await Promise.all(Array.from({ length: clients }, () => Session.open(url)));
  const [first] = sessions as [Session];
  try {
    await makePool(first);
    await stock(first, 0, live);
    report(`${clients} clients on one pool`);
    await Promise.all(sessions.map(async (session, who) => session.release((await session.claim(`warm-${who}`)).uid)));
    const began = performance.now();
    const given = (
      await Promise.all(
        sessions.map(async (session, who) => {
          const mine = [];
          for (let index = 0; index < claimsPerClient; index++) mine.push(await session.claim(`c-${who}-${index}`));
          return mine;
        }),
      )
    ).flat();
    const seconds = (performance.now() - began) / 1000;
    if (new Set(given.map(({ cidr }) => cidr)).size !== given.length)
      throw new WrongCount('two clients were given the same block');
    await proveDisjoint(first, given.length);
    const queue = [...given];
    const release: number[] = [];
    await Promise.all(
      sessions.map(async (session) => {
        for (let next = queue.pop(); next; next = queue.pop()) release.push(await session.release(next.uid));
      }),
    );

    report(`Batches of ${BATCH}`);
    const single: number[] = [];
    const batchOf100: number[] = [];
    for (let index = 0; index <= shape.batches; index++) {
      const one = await first.claim(`single-${index}`);
      const names = Array.from({ length: BATCH }, (_, member) => `batch-${index}-${member}`);
      const many = await first.batch(names);
      if (index > 0) {
        single.push(one.milliseconds);
        batchOf100.push(many.milliseconds);
      }
      for (const uid of [one.uid, ...many.uids]) await first.release(uid);
    }
    await proveSound(first, live);
    const denial = await measureDenials(bed, shape, report);
    return {
      clients,
      live,
      claim: distribution(given.map(({ milliseconds }) => milliseconds)),
      release: distribution(release),
      perSecond: given.length / seconds,
      denial,
      single: distribution(single),
      batchOf100: distribution(batchOf100),
    };
  } finally {
    for (const session of sessions) await session.close();
    await bed.server.dropDatabase(url);
  }
}

/** Somebody else holds the lock of the full pool all the while: a denial that wanted it would never come. */
async function measureDenials(bed: Bed, shape: Shape, report: Report): Promise<Distribution> {
  const url = await bed.server.createDatabase({ template: bed.template });
  const [session, holder] = [await Session.open(url), await Session.open(url)];
  try {
    await makePool(session, '10.0.0.0/24');
    await stock(session, 0, 16);
    await holder.client.query('begin');
    await holder.client.query('select pg_advisory_xact_lock(71001, id) from ipam_pool');
    await session.client.query("set lock_timeout = '1s'");
    report('Denials of a full pool');
    const denial: number[] = [];
    for (let index = 0; index <= shape.denials; index++) denial.push(await session.denied(`d-${index}`));
    await holder.client.query('rollback');
    await proveSound(session, 16);
    return distribution(denial.slice(1));
  } finally {
    await session.close();
    await holder.close();
    await bed.server.dropDatabase(url);
  }
}
