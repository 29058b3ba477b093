import { setTimeout as delay } from 'node:timers/promises';
import { workflowIds } from '../../../../contract/names.ts';
import type { IpClaimRequest } from '../../../../starter/client.ts';
import { GroundworkError } from '../../../../starter/errors.ts';
import { mapLines } from '../../../../starter/ip/map.ts';
import type { Scene, Stage } from '../../chapter.ts';
import { unlessEqual } from '../../checks.ts';

/** The scenes of the IP chapter. What each claims is asked of the tables, never of the runs. */

export const OWNER = 'acme';
const CROWD = 50;
const CROWD_POOL = 'production';
const SMALL_POOL = 'edge';

const request = (name: string, pool: string, prefixLength: number): IpClaimRequest => ({
  owner: OWNER,
  actor: 'demo',
  namespace: 'default',
  name,
  spec: { ipFamily: 'IPv4', poolRef: { name: pool }, prefixLength },
});

interface Held extends Record<string, unknown> {
  name: string;
  cidr: string;
}

/** Blocks that a pool has given to claims, in the order of their addresses. */
async function held({ reality }: Stage, pool: string): Promise<Held[]> {
  return reality.rows<Held>(
    `select a.name, a.cidr::text as cidr from ipam_alloc a join ipam_pool p on p.id = a.pool_id
      where p.owner = $1 and p.name = $2 and a.purpose = 'claim' order by a.cidr`,
    [OWNER, pool],
  );
}

/** Pairs of blocks of one pool that overlap, asked of the whole table. */
async function overlaps({ reality }: Stage): Promise<number> {
  const [row] = await reality.rows<{ count: number }>(
    `select count(*)::int as count from ipam_alloc a join ipam_alloc b on b.pool_id = a.pool_id and b.id > a.id and b.cidr && a.cidr`,
    [],
  );
  return row?.count ?? -1;
}

export const hierarchy: Scene = {
  title: 'A hierarchy of pools',
  about:
    'A region is carved from the company range, and environments from the region. Each is a pool with rules of its own.',
  play: async (stage) => {
    const { groundwork, narrator, checks, reality } = stage;
    const { pools } = groundwork.ip;
    const root = { cidr: '10.128.0.0/9', ipFamily: 'IPv4' as const };
    const gives = (minPrefixLength: number, maxPrefixLength: number) => ({
      allocation: { minPrefixLength, maxPrefixLength },
    });
    await pools.create({ owner: OWNER, name: 'company', spec: { ...root, ...gives(12, 16) } });
    const child = (name: string, parent: string, prefixLength: number, min: number, max: number) =>
      pools.create({ owner: OWNER, name, spec: { parentPoolRef: { name: parent }, prefixLength, ...gives(min, max) } });
    await child('region-1', 'company', 12, 16, 31);
    await child(CROWD_POOL, 'region-1', 16, 24, 28);
    await child(SMALL_POOL, 'region-1', 31, 32, 32);
    const tree = await reality.rows<Held>(
      `select repeat('  ', depth) || name as name, cidr::text as cidr from ipam_pool where owner = $1 order by id`,
      [OWNER],
    );
    narrator.lines(tree.map(({ name, cidr }) => `          ${name.padEnd(16)} ${cidr}`));
    narrator.lines(['']);
    await checks.claim('Every child is one block of its parent, and inside it', async () => {
      const wrong = await reality.rows(
        `select c.name from ipam_pool c join ipam_pool p on p.id = c.parent_id where c.owner = $1 and not exists
          (select from ipam_alloc a where a.pool_id = p.id and a.purpose = 'pool' and a.cidr = c.cidr and c.cidr <<= p.cidr)`,
        [OWNER],
      );
      return unlessEqual([], wrong);
    });
  },
};

export const fiftyAtOnce: Scene = {
  title: `${CROWD} claims at one instant`,
  about:
    'Fifty callers ask the same pool for a /28 at the same moment. Each start brings its answer in the same round trip.',
  play: async (stage) => {
    const { groundwork, narrator, checks } = stage;
    const names = Array.from({ length: CROWD }, (_, index) => `node-${index}`);
    const answers = await Promise.all(names.map((name) => groundwork.ip.claim(request(name, CROWD_POOL, 28))));
    stage.milestone('first address block claimed');
    narrator.note(
      `${answers[0]?.name} has ${answers[0]?.allocatedCIDR}: ${stage.link(workflowIds.ipClaim(OWNER, 'default', 'node-0'))}`,
      10,
    );
    const rows = await held(stage, CROWD_POOL);
    await checks.claim(`The table holds ${CROWD} blocks of that pool, and each caller was told its own`, () => {
      const told = answers.map(({ name, allocatedCIDR }) => `${name} ${allocatedCIDR}`).sort();
      return unlessEqual(told, rows.map(({ name, cidr }) => `${name} ${cidr}`).sort());
    });
    await checks.claim('No two blocks overlap', async () => unlessEqual(0, await overlaps(stage)));
  },
};

