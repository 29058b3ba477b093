import {
  type ResourceClaim,
  type Workshop,
  type WorkshopKind,
  type WorkshopProvision,
  type WorkshopUserAssignment,
  workshopKinds,
  workshopLabels,
} from '../../contract/workshop/objects.ts';
import { isNotFound, type KubeClient } from '../../sandbox/controllers/client.ts';
import { type KubeObject, pathOf, type Resource } from '../../sandbox/controllers/objects.ts';

/** A workshop whose claims and seats a test makes by hand: what the manager of the platform would do, step by step. */

export interface WorkshopOptions {
  /** Default: enabled, everything else by default. */
  autoScaling?: Record<string, unknown> | null;
  /** Count of the provision, and claims that are made; default 10 and all of them. */
  count?: number;
  claims?: number;
  /** Seats of those claims that somebody took; default none. */
  assigned?: number;
  seatsPerClaim?: number;
  spec?: Record<string, unknown>;
  labels?: Record<string, string>;
  provisionSpec?: Record<string, unknown>;
  provisionLabels?: Record<string, string>;
}

type Life = 'pending' | 'provisioning' | 'active' | 'failed';

const resource = (kind: WorkshopKind): Resource => {
  const { apiVersion, plural, kind: name } = workshopKinds[kind];
  return { group: apiVersion.split('/')[0] ?? '', version: 'v1', plural, kind: name, namespaced: true };
};

export class TestWorkshop {
  readonly name: string;
  readonly namespace: string;
  readonly #kube: KubeClient;
  readonly #seatsPerClaim: number;

  private constructor(kube: KubeClient, namespace: string, name: string, seatsPerClaim: number) {
    this.#kube = kube;
    this.namespace = namespace;
    this.name = name;
    this.#seatsPerClaim = seatsPerClaim;
  }

