import { randomUUID } from 'node:crypto';
import type { IpClaimAnswer } from '../../../contract/ip/claim.ts';
import { GroundworkError, type IpClaimRequest, OutcomeUnknown } from '../../../starter/client.ts';
import type { Ip } from '../../../starter/ip/ip.ts';
import { type Distribution, distribution } from '../../statistics.ts';
import { WrongCount } from '../checks.ts';

const MOST_TRIES = 3;

/** What the load calls, told apart in its figures. */
export type Call = 'create' | 'delete' | 'deny' | 'list';

/** A claim that is held by the load. */
export interface Held {
  readonly owner: string;
  readonly uid: string;
  /** Pool and block, by which a duplicate is known. */
  readonly block: string;
}

/** Calls of one shape of load: how long each took, in milliseconds, and what went wrong. */
export class Tally {
  readonly times: Record<Call, number[]> = { create: [], delete: [], deny: [], list: [] };
  readonly failures: string[] = [];

  figures(): Partial<Record<Call, Distribution>> {
    const entries = Object.entries(this.times).filter(([, sample]) => sample.length > 0);
    return Object.fromEntries(entries.map(([call, sample]) => [call, distribution(sample)]));
  }

  get calls(): number {
    return Object.values(this.times).reduce((sum, { length }) => sum + length, this.failures.length);
  }
}

/** The blocks that all callers hold just now: a block that is given while somebody has it is known at once. */
export class Live {
  readonly #blocks = new Map<string, Held>();
  given = 0;

  add(held: Held): Held {
    if (this.#blocks.has(held.block)) throw new WrongCount(`${held.block} was given to two callers`);
    this.#blocks.set(held.block, held);
    this.given += 1;
    return held;
  }

  /** Before the release is sent: from then on another caller may be given it. */
  remove(held: Held): void {
    this.#blocks.delete(held.block);
  }

  get held(): readonly Held[] {
    return [...this.#blocks.values()];
  }
}

/** One caller with a connection of its own. What is refused or fails unexpectedly is told, not thrown. */
export class Caller {
  readonly #ip: Ip;
  readonly #live: Live;

  constructor(ip: Ip, live: Live) {
    this.#ip = ip;
    this.#live = live;
  }

  /**
   * Undefined when it failed. `began`: when the claim was meant to be sent. Who hears that the outcome is unknown asks again with
   * the same request id, as callers should: the claim may be bound.
   */
  async claim(tally: Tally, request: IpClaimRequest, began = performance.now()): Promise<Held | undefined> {
    return this.#timed(tally, 'create', began, async () => {
      const { owner, uid, pool, allocatedCIDR } = await this.#claimAtLast(request);
      return this.#live.add({ owner, uid, block: `${pool.owner}/${pool.name} ${allocatedCIDR}` });
    });
  }

  async #claimAtLast(request: IpClaimRequest): Promise<IpClaimAnswer> {
    const requestId = randomUUID();
    for (let tries = 1; ; tries++) {
      try {
        return await this.#ip.claim(request, { requestId });
      } catch (error) {
        if (!(error instanceof OutcomeUnknown) || tries === MOST_TRIES) throw error;
      }
    }
  }

  async release(tally: Tally, held: Held): Promise<void> {
    this.#live.remove(held);
    await this.#timed(tally, 'delete', performance.now(), () => this.#ip.release({ owner: held.owner, uid: held.uid }));
  }

  /** A claim of a pool that has no room: whatever but `PoolExhausted` is a failure. */
  async denied(tally: Tally, request: IpClaimRequest): Promise<void> {
    const began = performance.now();
    try {
      await this.#ip.claim(request);
      throw new WrongCount(`a full pool gave a block to ${request.name}`);
    } catch (error) {
      if (error instanceof WrongCount) throw error;
      if (error instanceof GroundworkError && error.type === 'PoolExhausted')
        tally.times.deny.push(performance.now() - began);
      else tally.failures.push(`deny: ${(error as Error).message}`);
    }
  }

  list(tally: Tally, read: (inventory: Ip['inventory']) => Promise<unknown>): Promise<unknown> {
    return this.#timed(tally, 'list', performance.now(), () => read(this.#ip.inventory));
  }

  async #timed<T>(tally: Tally, call: Call, began: number, run: () => Promise<T>): Promise<T | undefined> {
    try {
      const answer = await run();
      tally.times[call].push(performance.now() - began);
      return answer;
    } catch (error) {
      if (error instanceof WrongCount) throw error;
      tally.failures.push(`${call}: ${(error as Error).message}`);
      return undefined;
    }
  }
}
