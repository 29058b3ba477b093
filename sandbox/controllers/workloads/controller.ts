import type { SimulatedClock } from '../../clock.ts';
import { isConflict, type KubeClient } from '../client.ts';
import type { EventRecorder } from '../events.ts';
import {
  canonicalJson,
  controllerOf,
  type Deployment,
  isBeingDeleted,
  keyOf,
  type Pod,
  type ReplicaSet,
} from '../objects.ts';
import { WorkQueue } from '../queue.ts';
import type { Reflector } from '../watch.ts';
import { behaviourOf } from './behaviour.ts';
import { Deployments } from './deployments.ts';
import { type PodEnvironment, PodLife, type WorkloadKnobs } from './pod-life.ts';
import { ReplicaSets } from './replica-sets.ts';

export interface WorkloadOptions {
  client: KubeClient;
  clock: SimulatedClock;
  /** One recorder per component, as their events name it. */
  recorders: {
    deployments: EventRecorder;
    replicaSets: EventRecorder;
    scheduler: EventRecorder;
    kubelet: EventRecorder;
  };
  deployments: Reflector<Deployment>;
  replicaSets: Reflector<ReplicaSet>;
  pods: Reflector<Pod>;
  random: () => number;
  followed: PodEnvironment['followed'];
  log: (line: string) => void;
}

interface Life {
  pod: Pod;
  end: AbortController;
  isTermination: boolean;
  done: Promise<void>;
}

const WORKERS = 5;

/** Deployments, ReplicaSets and the Pods of one simulated node. */
export class WorkloadController {
  readonly knobs: WorkloadKnobs = {
    schedulingSeconds: 0.2,
    imagePullSeconds: 1,
    startSeconds: 1,
    terminationSeconds: undefined,
    failure: undefined,
  };
  readonly #options: WorkloadOptions;
  readonly #deployments: WorkQueue;
  readonly #replicaSets: WorkQueue;
  readonly #lives = new Map<string, Life>();
  readonly #environment: PodEnvironment;
  #down = false;
  #stopped = false;
  #up: Promise<void> = Promise.resolve();
  #wakeUp: () => void = () => undefined;
  #nextIp: number;

