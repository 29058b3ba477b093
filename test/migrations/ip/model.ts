import { bitsOf, canonical, type Family, parseCidr } from '../../../domain/ip/cidr.ts';

/**
 * A naive allocator: it keeps every block in a list and searches it. Slow, simple, and made without looking at the functions
 * in SQL. Blocks are counted from the first address of the root, whose size is ADDRESSES.
 */

export const ADDRESSES = 64;

export interface Block {
  at: number;
  size: number;
}

export interface Held extends Block {
  pool: string;
  purpose: 'claim' | 'pool' | 'reservation';
  state: 'held' | 'retained' | 'cooling';
  /** Name of the claim or child pool. */
  name: string;
  spec: string;
  reclaim: 'Delete' | 'Retain';
  /** Whether this life began as a re-bind. */
  rebound?: boolean;
}

export interface ModelPool extends Block {
  strategy: string;
  parent: string | undefined;
  cooldown: number;
}

export interface ClaimOrder {
  pool: string;
  name: string;
  size: number;
  count: number;
  wanted?: Block | undefined;
  reclaim: 'Delete' | 'Retain';
}

export interface Answer {
  status: string;
  blocks: Block[];
  replayed?: boolean;
  rebound?: boolean;
}

const refused = (status: string): Answer => ({ status, blocks: [] });
const overlap = (a: Block, b: Block) => a.at < b.at + b.size && b.at < a.at + a.size;
const inside = (inner: Block, outer: Block) => inner.at >= outer.at && inner.at + inner.size <= outer.at + outer.size;

export class Model {
  readonly pools = new Map<string, ModelPool>();
  held: Held[] = [];

