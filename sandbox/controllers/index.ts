import { ElasticLoadBalancingV2Client } from '@aws-sdk/client-elastic-load-balancing-v2';
import type { KubeConfig } from '@kubernetes/client-node';
import type { SimulatedClock } from '../clock.ts';
import { mulberry32 } from '../faults/random.ts';
import { isConflict, KubeClient } from './client.ts';
import { Endpoints } from './endpoints.ts';
import { EventRecorder } from './events.ts';
import { GarbageController, type GarbageKnobs } from './garbage/controller.ts';
import { GatewayController } from './gateway/controller.ts';
import type { Gateway, HttpRoute } from './gateway/objects.ts';
import { LoadBalancerController, type LoadBalancerKnobs } from './load-balancer/controller.ts';
import type { Certificate } from './load-balancer/model/certificates.ts';
import {
  type Autoscaler,
  type Deployment,
  type EndpointSlice,
  type Ingress,
  type IngressClass,
  type KubeObject,
  type Namespace,
  type Pod,
  pathOf,
  type ReplicaSet,
  type Resource,
  resources,
  type Service,
} from './objects.ts';
import { Reflector } from './watch.ts';
import { Autoscalers } from './workloads/autoscalers.ts';
import { WorkloadController } from './workloads/controller.ts';
import type { WorkloadKnobs } from './workloads/pod-life.ts';
import { WorkshopController, type WorkshopKnobs } from './workshop/controller.ts';
import { type Claim, type Provision, type Seat, type Workshop, workshopResources } from './workshop/objects.ts';

export type { Certificate, GarbageKnobs, LoadBalancerKnobs, WorkloadKnobs, WorkshopKnobs };

/** A controller that can be away for a while. */
export interface SimulatedController<Knobs> {
  /** May be changed at any time; counts from the next step on. */
  readonly knobs: Knobs;
  /** The controller is down from when this resolves: nothing is done. */
  pause(): Promise<void>;
  /** It is up again from when this resolves, and looks at everything that is there now. */
  resume(): Promise<void>;
  /** Down and up as a new process: caches (the tags it has read, for one), back-off and event counts are forgotten. */
  restart(): Promise<void>;
  /** For good. */
  stop(): Promise<void>;
}

export interface Controllers {
  readonly loadBalancer: SimulatedController<LoadBalancerKnobs>;
  readonly workloads: SimulatedController<WorkloadKnobs>;
  readonly garbage: SimulatedController<GarbageKnobs>;
  readonly gateways: GatewayController;
  /** The Pod that has this address. */
  podAt(ip: string): Pod | undefined;
  readonly workshops: SimulatedController<WorkshopKnobs>;
  /** Ends all of them, their watches and connections. */
  stop(): Promise<void>;
}

export interface ControllerOptions {
  /** An identity that may do everything. */
  kubeConfig: KubeConfig;
  aws: { endpoint: string; region: string; credentials: { accessKeyId: string; secretAccessKey: string } };
  clock: SimulatedClock;
  /** Makes names and addresses of Pods repeatable; default 1. */
  seed?: number;
  /** The cluster runs controllers of its own: only what works on AWS, and the workshop manager, are simulated. Default false. */
  realCluster?: boolean;
  /** Only these namespaces are the controllers' business; default all. */
  namespaces?: (name: string) => boolean;
  /** The certificates of ACM in the region; default none. */
  findCertificates?: (region: string) => Promise<readonly Certificate[]>;
  /** The value of the cluster tag; default `sandbox`. */
  clusterName?: string;
  vpcId?: string;
  /** Where balancers stand that name no subnets; default two made-up ids. */
  subnets?: string[];
  log?: (line: string) => void;
}

