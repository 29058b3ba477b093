import { randomUUID } from 'node:crypto';
import type {
  IpAllocation,
  IpClaim,
  IpEvent,
  IpInventoryInput,
  IpInventoryQuery,
  IpInventoryResult,
  IpPoolMap,
} from '../../contract/ip/inventory.ts';
import type { IpPool, PoolRef } from '../../contract/ip/pool.ts';
import { workflowIds, workflowTypes } from '../../contract/names.ts';
import { ipInventoryInputSchema } from '../../contract/schemas/ip.ts';
import { requireWorkers } from '../answers.ts';
import type { Runs, WaitOptions } from '../runs.ts';
import { checkedIp } from './check.ts';
import { priorityOf, working } from './claims.ts';

type Kind = IpInventoryQuery['kind'];
type Query<K extends Kind> = Extract<IpInventoryQuery, { kind: K }>;
type Filter<K extends Kind> = Omit<Query<K>, 'kind' | 'after'>;
export type Answer<K extends Kind> = Extract<IpInventoryResult, { kind: K }>;

/** How long a read may take when the caller does not say. */
const READ_MS = 30_000;

/** Reading. Every method rejects with a `GroundworkError`. */
export class IpInventory {
  readonly #runs: Runs;
  readonly #taskQueue: string;

  constructor(runs: Runs, taskQueue: string) {
    this.#runs = runs;
    this.#taskQueue = taskQueue;
  }

  /**
   * One reading as it is asked for; pages have `next` until the last. It may take half a minute when the caller does not say; a
   * survey of pools as long as it takes.
   */
  async read<K extends Kind>(owner: string, query: Query<K>, options: WaitOptions = {}): Promise<Answer<K>> {
    const input: IpInventoryInput = checkedIp(ipInventoryInputSchema, { owner, query });
    await requireWorkers(this.#runs, this.#taskQueue);
    const survey = query.kind === 'verify' || query.kind === 'blocks';
    const wait = survey || options.deadline !== undefined ? options : { ...options, deadline: READ_MS };
    const run = await this.#runs.startOrJoin<Answer<K>>(
      {
        type: workflowTypes.ipInventory,
        workflowId: workflowIds.ipInventory(owner, randomUUID()),
        taskQueue: this.#taskQueue,
        input,
        summary: `Read ${query.kind} of ${owner}`,
        searchAttributes: working(),
        priority: priorityOf(owner),
      },
      wait,
    );
    return run.result(wait);
  }

  /** All pools of the owner, with `granted` also those shared with it. */
  pools(owner: string, filter: Filter<'pools'> = {}, options: WaitOptions = {}): Promise<IpPool[]> {
    return everyPage(filter.limit, async (after) => {
      const { pools, next } = await this.read(owner, { kind: 'pools', ...filter, ...after }, options);
      return { rows: pools, next };
    });
  }

  /** A pool with its capacity, grants and children. */
  pool(owner: string, pool: PoolRef, options: WaitOptions = {}): Promise<Answer<'pool'>> {
    return this.read(owner, { kind: 'pool', pool }, options);
  }

  /** Claims of the owner, or of everybody in one of its pools. */
  claims(owner: string, filter: Filter<'claims'> = {}, options: WaitOptions = {}): Promise<IpClaim[]> {
    return everyPage(filter.limit, async (after) => {
      const { claims, next } = await this.read(owner, { kind: 'claims', ...filter, ...after }, options);
      return { rows: claims, next };
    });
  }

  allocations(owner: string, filter: Filter<'allocations'> = {}, options: WaitOptions = {}): Promise<IpAllocation[]> {
    return everyPage(filter.limit, async (after) => {
      const { allocations, next } = await this.read(owner, { kind: 'allocations', ...filter, ...after }, options);
      return { rows: allocations, next };
    });
  }

  /** Newest first, at most `limit` (default 500). */
  async events(owner: string, filter: Filter<'events'> = {}, options: WaitOptions = {}): Promise<IpEvent[]> {
    return (await this.read(owner, { kind: 'events', ...filter }, options)).events;
  }

  /** How a pool is used, in equal cells. */
  async map(
    owner: string,
    pool: PoolRef,
    filter: { cells?: number } = {},
    options: WaitOptions = {},
  ): Promise<IpPoolMap> {
    return (await this.read(owner, { kind: 'blocks', pool, ...filter }, options)).map;
  }

  /** Proves that one pool, or every pool of the owner, is sound; answers what is wrong. */
  verify(owner: string, pool?: PoolRef, options: WaitOptions = {}): Promise<Answer<'verify'>> {
    return this.read(owner, { kind: 'verify', ...(pool ? { pool } : {}) }, options);
  }
}

/** Every page; with a limit the first one only, which holds as many rows. */
async function everyPage<T>(
  limit: number | undefined,
  page: (after: { after?: string }) => Promise<{ rows: T[]; next: string | undefined }>,
): Promise<T[]> {
  const rows: T[] = [];
  let after: string | undefined;
  do {
    const { rows: some, next } = await page(after === undefined ? {} : { after });
    rows.push(...some);
    after = next;
  } while (after !== undefined && limit === undefined);
  return rows;
}