  static async create(
    kube: KubeClient,
    namespace: string,
    name: string,
    options: WorkshopOptions,
  ): Promise<TestWorkshop> {
    const { count = 10, claims = count, assigned = 0, seatsPerClaim = 1 } = options;
    const workshop = new TestWorkshop(kube, namespace, name, seatsPerClaim);
    // Autoscaling is asked for last, so that nothing is decided about half of the claims.
    await workshop.#create('workshop', {
      metadata: { name, labels: { [workshopLabels.workshopId]: 'abc123', ...options.labels } },
      spec: { multiuserServices: seatsPerClaim > 1, ...options.spec },
    });
    await workshop.addProvision(name, count, options.provisionSpec, options.provisionLabels);
    await workshop.addClaims(claims);
    await workshop.assign(assigned);
    if (options.autoScaling !== null) await workshop.configure({ enabled: true, ...options.autoScaling });
    return workshop;
  }

  /** Changes `spec.autoScaling`; the other fields stay. */
  configure(autoScaling: Record<string, unknown> | null): Promise<unknown> {
    return this.edit('workshop', this.name, { spec: { autoScaling } });
  }

  addProvision(
    name: string,
    count: number,
    spec: Record<string, unknown> = {},
    labels: Record<string, string> = {},
  ): Promise<unknown> {
    return this.#create('provision', {
      metadata: { name, labels: { [workshopLabels.workshop]: this.name, ...labels } },
      spec: { catalogItem: { name: 'lab', namespace: 'catalog' }, count, workshopName: this.name, ...spec },
    });
  }

  /** Makes claims of a provision in one state, active ones with their seats; answers their names. */
  async addClaims(count: number, life: Life = 'active', provision = this.name): Promise<string[]> {
    const claims = await Promise.all(
      Array.from({ length: count }, () =>
        this.#create<KubeObject>('claim', {
          metadata: {
            generateName: 'lab-',
            labels: { [workshopLabels.workshop]: this.name, [workshopLabels.provision]: provision },
          },
          spec: { provider: { name: 'lab' } },
        }),
      ),
    );
    const names = claims.map(({ metadata }) => metadata.name);
    await Promise.all(names.map((name) => this.become(name, life)));
    return names;
  }

  /** Brings a claim into a state; an active one gets its seats. */
  async become(claim: string, life: Life): Promise<void> {
    if (life === 'pending') return;
    await this.#status('claim', claim, { resources: [resourceOf(life)] });
    if (life !== 'active') return;
    await Promise.all(
      Array.from({ length: this.#seatsPerClaim }, () =>
        this.#create('seat', {
          metadata: {
            generateName: `${this.name}-`,
            labels: { [workshopLabels.workshop]: this.name, [workshopLabels.claim]: claim },
          },
          spec: { workshopName: this.name, resourceClaimName: claim },
        }),
      ),
    );
  }

  /** Takes so many free seats. */
  async assign(count: number): Promise<void> {
    const free = (await this.seats()).filter(({ spec }) => spec?.assignment === undefined).slice(0, count);
    if (free.length < count) throw new Error(`only ${free.length} seats are free`);
    await Promise.all(
      free.map(({ metadata }, at) =>
        this.edit('seat', metadata?.name ?? '', { spec: { assignment: { email: `user${at}@example.com` } } }),
      ),
    );
  }

  /** The manager's next steps: makes the claims that the count asks for, then completes all. */
  async catchUp(life: Life = 'active', provision = this.name): Promise<void> {
    const { spec } = await this.provision(provision);
    const missing = (spec?.count ?? 0) - (await this.claims(provision)).length;
    if (missing > 0) await this.addClaims(missing, life, provision);
  }

  /** As a person with kubectl. */
  edit(kind: WorkshopKind, name: string, change: object): Promise<unknown> {
    return this.#kube.merge(this.path(kind, name), change);
  }

  remove(kind: WorkshopKind, name: string): Promise<unknown> {
    return this.#kube.remove(this.path(kind, name));
  }

  /** Workshop and provision; claims and seats lie still without them. */
  async removeAll(): Promise<void> {
    for (const kind of ['provision', 'workshop'] as const)
      await this.remove(kind, this.name).catch((error: unknown) => {
        if (!isNotFound(error)) throw error;
      });
  }

  workshop(): Promise<Workshop> {
    return this.#kube.get(this.path('workshop', this.name));
  }

  provision(name = this.name): Promise<WorkshopProvision> {
    return this.#kube.get(this.path('provision', name));
  }

  async claims(provision = this.name): Promise<ResourceClaim[]> {
    return this.#list<ResourceClaim>('claim', { [workshopLabels.provision]: provision });
  }

  seats(): Promise<WorkshopUserAssignment[]> {
    return this.#list<WorkshopUserAssignment>('seat', { [workshopLabels.workshop]: this.name });
  }

  /** Events on a provision as `reason: message`, sorted. */
  async events(provision = this.name): Promise<string[]> {
    const { items } = await this.#kube.get<{ items: { reason: string; message: string; lastTimestamp: string }[] }>(
      `/api/v1/namespaces/${this.namespace}/events`,
      { fieldSelector: `involvedObject.name=${provision}` },
    );
    return items.map(({ reason, message }) => `${reason}: ${message}`).sort();
  }

  path(kind: WorkshopKind, name?: string, subresource?: string): string {
    return pathOf(resource(kind), this.namespace, name, subresource);
  }

  #status(kind: WorkshopKind, name: string, status: object): Promise<unknown> {
    return this.#kube.merge(this.path(kind, name, 'status'), { status });
  }

  #create<T>(kind: WorkshopKind, object: object): Promise<T> {
    const { apiVersion, kind: name } = workshopKinds[kind];
    return this.#kube.create<T>(this.path(kind), { apiVersion, kind: name, ...object });
  }

  async #list<T>(kind: WorkshopKind, labels: Record<string, string>): Promise<T[]> {
    const labelSelector = Object.entries(labels)
      .map(([key, value]) => `${key}=${value}`)
      .join(',');
    return (await this.#kube.get<{ items: T[] }>(this.path(kind), { labelSelector })).items;
  }
}

function resourceOf(life: Life) {
  const state = { provisioning: 'provisioning', active: 'started', failed: 'provision-failed', pending: 'new' }[life];
  return {
    name: 'lab',
    state: {
      kind: 'AnarchySubject',
      spec: { vars: { current_state: state } },
      status: life === 'active' ? { towerJobs: { provision: { completeTimestamp: new Date().toISOString() } } } : {},
    },
  };
}