export const exhaustion: Scene = {
  title: 'A pool with nothing left',
  about: `Pool ${SMALL_POOL} has two addresses. The third claim is refused in words, at once and without a lock; nothing is consumed.`,
  play: async (stage) => {
    const { groundwork, narrator, checks, reality } = stage;
    for (const name of ['gateway-1', 'gateway-2']) await groundwork.ip.claim(request(name, SMALL_POOL, 32));
    const refusal = await groundwork.ip.claim(request('gateway-3', SMALL_POOL, 32)).catch((error: unknown) => error);
    if (!(refusal instanceof GroundworkError)) throw new Error('the third claim was not refused');
    narrator.note(`${refusal.type} (HTTP ${refusal.httpStatus}):`, 10);
    narrator.note(`| ${refusal.message}`, 10);
    await checks.claim('It was refused because nothing is free', () => unlessEqual('PoolExhausted', refusal.type));
    await checks.claim('The pool holds two claims, and the refusal is in the log of events', async () => {
      const [row] = await reality.rows<{ count: number }>(
        `select count(*)::int as count from ipam_event where kind = 'refused' and owner = $1 and name = 'gateway-3'`,
        [OWNER],
      );
      return unlessEqual([2, 1], [(await held(stage, SMALL_POOL)).length, row?.count]);
    });
  },
};

export const waiting: Scene = {
  title: 'A claim that waits is served by a release',
  about:
    'The same claim again, this time with patience. It parks until somebody releases an address, and is told at once.',
  play: async (stage) => {
    const { groundwork, narrator, checks, reality } = stage;
    const patient = groundwork.ip.claim({ ...request('gateway-3', SMALL_POOL, 32), waitSeconds: 120 });
    patient.catch(() => undefined); // told below
    const waiters = () => reality.rows('select 1 from ipam_waiter', []);
    for (let looks = 0; looks < 200 && (await waiters()).length === 0; looks += 1) await delay(50);
    narrator.note('gateway-3 waits; gateway-1 is released.', 10);
    const [first] = await groundwork.ip.inventory.claims(OWNER, { name: 'gateway-1' });
    await groundwork.ip.release({ owner: OWNER, actor: 'demo', uid: first?.uid ?? '' });
    const answer = await patient;
    narrator.note(`gateway-3 has ${answer.allocatedCIDR}.`, 10);
    await checks.claim('It holds the very address that was released', async () => {
      const [row] = (await held(stage, SMALL_POOL)).filter(({ name }) => name === 'gateway-3');
      return unlessEqual([first?.allocatedCIDR, first?.allocatedCIDR], [row?.cidr, answer.allocatedCIDR]);
    });
    await checks.claim('Nobody waits any more', async () => unlessEqual([], await waiters()));
  },
};

export const sameAgain: Scene = {
  title: 'A repeated request',
  about:
    'A caller that lost the answer asks again and gets the same block. Asked otherwise under that name, it is refused.',
  play: async (stage) => {
    const { groundwork, narrator, checks } = stage;
    const before = await held(stage, CROWD_POOL);
    const again = await groundwork.ip.claim(request('node-7', CROWD_POOL, 28));
    const other = await groundwork.ip.claim(request('node-7', CROWD_POOL, 26)).catch((error: unknown) => error);
    narrator.note(`node-7 again: ${again.allocatedCIDR}, replayed. Asked for a /26: ${(other as Error).message}`, 10);
    await checks.claim('The answer is the block that it holds, told as a repeat', () => {
      const row = before.find(({ name }) => name === 'node-7');
      return unlessEqual([row?.cidr, true], [again.allocatedCIDR, again.replayed]);
    });
    await checks.claim('The table is as before', async () => unlessEqual(before, await held(stage, CROWD_POOL)));
  },
};

export const poolMap: Scene = {
  title: 'The map of a pool',
  about: `Pool ${CROWD_POOL}, 64 cells a line. The same comes as SVG from "groundwork ip pool map ${CROWD_POOL} --svg FILE".`,
  play: async (stage) => {
    const { groundwork, narrator, checks } = stage;
    const map = await groundwork.ip.inventory.map(OWNER, { name: CROWD_POOL }, { cells: 1024 });
    narrator.lines(mapLines({ ...map, cells: map.cells.slice(0, 128) }).map((line) => `  ${line}`));
    narrator.lines(['']);
    const rows = await held(stage, CROWD_POOL);
    await checks.claim(`It shows what the table holds: ${rows.length} blocks`, () => {
      const used = map.cells.reduce((sum, { shares }) => sum + shares.claims, 0);
      const [share] = [2 ** (28 - map.cellPrefixLength)];
      return unlessEqual(rows.length, Math.round(used * (share ?? 1)));
    });
    const proof = await groundwork.ip.inventory.verify(OWNER);
    await checks.claim('Every address of every pool is accounted for exactly once', () =>
      unlessEqual([], proof.problems),
    );
  },
};
