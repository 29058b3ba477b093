import type { AwsState } from '../aws/state.ts';
import type { Pod } from '../controllers/objects.ts';
import { mulberry32 } from '../faults/random.ts';
import { route, type Wish } from './route.ts';

/**
 * Requests of users, against the endpoint's balancers: each is routed by the real rules, weights and target health, and is
 * served only when a running Pod stands behind the target that was chosen.
 */

export interface DriverOptions {
  state: AwsState;
  region: string;
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
    const { state, region, podAt } = this.#options;
    const way = route(
      {
        tables: state.region(region),
        now: state.clock.now().getTime(),
        healthWaitMs: state.clock.toRealMs(state.lifecycle.targetHealthSeconds),
        random: this.#random,
      },
      wish,
    );
    if (way.kind === 'answered') return { served: false, status: way.status, why: way.why };
    const pod = podAt(way.target.id);
    const deployment = pod?.metadata.labels?.deployment_id ?? pod?.metadata.name ?? '';
    if (pod && isRunning(pod)) return { served: true, deployment };
    return { served: false, status: 502, why: `nothing runs at a target of ${way.targetGroup.name}` };
  }
}

/** Whether its containers run: a Pod that is being stopped answers until its grace time is over. */
function isRunning(pod: Pod): boolean {
  const statuses = pod.status?.containerStatuses ?? [];
  return statuses.length > 0 && statuses.every(({ state }) => state?.running !== undefined);
}

function add(counts: Record<string, number>, key: string): void {
  counts[key] = (counts[key] ?? 0) + 1;
}