  constructor(options: WorkloadOptions) {
    this.#options = options;
    const { clock, log, recorders, client, random, followed } = options;
    const backOff = { firstMs: 10, longestMs: 5_000 };
    const onError = (key: string, error: unknown) => {
      // The cache was behind our own write; the next attempt is with the newer version.
      if (!isConflict(error)) log(`workload controller: ${key}: ${String(error)}`);
    };
    const deployments = new Deployments({ ...options, recorder: recorders.deployments });
    const replicaSets = new ReplicaSets({ ...options, recorder: recorders.replicaSets });
    const split = (key: string) => key.split('/') as [string, string];
    this.#deployments = new WorkQueue({
      workers: WORKERS,
      backOff,
      onError,
      reconcile: (key) => deployments.reconcile(...split(key)),
    });
    this.#replicaSets = new WorkQueue({
      workers: WORKERS,
      backOff,
      onError,
      reconcile: (key) => replicaSets.reconcile(...split(key)),
    });
    this.#nextIp = Math.floor(random() * 2 ** 20);
    this.#environment = {
      client,
      clock,
      scheduler: recorders.scheduler,
      kubelet: recorders.kubelet,
      knobs: this.knobs,
      node: { name: 'sandbox-node-1', ip: '10.0.0.10' },
      newPodIp: () => this.#newPodIp(),
      followed,
      up: () => this.#up,
    };
    options.deployments.onChange(({ type, object }) => {
      if (type === 'deleted') deployments.forget(object.metadata.uid);
      else this.#deployments.add(keyOf(object));
    });
    options.replicaSets.onChange(({ type, object }) => {
      if (type !== 'deleted') this.#replicaSets.add(keyOf(object));
      this.#addOwner(this.#deployments, object);
    });
    options.pods.onChange(({ type, object }) => {
      if (type === 'deleted') replicaSets.podGone(object.metadata.uid);
      this.#addOwner(this.#replicaSets, object);
      if (type === 'deleted') this.#lives.get(object.metadata.uid)?.end.abort();
      else this.#follow(object);
    });
  }

  /** Controllers, scheduler and kubelet are down: nothing moves. Resolves when what was under way has ended. */
  async pause(): Promise<void> {
    if (this.#down) return;
    this.#down = true;
    this.#up = new Promise((resolve) => {
      this.#wakeUp = resolve;
    });
    await Promise.all([this.#deployments.pause(), this.#replicaSets.pause()]);
  }

  async resume(): Promise<void> {
    this.#down = false;
    this.#wakeUp();
    this.#up = Promise.resolve();
    this.#deployments.resume();
    this.#replicaSets.resume();
    this.#lookAtAll();
  }

  /** Begins anew from what the API server has: lives of Pods, back-off and event counts are forgotten. */
  async restart(): Promise<void> {
    await Promise.all([this.#deployments.pause(), this.#replicaSets.pause()]);
    await this.#endLives();
    this.#deployments.clear();
    this.#replicaSets.clear();
    for (const recorder of Object.values(this.#options.recorders)) recorder.forget();
    await this.resume();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.all([this.#deployments.stop(), this.#replicaSets.stop(), this.#endLives()]);
  }

  #lookAtAll(): void {
    for (const deployment of this.#options.deployments.values()) this.#deployments.add(keyOf(deployment));
    for (const set of this.#options.replicaSets.values()) this.#replicaSets.add(keyOf(set));
    for (const pod of this.#options.pods.values()) this.#follow(pod);
  }

  #addOwner(queue: WorkQueue, object: ReplicaSet | Pod): void {
    const owner = controllerOf(object);
    const kind = queue === this.#deployments ? 'Deployment' : 'ReplicaSet';
    if (owner?.kind === kind) queue.add(`${object.metadata.namespace}/${owner.name}`);
  }

  /** Begins the Pod's life, or begins it anew when it was bound, is to go, or shall behave in another way. */
  #follow(pod: Pod): void {
    if (this.#stopped || pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed') return;
    const { uid } = pod.metadata;
    const life = this.#lives.get(uid);
    const isTermination = isBeingDeleted(pod);
    const same =
      life !== undefined &&
      life.isTermination === isTermination &&
      life.pod.spec?.nodeName === pod.spec?.nodeName &&
      canonicalJson(behaviourOf(life.pod)) === canonicalJson(behaviourOf(pod)) &&
      (!isTermination || life.pod.metadata.deletionGracePeriodSeconds === pod.metadata.deletionGracePeriodSeconds);
    if (same) return;
    life?.end.abort();
    const end = new AbortController();
    const run = new PodLife(pod, this.#environment, end.signal);
    // One life at a time: a write of the old one must not come after the first of the new one.
    const done = (life?.done ?? Promise.resolve())
      .then(() => (isTermination ? run.terminate() : run.live()))
      .catch((error: unknown) => {
        if (!end.signal.aborted) this.#options.log(`pod ${keyOf(pod)}: ${String(error)}`);
      })
      .finally(() => {
        if (end.signal.aborted && this.#lives.get(uid)?.end === end) this.#lives.delete(uid);
      });
    this.#lives.set(uid, { pod, end, isTermination, done });
  }

  async #endLives(): Promise<void> {
    const lives = [...this.#lives.values()];
    for (const { end } of lives) end.abort();
    this.#wakeUp();
    await Promise.all(lives.map(({ done }) => done));
    this.#lives.clear();
  }

  /** An address that no other Pod of these controllers has or had. */
  #newPodIp(): string {
    const taken = new Set(this.#options.pods.values().map(({ status }) => status?.podIP));
    for (;;) {
      this.#nextIp = (this.#nextIp + 1) % 2 ** 20;
      const ip = `10.${128 + (this.#nextIp >> 16)}.${(this.#nextIp >> 8) & 255}.${this.#nextIp & 255}`;
      if ((this.#nextIp & 255) !== 0 && (this.#nextIp & 255) !== 255 && !taken.has(ip)) return ip;
    }
  }
}
