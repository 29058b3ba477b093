import type { Visit } from '../../sandbox/controllers/workshop/arrivals.ts';
import { type ClaimKnobs, fateOf, type Outcome } from '../../sandbox/controllers/workshop/fate.ts';

/** A workshop of one provision in virtual time: the manager's and the log-in page's rules, in memory. Seconds throughout. */

export interface Claim {
  endsAt: number;
  outcome: Outcome;
  state: 'provisioning' | 'active' | 'failed';
  seats: number;
  taken: number;
  everTaken: boolean;
  activeAt?: number;
}

export interface WorldOptions {
  /** Claims that are there and active at the start. */
  count: number;
  knobs: ClaimKnobs;
  visits: readonly Visit[];
}

export interface CountWrite {
  at: number;
  from: number;
  to: number;
}

/** Seconds between two passes of the manager, each of which makes at most one claim. */
const PASS = 10;
const BREAKER = 0.6;

export class World {
  now = 0;
  count: number;
  readonly claims: Claim[];
  readonly writes: CountWrite[] = [];
  rejected = 0;
  seated = 0;
  /** First time at which a claim was complete that was not there at the start. */
  firstNewActive: number | undefined;
  readonly #options: WorldOptions;
  readonly #queue: { at: number; run: () => void }[] = [];
  readonly #listeners: (() => void)[] = [];
  readonly #holders = new Map<string, Claim>();
  #made: number;

  constructor(options: WorldOptions) {
    this.#options = options;
    this.count = options.count;
    this.#made = options.count;
    const { seatsPerClaim: seats } = options.knobs;
    this.claims = Array.from({ length: options.count }, () => ({
      ...{ endsAt: 0, outcome: 'complete' as const, state: 'active' as const, activeAt: 0 },
      ...{ seats, taken: 0, everTaken: false },
    }));
    for (const visit of options.visits) this.at(visit.at, () => this.#logIn(visit));
    this.every(PASS, PASS, () => this.#pass());
  }

  /** Told whenever a seat or a claim changed. */
  onChange(listener: () => void): void {
    this.#listeners.push(listener);
  }

  at(when: number, run: () => void): void {
    const time = Math.max(when, this.now);
    let [low, high] = [0, this.#queue.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#queue[middle]?.at ?? 0) > time) low = middle + 1;
      else high = middle;
    }
    this.#queue.splice(low, 0, { at: time, run });
  }

  every(seconds: number, first: number, run: () => void): void {
    this.at(first, () => {
      run();
      this.every(seconds, this.now + seconds, run);
    });
  }

  run(until: number): void {
    for (let next = this.#queue.at(-1); next && next.at <= until; next = this.#queue.at(-1)) {
      this.#queue.pop();
      this.now = next.at;
      next.run();
    }
    this.now = until;
  }

  write(to: number): void {
    this.writes.push({ at: this.now, from: this.count, to });
    this.count = to;
  }

  number(state: Claim['state']): number {
    return this.claims.reduce((total, claim) => total + (claim.state === state ? 1 : 0), 0);
  }

  /** Seats of active claims. */
  seats(): { total: number; assigned: number } {
    const seats = { total: 0, assigned: 0 };
    for (const claim of this.claims) {
      if (claim.state !== 'active') continue;
      seats.total += claim.seats;
      seats.assigned += claim.taken;
    }
    return seats;
  }

  /** Claims by state and their seats, in one pass. */
  tally(): { active: number; failed: number; provisioning: number; seats: { total: number; assigned: number } } {
    const tally = { active: 0, failed: 0, provisioning: 0, seats: { total: 0, assigned: 0 } };
    for (const { state, seats, taken } of this.claims) {
      tally[state] += 1;
      if (state !== 'active') continue;
      tally.seats.total += seats;
      tally.seats.assigned += taken;
    }
    return tally;
  }

  #pass(): void {
    const { length: live } = this.claims;
    const failed = this.number('failed');
    if (this.count > 0 && failed >= BREAKER * this.count) return;
    if (live >= this.count + failed || this.number('provisioning') >= this.count) return;
    const { knobs } = this.#options;
    const fate = fateOf(knobs, this.#made++);
    const claim: Claim = {
      ...{ endsAt: this.now + fate.seconds, outcome: fate.outcome, state: 'provisioning' },
      ...{ seats: knobs.seatsPerClaim, taken: 0, everTaken: false },
    };
    this.claims.push(claim);
    if (fate.outcome !== 'hang') this.at(claim.endsAt, () => this.#end(claim));
    this.#tell();
  }

  #end(claim: Claim): void {
    claim.state = claim.outcome === 'fail' ? 'failed' : 'active';
    if (claim.state === 'active') {
      claim.activeAt = this.now;
      this.firstNewActive ??= this.now;
    }
    this.#tell();
  }

  /** The first free seat in list order. A rejected log-in changes nothing, so that nobody is told. */
  #logIn({ person, leavesAt }: Visit): void {
    const claim = this.claims.find(({ state, taken, seats }) => state === 'active' && taken < seats);
    if (!claim) {
      this.rejected++;
      return;
    }
    claim.taken++;
    claim.everTaken = true;
    this.seated++;
    this.#holders.set(person, claim);
    if (leavesAt !== undefined) this.at(leavesAt, () => this.#leave(person));
    this.#tell();
  }

  #leave(person: string): void {
    const claim = this.#holders.get(person);
    if (!claim) return;
    claim.taken--;
    this.#holders.delete(person);
    this.#tell();
  }

  #tell(): void {
    for (const listener of this.#listeners) listener();
  }
}
