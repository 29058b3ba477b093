import type { ElasticLoadBalancingV2Client } from '@aws-sdk/client-elastic-load-balancing-v2';
import type { SimulatedClock } from '../../clock.ts';
import type { KubeClient } from '../client.ts';
import type { EventRecorder } from '../events.ts';
import {
  canonicalJson,
  type Ingress,
  type IngressClass,
  isBeingDeleted,
  type Pod,
  pathTo,
  resources,
  type Service,
} from '../objects.ts';
import { WorkQueue } from '../queue.ts';
import type { Change, Reflector } from '../watch.ts';
import { ANNOTATION_PREFIX, annotation } from './annotations.ts';
import { deployStack } from './deploy/deploy.ts';
import { TagStore } from './deploy/tags.ts';
import { addFinalizer, removeFinalizer } from './finalizers.ts';
import { finalizerOf, type Group, type GroupId, groupsByFinalizer, loadGroup, wantedGroup } from './groups.ts';
import { buildStack } from './model/build.ts';
import type { Certificate } from './model/certificates.ts';
import type { Stack } from './model/stack.ts';
import { syncBindingObjects, TargetBindings, targetPartOf } from './targets.ts';

/** How the simulated controller may misbehave. All times are simulated seconds. */
export interface LoadBalancerKnobs {
  /** Waits so long before each reconciliation of a group; default 0. */
  reconcileDelaySeconds: number;
  /** Leaves these groups (true: all) alone, without any event; default false. */
  neverReconcile: boolean | ((group: GroupId) => boolean);
  /** Waits so long before it creates listeners, so that there is a balancer without any; default 0. */
  listenerDelaySeconds: number;
  /** Waits so long before it creates rules, so that there is a listener without any; default 0. */
  ruleDelaySeconds: number;
  /** Waits so long before it writes the host name into the status; default 0. */
  statusDelaySeconds: number;
}

export interface LoadBalancerOptions {
  client: KubeClient;
  elb: ElasticLoadBalancingV2Client;
  clock: SimulatedClock;
  recorder: EventRecorder;
  ingresses: Reflector<Ingress>;
  ingressClasses: Reflector<IngressClass>;
  services: Reflector<Service>;
  pods: Reflector<Pod>;
  cluster: string;
  vpcId: string;
  subnets: string[];
  findCertificates: () => Promise<readonly Certificate[]>;
  log: (line: string) => void;
}

const GROUPS_AT_ONCE = 3;
const TARGET_GROUPS_AT_ONCE = 3;
const RESYNC_SECONDS = 10 * 3600;

/** The AWS Load Balancer Controller, simulated: Ingresses become ELBv2 resources by way of a model, a group at a time. */
export class LoadBalancerController {
  readonly knobs: LoadBalancerKnobs = {
    reconcileDelaySeconds: 0,
    neverReconcile: false,
    listenerDelaySeconds: 0,
    ruleDelaySeconds: 0,
    statusDelaySeconds: 0,
  };
  readonly #options: LoadBalancerOptions;
  readonly #groups: WorkQueue;
  readonly #targets: WorkQueue;
  readonly #bindings: TargetBindings;
  readonly #tags: TagStore;
  readonly #stopping = new AbortController();
  readonly #resync: NodeJS.Timeout;
  #down = false;
  /** Counts pauses and resumptions, so that a resumption that was overtaken does nothing. */
  #turn = 0;

