import { createHash } from 'node:crypto';
import { workshopKinds, workshopLabels } from '../../../contract/workshop/objects.ts';
import type { SimulatedClock } from '../../clock.ts';
import { isConflict, isNotFound, type KubeClient } from '../client.ts';
import { canonicalJson, controllerOf, isBeingDeleted, keyOf, pathOf, pathTo } from '../objects.ts';
import { WorkQueue } from '../queue.ts';
import type { Reflector } from '../watch.ts';
import { ClaimLife, fateAnnotations } from './claims.ts';
import { type ClaimKnobs, fateOf, knobsOf } from './fate.ts';
import {
  type Claim,
  controllerReference,
  type Provision,
  type Seat,
  type Workshop,
  workshopResources,
} from './objects.ts';
import { countClaims, type ManagerCounts, mayCreate } from './rules.ts';

export interface WorkshopKnobs extends ClaimKnobs {
  /** Whether each pass writes something new into the provision's status: the noise of a busy controller. */
  noise: boolean;
}

export interface WorkshopOptions {
  client: KubeClient;
  clock: SimulatedClock;
  workshops: Reflector<Workshop>;
  provisions: Reflector<Provision>;
  claims: Reflector<Claim>;
  seats: Reflector<Seat>;
  log: (line: string) => void;
}

const DEFAULT_START_DELAY = 10;
/** However fast time runs, a provision is not looked at more often than this. */
const SHORTEST_PASS_MS = 25;
/** How long a claim that was made may be missing in the cache before it counts as gone. */
const UNSEEN_MS = 5_000;

/**
 * The manager of workshops, provisions and claims, as far as an autoscaler can see it. One pass per provision and
 * `startDelay` makes at most one claim; a failed claim stays and is replaced; a lower count removes nothing. What loses its
 * owner is removed by the garbage collector of the sandbox.
 */
export class WorkshopController {
  readonly knobs: WorkshopKnobs = {
    completion: [600, 1200],
    failRate: 0,
    hangRate: 0,
    seatsPerClaim: 1,
    seed: 1,
    noise: false,
  };
  readonly #options: WorkshopOptions;
  readonly #life: ClaimLife;
  readonly #provisions: WorkQueue;
  readonly #claims: WorkQueue;
  /** Claims that were made and are not in the cache yet, by provision. */
  readonly #unseen = new Map<string, Map<string, number>>();
  /** Number of the next claim of a provision, by its uid. */
  readonly #made = new Map<string, number>();
  #passes = 0;

  constructor(options: WorkshopOptions) {
    this.#options = options;
    this.#life = new ClaimLife(options.client, options.clock);
    const backOff = { firstMs: 20, longestMs: 5_000 };
    const onError = (key: string, error: unknown) => {
      if (!isConflict(error) && !isNotFound(error)) options.log(`workshop manager: ${key}: ${String(error)}`);
    };
    this.#provisions = new WorkQueue({ workers: 3, backOff, onError, reconcile: (key) => this.#pass(key) });
    this.#claims = new WorkQueue({ workers: 5, backOff, onError, reconcile: (key) => this.#advance(key) });
    options.provisions.onChange(({ type, object }) => {
      if (type === 'added') this.#provisions.add(keyOf(object));
    });
    options.claims.onChange(({ type, object }) => {
      if (type !== 'deleted') this.#claims.add(keyOf(object));
    });
  }

