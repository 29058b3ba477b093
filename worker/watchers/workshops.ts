import type { KubeConfig } from '@kubernetes/client-node';
import type { CustomResources } from '../../activities/kubernetes/custom-resources.ts';
import { asksForScaling } from '../../activities/workshop/wake.ts';
import { canonicalJson } from '../../contract/canonical.ts';
import {
  type Workshop,
  type WorkshopProvision,
  workshopAnnotations,
  workshopKinds,
  workshopLabels,
} from '../../contract/workshop/objects.ts';
import type { AutoscalerAddress } from '../../contract/workshop/start.ts';
import { type Listener, ListWatch, type WatchedObject } from './list-watch.ts';

export interface WorkshopWatcherOptions {
  kubeConfig: KubeConfig;
  resources: CustomResources;
  cluster: string;
  /** Absent: all namespaces. */
  namespace?: string;
  /** Milliseconds in which the changes of one provision are gathered. The first one counts: steady changes delay nothing. */
  debounceMs: number;
  firstBackOffMs: number;
  longestBackOffMs: number;
  /** Tells an autoscaler; a failure is reported and repaired by the sweep. */
  wake(address: AutoscalerAddress, source: string): Promise<void>;
  onTrouble(message: string): void;
}

type Source = keyof typeof workshopKinds;

/**
 * Turns changes in the cluster into wakes of autoscalers: a change of a workshop, a claim or a seat concerns every provision
 * of the workshop. Provisions whose workshop does not ask for autoscaling are left alone, unless it just did or their flag
 * is set. Several watchers are harmless.
 */
export class WorkshopWatcher {
  readonly #options: WorkshopWatcherOptions;
  readonly #workshops = new Map<string, { enabled: boolean; seen: string }>();
  readonly #provisions = new Map<string, KnownProvision>();
  readonly #waiting = new Map<string, NodeJS.Timeout>();
  readonly #watches: ListWatch<WatchedObject>[];

