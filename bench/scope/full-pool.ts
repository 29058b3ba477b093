import { type Distribution, distribution, sum } from '../statistics.ts';
import { type Bed, reset } from './bed.ts';
import { checkCounts } from './checks.ts';
import { create } from './creations.ts';
import { PRIVATE_BALANCER, requests } from './pool.ts';

/** Creations at once on a full pool that grows, with AWS taking its time. */
export interface FullPool {
  readonly creations: number;
  /** Scopes that a new balancer takes. */
  readonly perBalancer: number;
  /** Balancers that room requires, and those that were made. */
  readonly required: number;
  readonly made: number;
  /** Events of one history: of runs that made a balancer, and of those that joined one. */
  readonly eventsMaking: Distribution;
  readonly eventsJoining: Distribution;
  /** Calls of the worker to AWS, all creations together. */
  readonly calls: number;
  readonly byAction: Readonly<Record<string, number>>;
  /** Milliseconds until the caller had the result, waits on scaled AWS included. */
  readonly latency: Distribution;
}

/** The only balancer is full; a new one has room for its keeper and `perBalancer` scopes. */
export async function measureFullPool(bed: Bed, creations: number, perBalancer: number): Promise<FullPool> {
  const mostRules = perBalancer + 1;
  await reset(bed, [], mostRules);
  const inputs = requests(creations, {
    balancers: [PRIVATE_BALANCER],
    visibility: 'private',
    autocreateAbove: mostRules,
  });
  const batch = await create(bed, inputs);
  const byAction = bed.sandbox.aws.requestCounts('sandbox');
  const histories = await checkCounts(bed, [batch], { zones: 'two zones', mostRules, privateRules: mostRules });
  const events = (made: boolean) =>
    distribution(
      histories.filter((_, at) => batch.finished[at]?.result.balancer.created === made).map(({ events }) => events),
    );
  const balancers = new Set(batch.finished.map(({ result }) => result.balancer.name));
  return {
    creations,
    perBalancer,
    required: Math.ceil(creations / perBalancer),
    made: balancers.size,
    eventsMaking: events(true),
    eventsJoining: events(false),
    calls: sum(Object.values(byAction)),
    byAction,
    latency: distribution(batch.finished.map(({ latencyMs }) => latencyMs)),
  };
}
