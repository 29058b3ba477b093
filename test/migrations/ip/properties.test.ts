import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Family } from '../../../domain/ip/cidr.ts';
import { testDatabase } from '../../support/servers.ts';
import { Allocator } from './allocator.ts';
import { ADDRESSES, type Block, type ClaimOrder, cidrOf, lengthOf, Model } from './model.ts';

/** The functions against the naive allocator (specs: IP claims, invariants 1 to 5). */

const server = testDatabase();
let ip: Allocator;
beforeAll(() => {
  ip = new Allocator(server.url, 2);
});
afterAll(() => ip.close());

const size = fc.constantFrom(1, 2, 4, 8, 16, 32);
const block: fc.Arbitrary<Block> = fc
  .tuple(size, fc.nat(ADDRESSES - 1))
  .map(([size, at]) => ({ at: at - (at % size), size }));
const strategy = fc.constantFrom('FirstFit', 'BestFit', 'Sparse');
const name = fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f');
const child = fc.constantFrom('net-1', 'net-2');
const poolName = fc.oneof({ weight: 3, arbitrary: fc.constant('root') }, child);
const reclaim = fc.constantFrom('Delete' as const, 'Delete' as const, 'Retain' as const);

type Step =
  | ({ kind: 'claim'; dryRun: boolean } & ClaimOrder)
  | { kind: 'release'; name: string; mode: 'Policy' | 'Delete' }
  | { kind: 'carve'; name: string; size: number; strategy: string; cooldown: number }
  | { kind: 'drop'; name: string }
  | { kind: 'reserve' | 'unreserve'; block: Block }
  | { kind: 'later' };

const claim = (order: { count: fc.Arbitrary<number>; wanted: fc.Arbitrary<Block | undefined> }) =>
  fc
    .record({ pool: poolName, name, size, reclaim, dryRun: fc.nat(4).map((n) => n === 0), ...order })
    .map(({ wanted, ...rest }): Step => ({ kind: 'claim', ...rest, wanted, size: wanted?.size ?? rest.size }));

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 8, arbitrary: claim({ count: fc.constant(1), wanted: fc.constant(undefined) }) },
  { weight: 2, arbitrary: claim({ count: fc.integer({ min: 2, max: 5 }), wanted: fc.constant(undefined) }) },
  { weight: 3, arbitrary: claim({ count: fc.constant(1), wanted: block }) },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('release' as const),
      name: fc.oneof(
        name,
        name.map((n) => `${n}-1`),
      ),
      mode: fc.constantFrom('Policy' as const, 'Delete' as const),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('carve' as const),
      name: child,
      size: fc.constantFrom(8, 16),
      strategy: fc.constant('FirstFit'),
      cooldown: fc.constantFrom(0, 60),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('drop' as const), name: child }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constantFrom('reserve' as const, 'unreserve' as const), block }) },
  { weight: 1, arbitrary: fc.constant<Step>({ kind: 'later' }) },
);

/** One run: both allocators side by side. `uids` has the last uid of each claim's name. */
class Pair {
  readonly model = new Model();
  readonly uids = new Map<string, string>();
  readonly family: Family;
  constructor(family: Family) {
    this.family = family;
  }

  async begin(strategy: string, cooldown: number): Promise<void> {
    await ip.clear();
    const root = { at: 0, size: ADDRESSES };
    await ip.pooled({ name: 'root', cidr: cidrOf(this.family, root), strategy, cooldown });
    this.model.pools.set('root', { ...root, strategy, parent: undefined, cooldown });
  }

  cidrs(blocks: readonly Block[]): string[] {
    return blocks.map((each) => cidrOf(this.family, each));
  }

