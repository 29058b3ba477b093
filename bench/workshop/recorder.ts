import { workshopLabels } from '../../contract/workshop/objects.ts';
import type { SimulatedClock } from '../../sandbox/clock.ts';
import type { KubeClient } from '../../sandbox/controllers/client.ts';
import { Reflector } from '../../sandbox/controllers/watch.ts';
import type { CrowdReport } from '../../sandbox/controllers/workshop/crowd.ts';
import {
  type Claim,
  type Provision,
  type Seat,
  workshopResources,
} from '../../sandbox/controllers/workshop/objects.ts';
import { countClaims } from '../../sandbox/controllers/workshop/rules.ts';
import { sum } from '../statistics.ts';
import type { Outcome } from './result.ts';

/** What watches show of all workshops: one cache for each kind. */
export class Sight {
  readonly provisions: Reflector<Provision>;
  readonly claims: Reflector<Claim>;
  readonly seats: Reflector<Seat>;

  constructor(client: KubeClient) {
    this.provisions = new Reflector<Provision>({ client, resource: workshopResources.provision });
    this.claims = new Reflector<Claim>({ client, resource: workshopResources.claim });
    this.seats = new Reflector<Seat>({ client, resource: workshopResources.seat });
  }

  async open(): Promise<void> {
    await Promise.all([this.provisions.start(), this.claims.start(), this.seats.start()]);
  }

  async close(): Promise<void> {
    await Promise.all([this.provisions.stop(), this.claims.stop(), this.seats.stop()]);
  }
}

/** Follows one workshop, whose provision has its name, from `begin` on: the figures that the worlds in memory have. */
export class Recorder {
  readonly #sight: Sight;
  readonly #workshop: string;
  readonly #clock: SimulatedClock;
  #startedAt = Number.POSITIVE_INFINITY;
  #before = new Set<string>();
  #crossedAt: number | undefined;
  readonly #writes: { at: number; to: number }[] = [];
  readonly #taken = new Set<string>();

  constructor(sight: Sight, workshop: string, clock: SimulatedClock, threshold: number) {
    this.#sight = sight;
    this.#workshop = workshop;
    this.#clock = clock;
    sight.provisions.onChange(({ object, previous }) => {
      const { count } = object.spec;
      if (object.metadata.name !== workshop || !previous || previous.spec.count === count) return;
      if (this.#now >= 0) this.#writes.push({ at: this.#now, to: count });
    });
    sight.seats.onChange(({ object: { spec } }) => {
      if (spec?.workshopName !== workshop || this.#now < 0) return;
      if (spec.assignment) this.#taken.add(spec.resourceClaimName ?? '');
      const seats = sight.seats.values().filter((seat) => seat.spec?.workshopName === workshop);
      const assigned = seats.filter((seat) => seat.spec?.assignment !== undefined).length;
      if (seats.length > 0 && assigned / seats.length >= threshold) this.#crossedAt ??= this.#now;
    });
  }

  begin(): void {
    this.#startedAt = Date.now();
    this.#before = new Set(this.#claims().map(({ metadata }) => metadata.name));
    for (const { spec } of this.#sight.seats.values())
      if (spec?.workshopName === this.#workshop && spec.assignment) this.#taken.add(spec.resourceClaimName ?? '');
  }

  outcome({ arrived, rejected }: CrowdReport): Outcome {
    const claims = this.#claims().filter((claim) => countClaims([claim]).active === 1);
    const activeAt = ({ metadata, status }: Claim) => {
      const complete = status?.resources?.[0]?.state?.status?.towerJobs?.provision?.completeTimestamp;
      return this.#before.has(metadata.name) ? 0 : this.#seconds(Date.parse(complete ?? ''));
    };
    const added = claims.filter(({ metadata }) => !this.#before.has(metadata.name)).map(activeAt);
    const early = this.#writes.filter(({ at }) => at <= Math.min(...added));
    const idle = claims.filter(({ metadata }) => !this.#taken.has(metadata.name));
    const end = this.#now;
    const next = this.#writes.find(({ at }) => at >= (this.#crossedAt ?? Number.POSITIVE_INFINITY));
    return {
      arrived,
      rejected: rejected.none + rejected.full,
      idleClaimMinutes: sum(idle.map((claim) => end - activeAt(claim))) / 60,
      writes: this.#writes.length,
      finalCount: this.#provision()?.spec.count ?? 0,
      early: added.length === 0 ? undefined : { count: early.at(-1)?.to ?? this.#before.size, writes: early.length },
      reaction: next && this.#crossedAt !== undefined ? next.at - this.#crossedAt : undefined,
    };
  }

  /** Simulated seconds since the beginning; below 0 before it. */
  get #now(): number {
    return this.#seconds(Date.now());
  }

  #seconds(instant: number): number {
    return (instant - this.#startedAt) / this.#clock.toRealMs(1);
  }

  #provision(): Provision | undefined {
    return this.#sight.provisions.values().find(({ metadata }) => metadata.name === this.#workshop);
  }

  #claims(): Claim[] {
    const { claims } = this.#sight;
    return claims.values().filter(({ metadata }) => metadata.labels?.[workshopLabels.workshop] === this.#workshop);
  }
}