  constructor(options: WorkshopWatcherOptions) {
    this.#options = options;
    const follow = <T extends WatchedObject>(kind: Source, listener: Listener<T>) =>
      new ListWatch<T>(workshopKinds[kind], listener, options) as unknown as ListWatch<WatchedObject>;
    this.#watches = [
      follow<Workshop>('workshop', this.#workshopListener()),
      follow<WorkshopProvision>('provision', this.#provisionListener()),
      follow('claim', this.#memberListener('claim')),
      follow('seat', this.#memberListener('seat')),
    ];
  }

  start(): void {
    for (const watch of this.#watches) watch.start();
  }

  async stop(): Promise<void> {
    for (const timer of this.#waiting.values()) clearTimeout(timer);
    this.#waiting.clear();
    await Promise.all(this.#watches.map((watch) => watch.stop()));
  }

  #workshopListener(): Listener<Workshop> {
    return {
      listed: (workshops) => {
        const there = new Set(workshops.map(keyOf));
        for (const key of [...this.#workshops.keys()]) if (!there.has(key)) this.#forgetWorkshop(key);
        for (const workshop of workshops) this.#noteWorkshop(workshop);
      },
      changed: (type, workshop) => {
        if (type === 'DELETED') this.#forgetWorkshop(keyOf(workshop));
        else this.#noteWorkshop(workshop);
      },
    };
  }

  #noteWorkshop(workshop: Workshop): void {
    const key = keyOf(workshop);
    const before = this.#workshops.get(key);
    const now = { enabled: asksForScaling(workshop), seen: canonicalJson([metadataOf(workshop), workshop.spec]) };
    this.#workshops.set(key, now);
    if (before?.seen === now.seen) return;
    this.#wakeAll(key, 'workshop', before?.enabled === true);
  }

  #forgetWorkshop(key: string): void {
    const before = this.#workshops.get(key);
    this.#workshops.delete(key);
    this.#wakeAll(key, 'workshop', before?.enabled === true);
  }

  #provisionListener(): Listener<WorkshopProvision> {
    return {
      listed: (provisions) => {
        const there = new Set(provisions.map(keyOf));
        for (const [key, known] of [...this.#provisions]) if (!there.has(key)) this.#forgetProvision(key, known);
        for (const provision of provisions) this.#noteProvision(provision);
      },
      changed: (type, provision) => {
        const key = keyOf(provision);
        const known = this.#provisions.get(key);
        if (type !== 'DELETED') this.#noteProvision(provision);
        else if (known) this.#forgetProvision(key, known);
      },
    };
  }

  /** Our own status keys and the counts that the manager repeats there say nothing that claims and seats do not say. */
  #noteProvision(provision: WorkshopProvision): void {
    const key = keyOf(provision);
    const before = this.#provisions.get(key);
    const now = readProvision(this.#options.cluster, provision);
    this.#provisions.set(key, now);
    if (before?.seen !== now.seen) this.#wakeOne(now, 'provision', before?.flagged === true);
  }

  #forgetProvision(key: string, known: KnownProvision): void {
    this.#provisions.delete(key);
    this.#wakeOne(known, 'provision', known.flagged);
  }

  /** Claims and seats are many and are not kept: any change of one concerns its workshop. */
  #memberListener(source: 'claim' | 'seat'): Listener<WatchedObject> {
    return {
      listed: (members) => {
        for (const key of new Set(members.map(workshopKeyOf))) this.#wakeAll(key, source);
      },
      changed: (_type, member) => this.#wakeAll(workshopKeyOf(member), source),
    };
  }

  #wakeAll(workshopKey: string, source: Source, even = false): void {
    for (const provision of this.#provisions.values())
      if (provision.workshopKey === workshopKey) this.#wakeOne(provision, source, even);
  }

  /** `even`: although autoscaling is not asked for now, because it was a moment ago. */
  #wakeOne({ address, key, workshopKey, flagged }: KnownProvision, source: Source, even: boolean): void {
    if (!even && !flagged && this.#workshops.get(workshopKey)?.enabled !== true) return;
    if (this.#waiting.has(key)) return;
    const tell = async () => {
      this.#waiting.delete(key);
      await this.#options.wake(address, source).catch((error: unknown) => {
        this.#options.onTrouble(`autoscaler of ${key}: ${error instanceof Error ? error.message : String(error)}`);
      });
    };
    this.#waiting.set(key, setTimeout(tell, this.#options.debounceMs));
  }
}

interface KnownProvision {
  key: string;
  workshopKey: string;
  address: AutoscalerAddress;
  flagged: boolean;
  /** What of it matters, to tell a change from noise. */
  seen: string;
}

function readProvision(cluster: string, provision: WorkshopProvision): KnownProvision {
  const { metadata, spec } = provision;
  const namespace = metadata?.namespace ?? '';
  const workshop = spec?.workshopName ?? metadata?.labels?.[workshopLabels.workshop];
  return {
    key: keyOf(provision),
    workshopKey: `${namespace}/${workshop}`,
    address: { cluster, namespace, name: metadata?.name ?? '', uid: metadata?.uid, workshop },
    flagged: provision.status?.autoScalingActive !== undefined,
    seen: canonicalJson([metadataOf(provision), spec]),
  };
}

/** The parts of the metadata that a decision looks at; our own annotation is not one of them. */
function metadataOf({ metadata }: WatchedObject) {
  const annotations = { ...metadata?.annotations };
  delete annotations[workshopAnnotations.operation];
  const { uid, labels, deletionTimestamp } = metadata ?? {};
  return { uid, labels, annotations, deletionTimestamp };
}

const keyOf = ({ metadata }: WatchedObject) => `${metadata?.namespace}/${metadata?.name}`;

const workshopKeyOf = ({ metadata }: WatchedObject) =>
  `${metadata?.namespace}/${metadata?.labels?.[workshopLabels.workshop]}`;
