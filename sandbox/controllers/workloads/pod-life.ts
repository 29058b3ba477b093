import type { V1ConfigMap } from '@kubernetes/client-node';
import type { SimulatedClock } from '../../clock.ts';
import { isNotFound, type KubeClient } from '../client.ts';
import type { EventRecorder } from '../events.ts';
import { isReady, type Pod, pathOf, pathTo, resources, type Secret, type Stored } from '../objects.ts';
import { behaviourOf, type PodBehaviour, type PodFailure, type Reference, referencesOf } from './behaviour.ts';
import { type PodView, podStatus, seconds } from './pod-status.ts';

/** Times and failures of all Pods, in simulated seconds. Annotations of a Pod outrank them. */
export interface WorkloadKnobs {
  schedulingSeconds: number;
  imagePullSeconds: number;
  /** From the start of a container to its readiness. */
  startSeconds: number;
  /** How long a Pod takes to go; undefined: its whole grace period. */
  terminationSeconds: number | undefined;
  /** A failure for Pods whose annotations and image ask for none. */
  failure: ((pod: Pod) => PodFailure | undefined) | undefined;
}

export interface PodEnvironment {
  client: KubeClient;
  clock: SimulatedClock;
  scheduler: EventRecorder;
  kubelet: EventRecorder;
  knobs: WorkloadKnobs;
  node: { name: string; ip: string };
  newPodIp: () => string;
  /** Resolves when those that send traffic to the Pod have seen how it is. */
  followed: (pod: Pod) => Promise<void>;
  /** Resolves while the controllers are up; waits while they are paused. */
  up: () => Promise<void>;
}

const SCHEDULING_RETRY_SECONDS = 30;
const CONFIGURATION_RETRY_SECONDS = 10;
const PROBE_PERIOD_SECONDS = 10;
const FIRST_BACK_OFF_SECONDS = 10;
const LONGEST_BACK_OFF_SECONDS = 300;

/** The life of one Pod on the simulated node, from scheduling to readiness and whatever fails on the way, until `signal` aborts it. */
export class PodLife {
  readonly #pod: Pod;
  readonly #env: PodEnvironment;
  readonly #signal: AbortSignal;
  #status: Pod['status'];

  constructor(pod: Pod, env: PodEnvironment, signal: AbortSignal) {
    this.#pod = pod;
    this.#env = env;
    this.#signal = signal;
    this.#status = pod.status;
  }

  /** Goes on from where the Pod's status says it stands; ends when nothing more will happen by itself. */
  async live(): Promise<void> {
    if (this.#pod.spec?.nodeName === undefined) {
      // The binding comes back as a change of the Pod, which begins its life on the node.
      await this.#schedule();
      return;
    }
    if (this.#pod.spec.nodeName !== this.#env.node.name) return;
    const [container] = this.#pod.status?.containerStatuses ?? [];
    let restarts = container?.restartCount ?? 0;
    let running = container?.state?.running !== undefined;
    if (!running && restarts === 0) {
      await this.#prepare();
    }
    for (;;) {
      if (!running) await this.#start(restarts);
      const failure = this.#failure();
      if (failure !== 'crash-loop' && failure !== 'oom') break;
      await this.#sleep(this.#behaviour.crashAfterSeconds);
      restarts += 1;
      await this.#crash(failure, restarts);
      running = false;
    }
    await this.#serve(restarts);
  }

  /**
   * The Pod goes: not ready, then its grace time, then away for good. A grace time is longer than controllers need to take the
   * Pod out of traffic; it is scaled and they are not, so they are waited for.
   */
  async terminate(): Promise<void> {
    const { knobs, kubelet, client, followed } = this.#env;
    const pod = this.#pod;
    if (pod.spec?.nodeName !== undefined) {
      for (const { name } of pod.spec.containers) kubelet.normal(pod, 'Killing', `Stopping container ${name}`);
      if (isReady(pod)) await this.#write({ ...this.#running(this.#restartsSoFar), ready: false });
      await this.#sleep(knobs.terminationSeconds ?? pod.metadata.deletionGracePeriodSeconds ?? 0);
      await followed(pod);
    }
    await this.#attempt(() =>
      client.remove(pathTo(resources.pods, pod), { gracePeriodSeconds: 0, preconditions: { uid: pod.metadata.uid } }),
    );
  }

  get #behaviour(): PodBehaviour {
    return behaviourOf(this.#pod);
  }