/** Starts the simulated controllers; resolves when their caches are filled, rejects when the API server cannot be read for 30 s. */
export async function startControllers(options: ControllerOptions): Promise<Controllers> {
  const { clock, aws } = options;
  const log = options.log ?? (() => undefined);
  const accepts = (namespace: string | undefined) =>
    namespace === undefined || (options.namespaces?.(namespace) ?? true);
  const client = (name: string) => new KubeClient(options.kubeConfig, name);
  const clients = {
    watch: client('sandbox-watch'),
    loadBalancer: client('controller'),
    workloads: client('kube-controller-manager'),
    garbage: client('garbage-collector'),
    gateways: client('gateway-controller'),
    workshops: client('workshop-manager'),
  };
  const recorders: EventRecorder[] = [];
  const recorder = (component: string) => {
    const one = new EventRecorder({ client: clients.watch, clock, component, log });
    recorders.push(one);
    return one;
  };
  const elb = new ElasticLoadBalancingV2Client({
    ...aws,
    maxAttempts: 5,
    requestHandler: { connectionTimeout: 2_000, requestTimeout: 5_000, throwOnRequestTimeout: true },
  });
  const reflectors: { start(): Promise<void>; stop(): Promise<void> }[] = [];
  const simulated = options.realCluster !== true;
  const cache = <T extends KubeObject>(
    resource: Resource,
    { everywhere = false, wanted = true } = {},
  ): Reflector<T> => {
    const accept = ({ metadata }: T) =>
      everywhere || accepts(resource === resources.namespaces ? metadata.name : metadata.namespace);
    const reflector = new Reflector<T>({ client: clients.watch, resource, accept, log });
    if (wanted) reflectors.push(reflector);
    return reflector;
  };
  const ingressClasses = cache<IngressClass>(resources.ingressClasses);
  const ingresses = cache<Ingress>(resources.ingresses);
  const services = cache<Service>(resources.services);
  const pods = cache<Pod>(resources.pods);
  const replicaSets = cache<ReplicaSet>(resources.replicaSets);
  const deployments = cache<Deployment>(resources.deployments);
  const autoscalers = cache<Autoscaler>(resources.autoscalers);
  const namespaces = cache<Namespace>(resources.namespaces);
  const customResourceDefinitions = cache<KubeObject>(resources.customResourceDefinitions);

  const loadBalancer = new LoadBalancerController({
    client: clients.loadBalancer,
    elb,
    clock,
    recorder: recorder('ingress'),
    ingresses,
    ingressClasses,
    services,
    pods,
    cluster: options.clusterName ?? 'sandbox',
    vpcId: options.vpcId ?? 'vpc-0a1b2c3d4e5f60718',
    subnets: options.subnets ?? ['subnet-0a1b2c3d4e5f60711', 'subnet-0a1b2c3d4e5f60712'],
    findCertificates: async () => (await options.findCertificates?.(aws.region)) ?? [],
    log,
  });
  const endpoints = new Endpoints({ client: clients.workloads, services, pods, log });
  const workloads = new WorkloadController({
    client: clients.workloads,
    clock,
    recorders: {
      deployments: recorder('deployment-controller'),
      replicaSets: recorder('replicaset-controller'),
      scheduler: recorder('default-scheduler'),
      kubelet: recorder('kubelet'),
    },
    deployments,
    replicaSets,
    pods,
    random: mulberry32(options.seed ?? 1),
    followed: async (pod) => void (await Promise.all([loadBalancer.followed(pod), endpoints.followed(pod)])),
    log,
  });
  const garbage = new GarbageController({
    client: clients.garbage,
    clock,
    recorder: recorder('garbage-collector-controller'),
    namespaces,
    customResourceDefinitions,
    shared: [ingresses, services, pods, replicaSets, deployments],
    accepts,
    log,
  });
  const gateways = new GatewayController({
    client: clients.gateways,
    clock,
    // They stand in a namespace of their own, whosever routes they serve.
    gateways: cache<Gateway>(resources.gateways, { everywhere: true, wanted: simulated }),
    routes: cache<HttpRoute>(resources.httpRoutes, { wanted: simulated }),
    services,
    endpointSlices: cache<EndpointSlice>(resources.endpointSlices, { wanted: simulated }),
    namespaces,
    log,
  });
  const autoscaling = new Autoscalers({ client: clients.workloads, autoscalers, deployments, log });
  const workshops = new WorkshopController({
    client: clients.workshops,
    clock,
    workshops: cache<Workshop>(workshopResources.workshop),
    provisions: cache<Provision>(workshopResources.provision),
    claims: cache<Claim>(workshopResources.claim),
    seats: cache<Seat>(workshopResources.seat),
    log,
  });
  const ofNoCluster = [loadBalancer, workshops];
  const all = [...ofNoCluster, workloads, garbage, gateways, autoscaling, endpoints];
  const stop = async () => {
    await Promise.all(all.map((controller) => controller.stop()));
    await Promise.all(reflectors.map((reflector) => reflector.stop()));
    for (const each of recorders) each.stop();
    await Promise.all(Object.values(clients).map((each) => each.close()));
    elb.destroy();
  };
  // The load balancer controller reads all of its caches at each event: until they are filled it would see half a cluster.
  await Promise.all(all.map((controller) => controller.pause()));
  try {
    await Promise.all(reflectors.map((reflector) => reflector.start()));
    await installClass(clients.loadBalancer);
    if (simulated) await garbage.start();
  } catch (error) {
    await stop();
    throw error;
  }
  await Promise.all((simulated ? all : ofNoCluster).map((controller) => controller.resume()));
  const podAt = (ip: string) => pods.values().find(({ status }) => status?.podIP === ip);
  return { loadBalancer, workloads, garbage, gateways, workshops, podAt, stop };
}

/** The class that the real controller's chart installs. */
async function installClass(client: KubeClient): Promise<void> {
  const alb = {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'IngressClass',
    metadata: { name: 'alb' },
    spec: { controller: 'ingress.k8s.aws/alb' },
  };
  await client.create(pathOf(resources.ingressClasses), alb).catch((error: unknown) => {
    if (!isConflict(error)) throw error;
  });
}