  async take(step: Step): Promise<void> {
    const { model, family } = this;
    if (step.kind === 'claim') {
      const names =
        step.count === 1 ? [step.name] : Array.from({ length: step.count }, (_, index) => `${step.name}-${index}`);
      const call = {
        name: step.name,
        pool: step.pool,
        family,
        count: step.count,
        reclaim: step.reclaim,
        dryRun: step.dryRun,
        uids: names.map(() => randomUUID()),
        ...(step.wanted ? { wanted: cidrOf(family, step.wanted) } : { len: lengthOf(family, step.size) }),
      };
      const expected = model.claim(step, step.dryRun);
      const answer = await ip.claim(call);
      expect(answer.status).toBe(expected.status);
      if (answer.status !== 'bound') return;
      expect(answer).toMatchObject({
        cidrs: this.cidrs(expected.blocks),
        replayed: expected.replayed,
        rebound: expected.rebound,
      });
      if (step.dryRun) return;
      for (const [index, each] of names.entries()) this.uids.set(each, answer.uids[index] ?? '');
      // The same call once more, as after a lost answer, and the same request anew: both have the effect of none.
      expect(await ip.claim({ ...call, uids: answer.uids })).toMatchObject({ cidrs: answer.cidrs, replayed: false });
      expect(await ip.claim({ ...call, uids: names.map(() => randomUUID()) })).toMatchObject({
        cidrs: answer.cidrs,
        uids: answer.uids,
        replayed: true,
      });
    } else if (step.kind === 'release') {
      const uid = this.uids.get(step.name);
      if (uid === undefined) return;
      expect((await ip.release(uid, 'alpha', step.mode)).status).toBe(model.release(step.name, step.mode));
      expect((await ip.release(uid, 'alpha', 'Policy')).status).toBe('already');
    } else if (step.kind === 'carve') {
      const expected = model.carve(step.name, step.size, step.strategy, step.cooldown);
      const request = {
        name: step.name,
        parent: 'root',
        len: lengthOf(family, step.size),
        strategy: step.strategy,
        cooldown: step.cooldown,
      };
      const answer = await ip.createPool(request);
      expect(answer.status).toBe(expected.status);
      if (answer.status === 'created')
        expect([answer.cidr, answer.replayed]).toEqual([...this.cidrs(expected.blocks), expected.replayed]);
    } else if (step.kind === 'drop')
      expect((await ip.deletePool(step.name, 'alpha', randomUUID())).status).toBe(model.drop(step.name));
    else if (step.kind === 'later') {
      model.later();
      await later();
    } else {
      const expected =
        step.kind === 'reserve' ? model.reserve('root', step.block) : model.unreserve('root', step.block);
      expect((await ip.reserve('root', this.cidrs([step.block]), step.kind === 'unreserve')).status).toBe(expected);
    }
  }

  /** Both hold the same blocks, and what is free are the largest aligned blocks of the rest. */
  async compare(): Promise<void> {
    const held = await ip.query(
      'select p.name as pool, a.cidr::text as cidr, purpose, state from ipam_alloc a join ipam_pool p on p.id = a.pool_id order by 1, a.cidr',
    );
    const free = await ip.query(
      'select p.name as pool, network(set_masklen(addr, len))::text as cidr from ipam_free f join ipam_pool p on p.id = f.pool_id order by 1, addr',
    );
    const pools = [...this.model.pools.keys()].sort();
    const byAddress = (a: Block, b: Block) => a.at - b.at;
    expect(held).toEqual(
      pools.flatMap((pool) =>
        this.model
          .of(pool)
          .sort(byAddress)
          .map((each) => ({ pool, cidr: cidrOf(this.family, each), purpose: each.purpose, state: each.state })),
      ),
    );
    expect(free).toEqual(pools.flatMap((pool) => this.cidrs(this.model.freeOf(pool)).map((cidr) => ({ pool, cidr }))));
    expect(await ip.problems()).toEqual([]);
  }

  /** Everything is given back: the root is one free block again. */
  async end(): Promise<void> {
    for (const uid of this.uids.values()) await ip.release(uid, 'alpha', 'Delete');
    for (const pool of ['net-1', 'net-2']) await ip.deletePool(pool);
    const root = cidrOf(this.family, { at: 0, size: ADDRESSES });
    await ip.reserve('root', [root], true);
    await later();
    expect(
      (await ip.query('select network(set_masklen(addr, len))::text as cidr from ipam_free')).map(({ cidr }) => cidr),
    ).toEqual([root]);
    expect(await ip.query('select from ipam_alloc')).toEqual([]);
  }
}

/** An hour passes, and the sweep comes. */
async function later(): Promise<void> {
  await ip.query("update ipam_alloc set free_after = free_after - interval '1 hour'");
  for (const pool of await ip.due()) await ip.sweep(pool);
}

describe.each([4, 6] as const)('family %i: any sequence of calls', (family) => {
  test('is answered as the naive allocator answers it, and leaves what it leaves', async () => {
    await fc.assert(
      fc.asyncProperty(
        strategy,
        fc.constantFrom(0, 0, 60),
        fc.array(step, { minLength: 5, maxLength: 30 }),
        async (strategy, cooldown, steps) => {
          const pair = new Pair(family);
          await pair.begin(strategy, cooldown);
          for (const each of steps) {
            await pair.take(each);
            await pair.compare();
          }
          await pair.end();
        },
      ),
      { numRuns: 20 },
    );
  });
});