  get #restartsSoFar(): number {
    return this.#status?.containerStatuses?.[0]?.restartCount ?? 0;
  }

  /** What is wrong with the Pod at this moment. */
  #failure(): PodFailure | undefined {
    const { failure, recoverAfterSeconds } = this.#behaviour;
    const age = this.#env.clock.now().getTime() - Date.parse(this.#pod.metadata.creationTimestamp);
    if (recoverAfterSeconds !== undefined && age >= this.#env.clock.toRealMs(recoverAfterSeconds)) return undefined;
    return failure ?? this.#env.knobs.failure?.(this.#pod);
  }

  async #schedule(): Promise<void> {
    const { client, scheduler, node, knobs } = this.#env;
    const { namespace, name, uid } = this.#pod.metadata;
    await this.#sleep(knobs.schedulingSeconds);
    while (this.#failure() === 'unschedulable') {
      const message =
        '0/1 nodes are available: 1 Insufficient cpu. preemption: 0/1 nodes are available: 1 No preemption victims found for incoming pod.';
      scheduler.warning(this.#pod, 'FailedScheduling', message);
      const condition = {
        type: 'PodScheduled',
        status: 'False',
        reason: 'Unschedulable',
        message,
        lastTransitionTime: seconds(this.#env.clock.now()),
      };
      await this.#attempt(() =>
        client.merge(pathTo(resources.pods, this.#pod, 'status'), {
          status: { phase: 'Pending', conditions: [condition] },
        }),
      );
      await this.#sleep(SCHEDULING_RETRY_SECONDS);
    }
    const target = { apiVersion: 'v1', kind: 'Node', name: node.name };
    const binding = { apiVersion: 'v1', kind: 'Binding', metadata: { name, namespace, uid }, target };
    await this.#attempt(() => client.create(pathOf(resources.pods, namespace, name, 'binding'), binding));
    scheduler.normal(this.#pod, 'Scheduled', `Successfully assigned ${namespace}/${name} to ${node.name}`);
  }

  /** Until the containers can start: volumes, image, configuration. */
  async #prepare(): Promise<void> {
    await this.#write({
      phase: 'Pending',
      ready: false,
      restarts: 0,
      state: { waiting: { reason: 'ContainerCreating' } },
    });
    for (let missing = await this.#missing('volume'); missing !== undefined; missing = await this.#missing('volume')) {
      this.#env.kubelet.warning(this.#pod, 'FailedMount', `MountVolume.SetUp failed for volume : ${missing}`);
      await this.#sleep(CONFIGURATION_RETRY_SECONDS);
    }
    await this.#pullImages();
    for (let missing = await this.#missing('env'); missing !== undefined; missing = await this.#missing('env')) {
      this.#env.kubelet.warning(this.#pod, 'Failed', `Error: ${missing}`);
      await this.#waiting('CreateContainerConfigError', missing);
      await this.#sleep(CONFIGURATION_RETRY_SECONDS);
    }
  }

  async #pullImages(): Promise<void> {
    const { kubelet, knobs } = this.#env;
    const pod = this.#pod;
    const image = pod.spec?.containers[0]?.image ?? '';
    kubelet.normal(pod, 'Pulling', `Pulling image "${image}"`);
    await this.#sleep(knobs.imagePullSeconds);
    for (
      let wait = FIRST_BACK_OFF_SECONDS;
      this.#failure() === 'image-pull';
      wait = Math.min(wait * 2, LONGEST_BACK_OFF_SECONDS)
    ) {
      const cause = `failed to pull and unpack image "${image}": failed to resolve reference "${image}": ${image}: not found`;
      kubelet.warning(pod, 'Failed', `Failed to pull image "${image}": ${cause}`);
      kubelet.warning(pod, 'Failed', 'Error: ErrImagePull');
      await this.#waiting('ErrImagePull', cause);
      await this.#sleep(1);
      kubelet.normal(pod, 'BackOff', `Back-off pulling image "${image}"`);
      kubelet.warning(pod, 'Failed', 'Error: ImagePullBackOff');
      await this.#waiting('ImagePullBackOff', `Back-off pulling image "${image}": ${cause}`);
      await this.#sleep(wait);
    }
    kubelet.normal(pod, 'Pulled', `Successfully pulled image "${image}"`);
  }

  async #start(restarts: number): Promise<void> {
    for (const { name } of this.#pod.spec?.containers ?? []) {
      this.#env.kubelet.normal(this.#pod, 'Created', `Created container: ${name}`);
      this.#env.kubelet.normal(this.#pod, 'Started', `Started container ${name}`);
    }
    await this.#write(this.#running(restarts));
  }

  async #crash(failure: 'crash-loop' | 'oom', restarts: number): Promise<void> {
    const { clock, kubelet } = this.#env;
    const container = this.#pod.spec?.containers[0]?.name ?? '';
    const { startedAt = seconds(clock.now()) } = this.#status?.containerStatuses?.[0]?.state?.running ?? {};
    const exit =
      failure === 'oom'
        ? { exitCode: 137, reason: 'OOMKilled' }
        : { exitCode: this.#behaviour.exitCode, reason: 'Error' };
    const terminated = { ...exit, startedAt, finishedAt: seconds(clock.now()) };
    const backOff = Math.min(FIRST_BACK_OFF_SECONDS * 2 ** Math.min(restarts - 1, 10), LONGEST_BACK_OFF_SECONDS);
    const { name, namespace, uid } = this.#pod.metadata;
    kubelet.warning(
      this.#pod,
      'BackOff',
      `Back-off restarting failed container ${container} in pod ${name}_${namespace}(${uid})`,
    );
    const message = `back-off ${backOff}s restarting failed container=${container} pod=${name}_${namespace}(${uid})`;
    await this.#write({
      ...this.#running(restarts),
      state: { waiting: { reason: 'CrashLoopBackOff', message } },
      lastState: { terminated },
    });
    await this.#sleep(backOff);
  }

  /** Running: the readiness probe decides from here on. */
  async #serve(restarts: number): Promise<void> {
    const { knobs, clock } = this.#env;
    const { startSeconds = knobs.startSeconds, unreadyAfterSeconds } = this.#behaviour;
    const probe = this.#pod.spec?.containers[0]?.readinessProbe;
    if (!isReady(this.#pod)) await this.#sleep(startSeconds + (probe?.initialDelaySeconds ?? 0));
    await this.#failProbe(restarts, () => this.#failure() === 'not-ready');
    await this.#write({ ...this.#running(restarts), ready: true });
    if (unreadyAfterSeconds === undefined) return;
    await this.#sleep(unreadyAfterSeconds);
    const { recoverAfterSeconds } = this.#behaviour;
    const end =
      recoverAfterSeconds === undefined
        ? undefined
        : Date.parse(this.#pod.metadata.creationTimestamp) + clock.toRealMs(recoverAfterSeconds);
    await this.#failProbe(restarts, () => end === undefined || clock.now().getTime() < end);
    await this.#write({ ...this.#running(restarts), ready: true });
  }

  async #failProbe(restarts: number, fails: () => boolean): Promise<void> {
    while (fails()) {
      this.#env.kubelet.warning(
        this.#pod,
        'Unhealthy',
        'Readiness probe failed: HTTP probe failed with statuscode: 503',
      );
      await this.#write({ ...this.#running(restarts), ready: false });
      await this.#sleep(this.#pod.spec?.containers[0]?.readinessProbe?.periodSeconds ?? PROBE_PERIOD_SECONDS);
    }
  }

  #running(restarts: number): PodView {
    const [known] = this.#status?.containerStatuses ?? [];
    const startedAt = known?.state?.running?.startedAt ?? seconds(this.#env.clock.now());
    return {
      phase: 'Running',
      ready: false,
      restarts,
      state: { running: { startedAt } },
      ...(known?.lastState ? { lastState: known.lastState } : {}),
    };
  }

  #waiting(reason: string, message: string): Promise<void> {
    return this.#write({ phase: 'Pending', ready: false, restarts: 0, state: { waiting: { reason, message } } });
  }

  /** The first Secret or ConfigMap that is missing, in the kubelet's words. Asked of the API server, so a Pod starts once it exists. */
  async #missing(use: Reference['use']): Promise<string | undefined> {
    const { client } = this.#env;
    const { namespace } = this.#pod.metadata;
    for (const { kind, name, keys } of referencesOf(this.#pod).filter((reference) => reference.use === use)) {
      const resource = kind === 'Secret' ? resources.secrets : resources.configMaps;
      const found = await this.#attempt(() =>
        client.find<Secret | Stored<V1ConfigMap>>(pathOf(resource, namespace, name)),
      );
      if (!found) return `${kind.toLowerCase()} "${name}" not found`;
      const absent = keys.find((key) => found.data?.[key] === undefined);
      if (absent !== undefined) return `couldn't find key ${absent} in ${kind} ${namespace}/${name}`;
    }
    return undefined;
  }

  async #write(view: PodView): Promise<void> {
    const { client, clock, node, newPodIp } = this.#env;
    const podIp = this.#status?.podIP ?? (view.phase === 'Running' ? newPodIp() : undefined);
    const pod = { ...this.#pod, status: this.#status } as Pod;
    const status = podStatus(pod, podIp === undefined ? view : { ...view, podIp }, node, clock.now());
    const written = await this.#attempt(() =>
      client.merge<Pod>(pathTo(resources.pods, this.#pod, 'status'), { status }),
    );
    if (written) this.#status = written.status;
  }

  /** Repeats a call until it is answered; a Pod that is gone ends its life. */
  async #attempt<T>(run: () => Promise<T>): Promise<T | undefined> {
    for (let wait = 20; ; wait = Math.min(wait * 2, 2_000)) {
      await this.#env.up();
      this.#signal.throwIfAborted();
      try {
        return await run();
      } catch (error) {
        if (isNotFound(error) || isGone(error)) return undefined;
        await this.#env.clock.sleep(wait / 1000 / this.#env.clock.scale, this.#signal);
      }
    }
  }

  async #sleep(simulatedSeconds: number): Promise<void> {
    this.#signal.throwIfAborted();
    await this.#env.clock.sleep(simulatedSeconds, this.#signal);
    await this.#env.up();
  }
}

/** The object is another one, or already bound: whatever was to be written no longer matters. */
function isGone(error: unknown): boolean {
  return (
    error instanceof Error &&
    'status' in error &&
    (error.status === 409 || error.status === 422 || error.status === 403)
  );
}