  /** Lowest aligned place of that size which touches nothing: what FirstFit must give. */
  #first(pool: ModelPool, taken: readonly Block[], size: number): Block | undefined {
    for (let at = pool.at; at + size <= pool.at + pool.size; at += size)
      if (!taken.some((block) => overlap(block, { at, size }))) return { at, size };
    return undefined;
  }

  /** The largest aligned free blocks, by address. */
  freeOf(name: string, extra: readonly Block[] = []): Block[] {
    const pool = this.pools.get(name);
    if (!pool) return [];
    const taken = [...this.of(name), ...extra];
    const cut = (block: Block): Block[] => {
      if (!taken.some((other) => overlap(other, block))) return [block];
      if (block.size === 1) return [];
      const half = block.size / 2;
      return [...cut({ at: block.at, size: half }), ...cut({ at: block.at + half, size: half })];
    };
    return cut(pool);
  }

  of(pool: string): Held[] {
    return this.held.filter((block) => block.pool === pool);
  }

  #choose(name: string, size: number, extra: readonly Block[]): Block | undefined {
    const pool = this.pools.get(name) as ModelPool;
    if (pool.strategy === 'FirstFit') return this.#first(pool, [...this.of(name), ...extra], size);
    const room = this.freeOf(name, extra).filter((block) => block.size >= size);
    const wantedSize =
      pool.strategy === 'BestFit' ? Math.min(...room.map((b) => b.size)) : Math.max(...room.map((b) => b.size));
    const from = room.find((block) => block.size === wantedSize);
    return from && { at: from.at, size };
  }

  claim({ pool, name, size, count, wanted, reclaim }: ClaimOrder, dryRun = false): Answer {
    const spec = JSON.stringify([pool, size, count, wanted, reclaim]);
    const names = count === 1 ? [name] : Array.from({ length: count }, (_, index) => `${name}-${index}`);
    const mine = names.map((each) =>
      this.held.find((b) => b.purpose === 'claim' && b.state !== 'cooling' && b.name === each),
    );
    const found = mine.filter((block) => block !== undefined);
    if (found.some((block) => block.state === 'held' && block.spec !== spec)) return refused('conflict');
    if (found.length > 0 && found.length < count) return refused('conflict');
    if (found.length === count) {
      const retained = found.filter(({ state }) => state === 'retained');
      if (retained.length === 0)
        return { status: 'bound', blocks: found, replayed: true, rebound: found[0]?.rebound ?? false };
      if (retained.length < count) return refused('conflict');
      const fits = (block: Held) =>
        block.pool === pool &&
        block.size === size &&
        (!wanted || (wanted.at === block.at && wanted.size === block.size));
      if (!retained.every(fits)) return refused('conflict');
      if (!dryRun) for (const block of retained) Object.assign(block, { state: 'held', spec, reclaim, rebound: true });
      return { status: 'bound', blocks: retained, replayed: false, rebound: true };
    }
    const root = this.pools.get(pool);
    if (!root) return refused('not_found');
    if (size > root.size || (wanted && !inside(wanted, root))) return refused('out_of_bounds');
    const blocks: Block[] = [];
    if (wanted) {
      const inTheWay = this.of(pool).filter((block) => overlap(block, wanted));
      if (inTheWay.some(({ purpose }) => purpose !== 'reservation')) return refused('address_taken');
      if (inTheWay.length > 0) return refused('address_reserved');
      blocks.push(wanted);
    } else
      for (let index = 0; index < count; index++) {
        const block = this.#choose(pool, size, blocks);
        if (!block) return refused('exhausted');
        blocks.push(block);
      }
    if (!dryRun)
      for (const [index, block] of blocks.entries())
        this.held.push({ ...block, pool, purpose: 'claim', state: 'held', name: names[index] ?? '', spec, reclaim });
    return { status: 'bound', blocks, replayed: false, rebound: false };
  }

  release(name: string, mode: 'Policy' | 'Delete'): string {
    const block = this.held.find((b) => b.purpose === 'claim' && b.state !== 'cooling' && b.name === name);
    if (!block) return 'already';
    const retain = mode === 'Policy' && block.reclaim === 'Retain';
    if (block.state === 'retained' && retain) return 'already';
    if (retain) {
      block.state = 'retained';
      return 'retained';
    }
    return this.#free(block) ? 'released' : 'cooling';
  }

  #free(block: Held): boolean {
    const cools = (this.pools.get(block.pool)?.cooldown ?? 0) > 0;
    if (cools) block.state = 'cooling';
    else this.held = this.held.filter((other) => other !== block);
    return !cools;
  }

  carve(name: string, size: number, strategy: string, cooldown: number): Answer {
    const there = this.pools.get(name);
    if (there) {
      const same = there.size === size && there.strategy === strategy && there.cooldown === cooldown;
      return same ? { status: 'created', blocks: [there], replayed: true } : refused('conflict');
    }
    const block = this.#choose('root', size, []);
    if (!block) return refused('exhausted');
    this.held.push({ ...block, pool: 'root', purpose: 'pool', state: 'held', name, spec: '', reclaim: 'Delete' });
    this.pools.set(name, { ...block, strategy, parent: 'root', cooldown });
    return { status: 'created', blocks: [block], replayed: false };
  }

  drop(name: string): string {
    if (!this.pools.has(name)) return 'not_found';
    const inner = this.of(name);
    if (inner.some(({ purpose, state }) => (purpose === 'claim' && state === 'held') || state === 'retained'))
      return 'in_use';
    const cools = inner.some(({ state }) => state === 'cooling');
    this.held = this.held.filter(({ pool }) => pool !== name);
    this.pools.delete(name);
    const block = this.held.find((b) => b.purpose === 'pool' && b.state === 'held' && b.name === name) as Held;
    if (cools) block.state = 'cooling';
    else this.#free(block);
    return 'deleted';
  }

  reserve(pool: string, wanted: Block): string {
    if (!inside(wanted, this.pools.get(pool) as ModelPool)) return 'out_of_bounds';
    const inTheWay = this.of(pool).filter((block) => overlap(block, wanted));
    if (inTheWay.some(({ purpose }) => purpose !== 'reservation')) return 'address_taken';
    if (inTheWay.some((block) => inside(wanted, block))) return 'unchanged';
    this.held = this.held.filter((block) => !inTheWay.includes(block));
    this.held.push(reservation(pool, wanted));
    return 'reserved';
  }

  unreserve(pool: string, wanted: Block): string {
    if (!inside(wanted, this.pools.get(pool) as ModelPool)) return 'out_of_bounds';
    const there = this.of(pool).filter((block) => block.purpose === 'reservation' && overlap(block, wanted));
    this.held = this.held.filter((block) => !there.includes(block));
    for (const block of there) {
      let rest: Block = block;
      while (rest.size > wanted.size) {
        const half = rest.size / 2;
        const [low, high] = [
          { at: rest.at, size: half },
          { at: rest.at + half, size: half },
        ];
        const keep = overlap(low, wanted) ? high : low;
        this.held.push(reservation(pool, keep));
        rest = keep === high ? low : high;
      }
    }
    return there.length > 0 ? 'unreserved' : 'unchanged';
  }

  /** All cool-downs are over, and the sweep has been. */
  later(): void {
    this.held = this.held.filter(({ state }) => state !== 'cooling');
  }
}

function reservation(pool: string, block: Block): Held {
  return { ...block, pool, purpose: 'reservation', state: 'held', name: '', spec: '', reclaim: 'Delete' };
}

const bases: Readonly<Record<Family, string>> = { 4: '10.0.0.64', 6: 'fd00::7:40' };

/** Length of a block of this many addresses. */
export function lengthOf(family: Family, size: number): number {
  return bitsOf(family) - Math.log2(size);
}

/** The block in the text of PostgreSQL. */
export function cidrOf(family: Family, { at, size }: Block): string {
  const base = parseCidr(`${bases[family]}/${bitsOf(family)}`);
  if (!base) throw new Error('the base cannot be read');
  return canonical({ family, address: base.address + BigInt(at), length: lengthOf(family, size) });
}