  constructor(options: LoadBalancerOptions) {
    this.#options = options;
    const { clock, elb, log } = options;
    this.#tags = new TagStore(elb, clock);
    this.#bindings = new TargetBindings(options);
    // From milliseconds to 1000 s, as client-go's rate limiter.
    const backOff = { firstMs: clock.toRealMs(0.005), longestMs: clock.toRealMs(1000) };
    const onError = (key: string, error: unknown) => log(`load balancer controller: ${key}: ${String(error)}`);
    this.#groups = new WorkQueue({
      workers: GROUPS_AT_ONCE,
      backOff,
      onError,
      reconcile: (group) => this.#reconcile(group),
    });
    this.#targets = new WorkQueue({
      workers: TARGET_GROUPS_AT_ONCE,
      backOff,
      onError,
      reconcile: async (arn) => void (await this.#bindings.reconcile(arn)),
    });
    options.ingresses.onChange((change) => this.#ingressChanged(change));
    options.ingressClasses.onChange(() => this.#enqueueAll());
    options.services.onChange((change) => this.#serviceChanged(change));
    options.pods.onChange((change) => this.#podChanged(change));
    this.#resync = setInterval(() => this.#enqueueAll(), Math.min(clock.toRealMs(RESYNC_SECONDS), 2 ** 31 - 1));
    this.#resync.unref();
  }

  /** The controller is down: nothing runs, and what changes meanwhile is not seen. Resolves when it is idle. */
  async pause(): Promise<void> {
    this.#turn += 1;
    this.#down = true;
    await Promise.all([this.#groups.pause(), this.#targets.pause()]);
    this.#groups.clear();
    this.#targets.clear();
  }

  /**
   * The controller is up again and looks at everything that is there now; its memory is that of a new process. So its caches
   * are read anew first: an Ingress that vanished meanwhile must not make it take up the group and find it empty.
   */
  async resume(): Promise<void> {
    this.#turn += 1;
    const turn = this.#turn;
    const { ingresses, ingressClasses, services, pods } = this.#options;
    if (this.#down) await Promise.all([ingresses, ingressClasses, services, pods].map((each) => each.refresh()));
    if (turn !== this.#turn) return;
    this.#tags.forget();
    this.#options.recorder.forget();
    this.#down = false;
    this.#groups.resume();
    this.#targets.resume();
    this.#enqueueAll();
    for (const arn of this.#bindings.all()) this.#targets.add(arn); // also of a group that cannot be built now
  }

  /** Down and up again: tag cache, back-off and event counts are forgotten. */
  async restart(): Promise<void> {
    await this.pause();
    await this.resume();
  }

  /** Resolves once every change of the Pod has been looked at. */
  async followed(pod: Pod): Promise<void> {
    await Promise.all(this.#bindings.ofPod(pod).map((arn) => this.#targets.idle(arn)));
  }

  async stop(): Promise<void> {
    this.#turn += 1;
    this.#down = true;
    clearInterval(this.#resync);
    this.#stopping.abort();
    await Promise.all([this.#groups.stop(), this.#targets.stop()]);
  }

  #enqueueAll(): void {
    if (this.#down) return;
    for (const ingress of this.#options.ingresses.values()) this.#enqueue(ingress);
  }

  /** Only annotations, spec and deletion timestamp count; a plain delete is ignored, since the finalizer came before it. */
  #ingressChanged({ type, object, previous }: Change<Ingress>): void {
    if (this.#down || type === 'deleted') return;
    if (type === 'modified' && previous && relevant(previous) === relevant(object)) return;
    this.#enqueue(object);
  }

  #enqueue(ingress: Ingress): void {
    for (const group of groupsByFinalizer(ingress)) this.#groups.add(group);
    try {
      const group = wantedGroup(ingress, this.#options.ingressClasses.values());
      if (group !== undefined) this.#groups.add(group);
    } catch (error) {
      this.#options.recorder.warning(ingress, 'FailedLoadGroupID', `Failed load groupID due to ${message(error)}`);
    }
  }

  #serviceChanged({ type, object, previous }: Change<Service>): void {
    if (this.#down || type === 'resync') return;
    if (type === 'modified' && previous && relevant(previous) === relevant(object)) return;
    const { namespace, name } = object.metadata;
    for (const ingress of this.#options.ingresses.values()) {
      if (ingress.metadata.namespace === namespace && refersTo(ingress, name)) this.#enqueue(ingress);
    }
    for (const arn of this.#bindings.ofService(namespace, name)) this.#targets.add(arn);
  }

  /** Of the target groups, those that it is in now and those that it was in before somebody changed its labels. */
  #podChanged({ type, object, previous }: Change<Pod>): void {
    if (this.#down) return;
    if (type === 'modified' && previous && targetPartOf(previous) === targetPartOf(object)) return;
    for (const pod of previous ? [previous, object] : [object])
      for (const arn of this.#bindings.ofPod(pod)) this.#targets.add(arn);
  }

  async #reconcile(id: GroupId): Promise<number | undefined> {
    const { clock, ingresses, ingressClasses, recorder } = this.#options;
    const { neverReconcile, reconcileDelaySeconds } = this.knobs;
    if (typeof neverReconcile === 'function' ? neverReconcile(id) : neverReconcile)
      return Math.max(100, clock.toRealMs(1));
    await this.#wait(reconcileDelaySeconds);
    if (this.#stopping.signal.aborted) return undefined;
    const group = loadGroup(id, ingresses.values(), ingressClasses.values());
    const finalizer = finalizerOf(id);
    const onMembers = (reason: string, prefix: string) => (error: unknown) => {
      for (const member of group.members) recorder.warning(member, reason, `${prefix} due to ${message(error)}`);
      throw error;
    };
    for (const member of group.members) {
      await addFinalizer(this.#options.client, member, finalizer).catch(
        onMembers('FailedAddFinalizer', 'Failed add finalizer'),
      );
    }
    const stack = await this.#build(group).catch(onMembers('FailedBuildModel', 'Failed build model'));
    const hostname = await this.#deploy(stack).catch(onMembers('FailedDeployModel', 'Failed deploy model'));
    if (hostname !== undefined && hostname !== '') {
      await this.#wait(this.knobs.statusDelaySeconds);
      await this.#writeStatus(group, stack, hostname).catch(onMembers('FailedUpdateStatus', 'Failed update status'));
    }
    for (const ingress of group.leaving) {
      await removeFinalizer(this.#options.client, ingress, finalizer).catch((error: unknown) => {
        recorder.warning(ingress, 'FailedRemoveFinalizer', `Failed remove finalizer due to ${message(error)}`);
        throw error;
      });
    }
    for (const member of group.members) recorder.normal(member, 'SuccessfullyReconciled', 'Successfully reconciled');
    return undefined;
  }

  async #build(group: Group): Promise<Stack> {
    const { cluster, services, subnets, findCertificates } = this.#options;
    const certificates = group.members.some(needsCertificate) ? await findCertificates() : [];
    const find = (namespace: string, name: string) => services.get(namespace, name);
    const result = buildStack({ cluster, group, certificates, subnets, services: find });
    if (!result.ok) throw new Error(result.error);
    return result.stack;
  }

  #deploy(stack: Stack): Promise<string | undefined> {
    const { elb, cluster, vpcId, client } = this.#options;
    return deployStack(
      {
        elb,
        cluster,
        vpcId,
        tags: this.#tags,
        beforeListeners: () => this.#wait(this.knobs.listenerDelaySeconds),
        beforeRules: () => this.#wait(this.knobs.ruleDelaySeconds),
        bind: async (bound, unbound) => {
          await syncBindingObjects(client, stack.group, bound);
          for (const arn of unbound) this.#bindings.unbind(arn);
          for (const { arn, spec } of bound) {
            if (this.#bindings.bind(arn, spec)) this.#targets.add(arn);
          }
        },
      },
      stack,
    );
  }

  async #writeStatus(group: Group, stack: Stack, hostname: string): Promise<void> {
    const ports = stack.listeners.map(({ port }) => ({ port, protocol: 'TCP' }));
    const ingress = [{ hostname, ports }];
    for (const member of group.members) {
      if (canonicalJson(member.status?.loadBalancer?.ingress) === canonicalJson(ingress)) continue;
      await this.#options.client.merge(pathTo(resources.ingresses, member, 'status'), {
        status: { loadBalancer: { ingress } },
      });
    }
  }

  /** Waits simulated seconds; a stop cuts it short. */
  async #wait(seconds: number): Promise<void> {
    if (seconds > 0) await this.#options.clock.sleep(seconds, this.#stopping.signal).catch(() => undefined);
  }
}

const message = (error: unknown) => (error instanceof Error ? error.message : String(error));

/** What of an object makes the controller look at it. */
function relevant(object: Ingress | Service): string {
  return canonicalJson([object.metadata.annotations ?? {}, object.spec, isBeingDeleted(object)]);
}

/** Whether an Ingress may name the Service: as a backend, or anywhere in one of its actions. */
function refersTo(ingress: Ingress, service: string): boolean {
  const backends = [
    ingress.spec?.defaultBackend,
    ...(ingress.spec?.rules ?? []).flatMap(({ http }) => (http?.paths ?? []).map(({ backend }) => backend)),
  ];
  if (backends.some((backend) => backend?.service?.name === service)) return true;
  return Object.entries(ingress.metadata.annotations ?? {}).some(
    ([key, text]) => key.startsWith(`${ANNOTATION_PREFIX}actions.`) && text.includes(`"${service}"`),
  );
}

/** Whether certificates must be looked up for the Ingress: an HTTPS port without an explicit certificate. */
function needsCertificate(ingress: Ingress): boolean {
  return (
    annotation(ingress, 'certificate-arn') === undefined && /https/i.test(annotation(ingress, 'listen-ports') ?? '')
  );
}