  async pause(): Promise<void> {
    await Promise.all([this.#provisions.pause(), this.#claims.pause()]);
  }

  async resume(): Promise<void> {
    this.#provisions.resume();
    this.#claims.resume();
    for (const provision of this.#options.provisions.values()) this.#provisions.add(keyOf(provision));
    for (const claim of this.#options.claims.values()) this.#claims.add(keyOf(claim));
  }

  async restart(): Promise<void> {
    await this.pause();
    this.#provisions.clear();
    this.#claims.clear();
    this.#made.clear();
    await this.resume();
  }

  async stop(): Promise<void> {
    await Promise.all([this.#provisions.stop(), this.#claims.stop()]);
  }

  async #advance(key: string): Promise<number | undefined> {
    const claim = this.#options.claims.get(...split(key));
    return claim && this.#life.advance(claim);
  }

  /** One pass over a provision; it asks for the next one itself. */
  async #pass(key: string): Promise<number | undefined> {
    const { provisions, workshops, clock } = this.#options;
    const provision = provisions.get(...split(key));
    if (!provision || isBeingDeleted(provision)) return undefined;
    const { namespace, labels } = provision.metadata;
    const next = Math.max(SHORTEST_PASS_MS, clock.toRealMs(provision.spec.startDelay ?? DEFAULT_START_DELAY));
    const workshop = workshops.get(namespace, provision.spec.workshopName);
    if (!workshop || isBeingDeleted(workshop)) return next;
    if (await this.#end(provision, workshop)) return undefined;
    await this.#introduce(provision, workshop);
    const claims = this.#claimsOf(provision);
    const counts = countClaims(claims);
    const unseen = this.#unseenOf(key, claims);
    const known = { ...counts, live: counts.live + unseen, provisioning: counts.provisioning + unseen };
    if (mayCreate(provision, workshop, known, Date.now()) && labels?.[workshopLabels.workshop]) {
      await this.#createClaim(key, provision, workshop, claims.length + unseen);
    }
    await this.#tell(provision, workshop, counts);
    return next;
  }

  /** A provision whose lifespan is over is deleted; what it owns follows. */
  async #end(provision: Provision, workshop: Workshop): Promise<boolean> {
    const ends = [provision.spec.lifespan?.end, workshop.spec?.lifespan?.end];
    if (!ends.some((end) => end !== undefined && Date.parse(end) <= Date.now())) return false;
    const { uid } = provision.metadata;
    await this.#options.client.remove(pathTo(workshopResources.provision, provision), { preconditions: { uid } });
    return true;
  }

  /** Gives the workshop its id, and the provision its label and owner, where they are missing. */
  async #introduce(provision: Provision, workshop: Workshop): Promise<void> {
    const { client } = this.#options;
    if (workshop.metadata.labels?.[workshopLabels.workshopId] === undefined) {
      const id = createHash('sha256').update(workshop.metadata.uid).digest('hex').slice(0, 6);
      const metadata = { labels: { [workshopLabels.workshopId]: id } };
      await client.merge(pathTo(workshopResources.workshop, workshop), { metadata });
    }
    if (provision.metadata.labels?.[workshopLabels.workshop] && controllerOf(provision)) return;
    const metadata = {
      resourceVersion: provision.metadata.resourceVersion,
      labels: { [workshopLabels.workshop]: workshop.metadata.name },
      ownerReferences: [controllerReference(workshop, 'workshop')],
    };
    await client.merge(pathTo(workshopResources.provision, provision), { metadata });
  }

  async #createClaim(key: string, provision: Provision, workshop: Workshop, there: number): Promise<void> {
    const { namespace, name, annotations, uid } = provision.metadata;
    const item = provision.spec.catalogItem?.name ?? 'claim';
    const knobs = knobsOf(annotations, this.knobs);
    const number = this.#made.get(uid) ?? there;
    const { apiVersion, kind } = workshopKinds.claim;
    const made = await this.#options.client.create<Claim>(pathOf(workshopResources.claim, namespace), {
      apiVersion,
      kind,
      metadata: {
        generateName: `${item}-`,
        labels: {
          [workshopLabels.workshop]: workshop.metadata.name,
          [workshopLabels.workshopId]: workshop.metadata.labels?.[workshopLabels.workshopId] ?? '',
          [workshopLabels.provision]: name,
        },
        annotations: fateAnnotations(fateOf(knobs, number), knobs.seatsPerClaim, Date.now()),
        ownerReferences: [controllerReference(provision, 'provision')],
      },
      spec: { provider: { name: item } },
    });
    this.#made.set(uid, number + 1);
    const unseen = this.#unseen.get(key) ?? new Map<string, number>();
    this.#unseen.set(key, unseen.set(made.metadata.uid, Date.now()));
  }

  /** Counts on provision and workshop, on every pass. */
  async #tell(provision: Provision, workshop: Workshop, counts: ManagerCounts): Promise<void> {
    const { provisions, seats } = this.#options;
    this.#passes++;
    const own = {
      resourceClaimCount: counts.live,
      provisioningCount: counts.provisioning,
      activeCount: counts.active,
      failedCount: counts.failed,
      retryCount: counts.failed,
      ...(this.knobs.noise ? { passes: this.#passes } : {}),
    };
    await this.#write(provision, 'provision', own);
    const { namespace, name } = workshop.metadata;
    const here = seats
      .values()
      .filter(({ metadata, spec }) => metadata.namespace === namespace && spec?.workshopName === name);
    const assigned = here.filter(({ spec }) => spec?.assignment !== undefined).length;
    const ordered = provisions
      .values()
      .filter(({ metadata, spec }) => metadata.namespace === namespace && spec.workshopName === name)
      .reduce((total, { spec }) => total + spec.count, 0);
    await this.#write(workshop, 'workshop', {
      userCount: { assigned, available: here.length - assigned, total: here.length },
      provisionCount: { ordered, failed: counts.failed, active: counts.active, retries: counts.failed },
    });
  }

  async #write(object: Provision | Workshop, kind: 'provision' | 'workshop', status: Record<string, unknown>) {
    const before = (object.status ?? {}) as Record<string, unknown>;
    if (Object.entries(status).every(([key, value]) => canonicalJson(before[key]) === canonicalJson(value))) return;
    await this.#options.client.merge(pathTo(workshopResources[kind], object, 'status'), { status });
  }

  #claimsOf({ metadata }: Provision): Claim[] {
    return this.#options.claims
      .values()
      .filter(
        (claim) =>
          claim.metadata.namespace === metadata.namespace &&
          claim.metadata.labels?.[workshopLabels.provision] === metadata.name,
      );
  }

  #unseenOf(key: string, claims: readonly Claim[]): number {
    const unseen = this.#unseen.get(key);
    if (!unseen) return 0;
    for (const { metadata } of claims) unseen.delete(metadata.uid);
    for (const [uid, at] of unseen) if (Date.now() - at > UNSEEN_MS) unseen.delete(uid);
    return unseen.size;
  }
}

function split(key: string): [string, string] {
  const [namespace = '', name = ''] = key.split('/');
  return [namespace, name];
}
