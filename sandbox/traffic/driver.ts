import type { AwsState } from '../aws/state.ts';
import type { Controllers } from '../controllers/index.ts';
import type { Pod } from '../controllers/objects.ts';
import { mulberry32 } from '../faults/random.ts';
import { route, type Wish } from './route.ts';

/**
 * Requests of users, against the endpoint's balancers or the gateways: each is routed by the rules, weights and health that are
 * there, and is served only when a running Pod stands behind the target that was chosen.
 */

/** Where a request goes: to an address, or it is answered on the way. */
export type Destination = { ip: string; by: string } | { status: number; why: string };

export interface DriverOptions {
  destination: (wish: Wish, random: () => number) => Destination;
  /** The Pod that has an address, if there is one. */
  podAt: (ip: string) => Pod | undefined;
  seed?: number;
}

export interface Counts {
  sent: number;
  /** Served requests by the `deployment_id` of the Pod. */
  served: Record<string, number>;
  /** Failed requests by reason. */
  failed: Record<string, number>;
}

export type Answer = { served: true; deployment: string } | { served: false; status: number; why: string };

/** Real milliseconds between two requests of each wish. */
const EVERY_MS = 5;

export class RequestDriver {
  readonly #options: DriverOptions;
  readonly #random: () => number;
  readonly counts: Counts = { sent: 0, served: {}, failed: {} };
  #timer: NodeJS.Timeout | undefined;

  constructor(options: DriverOptions) {
    this.#options = options;
    this.#random = mulberry32(options.seed ?? 1);
  }

  /** One request, counted. */
  send(wish: Wish): Answer {
    const answer = this.#ask(wish);
    this.counts.sent += 1;
    if (answer.served) add(this.counts.served, answer.deployment);
    else add(this.counts.failed, `${answer.status} ${answer.why}`);
    return answer;
  }

  /** Sends one request to each of `wishes` every few milliseconds until `stop`. */
  start(wishes: readonly Wish[]): void {
    this.stop();
    this.#timer = setInterval(() => {
      for (const wish of wishes) this.send(wish);
    }, EVERY_MS);
  }

  stop(): Counts {
    clearInterval(this.#timer);
    this.#timer = undefined;
    return this.counts;
  }

  get failures(): number {
    return Object.values(this.counts.failed).reduce((total, count) => total + count, 0);
  }

  #ask(wish: Wish): Answer {
    const way = this.#options.destination(wish, this.#random);
    if ('status' in way) return { served: false, ...way };
    const pod = this.#options.podAt(way.ip);
    const deployment = pod?.metadata.labels?.deployment_id ?? pod?.metadata.name ?? '';
    if (pod && isRunning(pod)) return { served: true, deployment };
    return { served: false, status: 502, why: `nothing runs at a target of ${way.by}` };
  }
}

/** By the balancers of the AWS endpoint. */
export function throughBalancers(state: AwsState, region: string): DriverOptions['destination'] {
  return (wish, random) => {
    const way = route(
      {
        tables: state.region(region),
        now: state.clock.now().getTime(),
        healthWaitMs: state.clock.toRealMs(state.lifecycle.targetHealthSeconds),
        random,
      },
      wish,
    );
    if (way.kind === 'answered') return { status: way.status, why: way.why };
    return { ip: way.target.id, by: way.targetGroup.name };
  };
}

/** By the simulated gateways; a wish names one, `<namespace>/<name>`, as its balancer. */
export function throughGateways({ gateways }: Pick<Controllers, 'gateways'>): DriverOptions['destination'] {
  return ({ balancer, host }, random) => {
    const way = gateways.way(balancer, host, random);
    return way.kind === 'answered' ? { status: way.status, why: way.why } : { ip: way.ip, by: way.service };
  };
}

/** Whether its containers run: a Pod that is being stopped answers until its grace time is over. */
function isRunning(pod: Pod): boolean {
  const statuses = pod.status?.containerStatuses ?? [];
  return statuses.length > 0 && statuses.every(({ state }) => state?.running !== undefined);
}

function add(counts: Record<string, number>, key: string): void {
  counts[key] = (counts[key] ?? 0) + 1;
}
