import { workshopLabels } from '../../../contract/workshop/objects.ts';
import type { SimulatedClock } from '../../clock.ts';
import { mulberry32 } from '../../faults/random.ts';
import { isConflict, type KubeClient } from '../client.ts';
import { pathTo } from '../objects.ts';
import { type CrowdPlan, visitsOf } from './arrivals.ts';
import { type Seat, workshopResources } from './objects.ts';

/** How a log-in ended. `none` and `full` are rejections, of which the cluster itself shows nothing. */
export type LogIn = 'taken' | 'held' | 'none' | 'full';

export interface CrowdReport {
  arrived: number;
  seated: number;
  /** Log-ins that found no seat at all (404), and none that was free (409). */
  rejected: { none: number; full: number };
  left: number;
}

export interface CrowdOptions {
  client: KubeClient;
  clock: SimulatedClock;
  namespace: string;
  workshop: string;
  seed?: number;
  /** Told of every log-in, in the order in which they end. */
  onLogIn?: (person: string, result: LogIn) => void;
}

/** People who log in to a workshop and leave again, by the rules of its log-in page. */
export class Crowd {
  readonly report: CrowdReport = { arrived: 0, seated: 0, rejected: { none: 0, full: 0 }, left: 0 };
  readonly #options: CrowdOptions;

  constructor(options: CrowdOptions) {
    this.#options = options;
  }

  /** The seat that the person holds already, else the first free one in list order. */
  async logIn(person: string): Promise<LogIn> {
    const result = await again(() => this.#take(person));
    this.report.arrived++;
    if (result === 'taken' || result === 'held') this.report.seated++;
    else this.report.rejected[result]++;
    this.#options.onLogIn?.(person, result);
    return result;
  }

  /** Gives the seat back, if there is one. */
  leave(person: string): Promise<void> {
    return again(() => this.#leave(person));
  }

  async #leave(person: string): Promise<void> {
    for (const seat of await this.#seats()) {
      if (seat.spec?.assignment?.email !== person) continue;
      const { assignment: _, ...spec } = seat.spec;
      await this.#options.client.replace(pathTo(workshopResources.seat, seat), { ...seat, spec });
      this.report.left++;
    }
  }

  /** Plays the plan; resolves when everybody has come, and who leaves has left. `signal` ends it early. */
  async play(plan: CrowdPlan, signal?: AbortSignal): Promise<CrowdReport> {
    const visits = visitsOf(plan, mulberry32(this.#options.seed ?? 1));
    await Promise.all(
      visits.map(async ({ person, at, leavesAt }) => {
        await this.#options.clock.sleep(at, signal);
        const result = await this.logIn(person);
        if (leavesAt === undefined || (result !== 'taken' && result !== 'held')) return;
        await this.#options.clock.sleep(leavesAt - at, signal);
        await this.leave(person);
      }),
    );
    return this.report;
  }

  async #take(person: string): Promise<LogIn> {
    const seats = await this.#seats();
    if (seats.length === 0) return 'none';
    if (seats.some(({ spec }) => spec?.assignment?.email === person)) return 'held';
    for (const seat of seats.filter(({ spec }) => spec?.assignment === undefined)) {
      try {
        const spec = { ...seat.spec, assignment: { email: person } };
        await this.#options.client.replace(pathTo(workshopResources.seat, seat), { ...seat, spec });
        return 'taken';
      } catch (error) {
        if (!isConflict(error)) throw error;
      }
    }
    return 'full';
  }

  async #seats(): Promise<Seat[]> {
    const { client, namespace, workshop } = this.#options;
    const labelSelector = `${workshopLabels.workshop}=${workshop}`;
    return (await client.list<Seat>(workshopResources.seat, { labelSelector }, false, namespace)).items ?? [];
  }
}

/** A connection that the server has just closed: whoever got the seat holds it at the second try. */
async function again<T>(ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    if ((error as { code?: string }).code !== 'ECONNRESET') throw error;
    return ask();
  }
}
