import { setTimeout as delay } from 'node:timers/promises';
import { KubeConfig } from '@kubernetes/client-node';
import { workshopKinds, workshopLabels } from '../../../../contract/workshop/objects.ts';
import { KubeClient } from '../../../controllers/client.ts';
import { pathOf } from '../../../controllers/objects.ts';
import { Crowd, type LogIn } from '../../../controllers/workshop/crowd.ts';
import { type Claim, type Provision, type Seat, workshopResources } from '../../../controllers/workshop/objects.ts';
import type { Stage } from '../../chapter.ts';

/** A workshop of the demo, looked at and changed on the API server as anybody would. */

export const NAMESPACE = 'workshops';
const LOOK_MS = 150;
const EVENT_LOOKS = 200;
/** A workshop that does not get there is a failure of the demo, not an endless one. */
const PATIENCE_MS = 90_000;

/** What the API server shows at one moment. */
export interface Sight {
  count: number;
  flag: boolean;
  operationId: string | undefined;
  reason: string | undefined;
  result: string | undefined;
  claims: number;
  active: number;
  failed: number;
  seats: number;
  taken: number;
}

export interface ShopOptions {
  name: string;
  count: number;
  /** Simulated seconds that a claim takes, as `min-max`. */
  completion: string;
}

export class Shop {
  readonly name: string;
  /** Counts that the provision had, in their order. */
  readonly counts: number[] = [];
  /** Whether the flag was ever seen set. */
  flagged = false;
  readonly crowd: Crowd;
  readonly #stage: Stage;
  readonly #kube: KubeClient;
  readonly #results: LogIn[] = [];

  private constructor(stage: Stage, kube: KubeClient, name: string) {
    this.#stage = stage;
    this.#kube = kube;
    this.name = name;
    this.crowd = new Crowd({
      client: kube,
      clock: stage.sandbox.clock,
      namespace: NAMESPACE,
      workshop: name,
      onLogIn: (_person, result) => this.#results.push(result),
    });
  }

  /** Makes workshop and provision, and waits until the manager has made every seat. */
  static async open(stage: Stage, { name, count, completion }: ShopOptions): Promise<Shop> {
    const kubeConfig = new KubeConfig();
    kubeConfig.loadFromFile(stage.sandbox.addresses.kubeconfig.admin);
    const kube = new KubeClient(kubeConfig, 'demo');
    const shop = new Shop(stage, kube, name);
    await kube.create('/api/v1/namespaces', { metadata: { name: NAMESPACE } }).catch(() => undefined);
    await kube.create(pathOf(workshopResources.workshop, NAMESPACE), {
      apiVersion: workshopKinds.workshop.apiVersion,
      kind: workshopKinds.workshop.kind,
      metadata: { name, labels: { [workshopLabels.workshopId]: name.slice(-6).padStart(6, 'x') } },
      spec: { displayName: name, openRegistration: true, autoScaling: { enabled: true } },
    });
    await kube.create(pathOf(workshopResources.provision, NAMESPACE), {
      apiVersion: workshopKinds.provision.apiVersion,
      kind: workshopKinds.provision.kind,
      metadata: {
        name,
        labels: { [workshopLabels.workshop]: name },
        annotations: { 'sim.groundwork/completion': completion },
      },
      spec: { catalogItem: { name: 'lab', namespace: 'catalog' }, count, workshopName: name, startDelay: 5 },
    });
    await shop.until('every seat is there', ({ seats }) => seats === count);
    return shop;
  }

  /** Draws the workshop until `there`; answers what it looked like then. */
  async until(what: string, there: (sight: Sight) => boolean): Promise<Sight> {
    const end = Date.now() + PATIENCE_MS;
    for (;;) {
      const sight = await this.look();
      this.#draw(sight);
      if (there(sight)) return sight;
      if (Date.now() > end) throw new Error(`${this.name}: not so after ${PATIENCE_MS / 1000} s: ${what}`);
      await delay(LOOK_MS);
    }
  }

  async look(): Promise<Sight> {
    const labelSelector = `${workshopLabels.workshop}=${this.name}`;
    const [{ spec, status }, claims, seats] = await Promise.all([
      this.#kube.get<Provision>(this.path),
      this.#kube.list<Claim>(workshopResources.claim, { labelSelector }, false, NAMESPACE),
      this.#kube.list<Seat>(workshopResources.seat, { labelSelector }, false, NAMESPACE),
    ]);
    if (this.counts.at(-1) !== spec.count) this.counts.push(spec.count);
    this.flagged ||= status?.autoScalingActive === true;
    const subjects = (claims.items ?? []).map(({ status: claim }) => claim?.resources?.[0]?.state);
    const failed = subjects.filter((subject) => subject?.spec?.vars?.current_state?.endsWith('-failed')).length;
    const complete = subjects.filter((subject) => subject?.status?.towerJobs?.provision?.completeTimestamp).length;
    return {
      count: spec.count,
      flag: status?.autoScalingActive === true,
      operationId: status?.autoScaling?.operationId,
      reason: status?.autoScaling?.reason,
      result: status?.autoScaling?.lastResult,
      claims: subjects.length,
      active: complete,
      failed,
      seats: seats.items?.length ?? 0,
      taken: (seats.items ?? []).filter((seat) => seat.spec?.assignment).length,
    };
  }

  /** As a person with kubectl. */
  edit(change: object): Promise<unknown> {
    return this.#kube.merge(this.path, change);
  }

  /** Reasons of the events on the provision, sorted, as soon as there are so many: they follow what they tell of. */
  async events(least: number): Promise<string[]> {
    for (let looks = 0; ; looks++) {
      const { items } = await this.#kube.get<{ items: { reason: string }[] }>(
        `/api/v1/namespaces/${NAMESPACE}/events`,
        { fieldSelector: `involvedObject.name=${this.name}` },
      );
      if (items.length >= least || looks === EVENT_LOOKS) return items.map(({ reason }) => reason).sort();
      await delay(LOOK_MS);
    }
  }

  get path(): string {
    return pathOf(workshopResources.provision, NAMESPACE, this.name);
  }

  get rejected(): number {
    return this.#results.filter((result) => result === 'full' || result === 'none').length;
  }

  #draw({ count, flag, claims, active, failed, seats, taken }: Sight): void {
    const { narrator } = this.#stage;
    const { green, yellow, red, dim, cyan } = narrator.colors;
    const waiting = Math.max(0, claims - active - failed);
    const missing = Math.max(0, count - claims);
    narrator.board([
      `          seats   ${yellow('#'.repeat(taken))}${green('o'.repeat(Math.max(0, seats - taken)))}  ${taken} of ${seats} taken`,
      `          claims  ${green('='.repeat(active))}${cyan('-'.repeat(waiting))}${red('x'.repeat(failed))}${dim('.'.repeat(missing))}  ${active} active, ${waiting} on their way, ${failed} failed`,
      `          count   ${count}${flag ? cyan('  scaling (flag set)') : ''}`,
    ]);
  }
}
