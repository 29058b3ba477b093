import type {
  V1Container,
  V1Deployment,
  V1EndpointSlice,
  V1Ingress,
  V1IngressClass,
  V1Namespace,
  V1OwnerReference,
  V1Pod,
  V1PodTemplateSpec,
  V1ReplicaSet,
  V1Secret,
  V1Service,
  V2HorizontalPodAutoscaler,
} from '@kubernetes/client-node';

/** A type of the Kubernetes client as it stands on the wire: every `Date` is still its RFC 3339 string. */
export type Wire<T> = T extends Date
  ? string
  : T extends (infer U)[]
    ? Wire<U>[]
    : T extends object
      ? { [K in keyof T]: Wire<T[K]> }
      : T;

/** The metadata that every stored object has. */
export interface Meta {
  name: string;
  namespace?: string;
  uid: string;
  resourceVersion: string;
  generation?: number;
  creationTimestamp: string;
  deletionTimestamp?: string;
  deletionGracePeriodSeconds?: number;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
  finalizers?: string[];
  ownerReferences?: OwnerReference[];
}

/** Any stored object. */
export interface KubeObject {
  apiVersion?: string;
  kind?: string;
  metadata: Meta;
}

/** A stored object of a typed kind. */
export type Stored<T> = Omit<Wire<T>, 'metadata'> & { metadata: Meta };

export type OwnerReference = Wire<V1OwnerReference>;
export type Ingress = Stored<V1Ingress>;
export type IngressClass = Stored<V1IngressClass>;
export type Service = Stored<V1Service>;
export type Pod = Stored<V1Pod>;
export type PodTemplate = Wire<V1PodTemplateSpec>;
export type Container = Wire<V1Container>;
export type Deployment = Stored<V1Deployment>;
export type ReplicaSet = Stored<V1ReplicaSet>;
export type Namespace = Stored<V1Namespace>;
export type Autoscaler = Stored<V2HorizontalPodAutoscaler>;
export type EndpointSlice = Stored<V1EndpointSlice>;
export type Secret = Stored<V1Secret>;

/** One kind as the API server serves it. `group` is empty for the core group. */
export interface Resource {
  group: string;
  version: string;
  plural: string;
  kind: string;
  namespaced: boolean;
}

const resource = (group: string, plural: string, kind: string, namespaced = true): Resource => ({
  group,
  version: 'v1',
  plural,
  kind,
  namespaced,
});

export const resources = {
  namespaces: resource('', 'namespaces', 'Namespace', false),
  services: resource('', 'services', 'Service'),
  pods: resource('', 'pods', 'Pod'),
  secrets: resource('', 'secrets', 'Secret'),
  configMaps: resource('', 'configmaps', 'ConfigMap'),
  events: resource('', 'events', 'Event'),
  deployments: resource('apps', 'deployments', 'Deployment'),
  replicaSets: resource('apps', 'replicasets', 'ReplicaSet'),
  autoscalers: { ...resource('autoscaling', 'horizontalpodautoscalers', 'HorizontalPodAutoscaler'), version: 'v2' },
  endpointSlices: resource('discovery.k8s.io', 'endpointslices', 'EndpointSlice'),
  ingresses: resource('networking.k8s.io', 'ingresses', 'Ingress'),
  ingressClasses: resource('networking.k8s.io', 'ingressclasses', 'IngressClass', false),
  gateways: resource('gateway.networking.k8s.io', 'gateways', 'Gateway'),
  httpRoutes: resource('gateway.networking.k8s.io', 'httproutes', 'HTTPRoute'),
  customResourceDefinitions: resource(
    'apiextensions.k8s.io',
    'customresourcedefinitions',
    'CustomResourceDefinition',
    false,
  ),
} as const;

/** `v1` or `<group>/<version>`. */
export function apiVersionOf(of: Resource): string {
  return of.group === '' ? of.version : `${of.group}/${of.version}`;
}

/** The URL path of a collection, an object or a subresource. */
export function pathOf(of: Resource, namespace?: string, name?: string, subresource?: string): string {
  const root = of.group === '' ? `/api/${of.version}` : `/apis/${of.group}/${of.version}`;
  const parts = [root];
  if (of.namespaced && namespace !== undefined) parts.push('namespaces', encodeURIComponent(namespace));
  parts.push(of.plural);
  if (name !== undefined) parts.push(encodeURIComponent(name));
  if (subresource !== undefined) parts.push(subresource);
  return parts.join('/');
}

/** The path of a stored object. */
export function pathTo(of: Resource, object: KubeObject, subresource?: string): string {
  return pathOf(of, object.metadata.namespace, object.metadata.name, subresource);
}

/** `namespace/name`, or the name alone for a kind without namespaces: the key of caches and queues. */
export function keyOf(object: KubeObject): string {
  const { namespace, name } = object.metadata;
  return namespace === undefined ? name : `${namespace}/${name}`;
}

export function isBeingDeleted(object: KubeObject): boolean {
  return object.metadata.deletionTimestamp !== undefined;
}

export function isReady(pod: Pod): boolean {
  return pod.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ?? false;
}

/** The owner reference with `controller: true`. */
export function controllerOf(object: KubeObject): OwnerReference | undefined {
  return object.metadata.ownerReferences?.find((owner) => owner.controller === true);
}

/** JSON with sorted keys and without undefined members: equal values give equal texts. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, member: unknown) =>
    member !== null && typeof member === 'object' && !Array.isArray(member)
      ? Object.fromEntries(Object.entries(member).sort(([a], [b]) => (a < b ? -1 : 1)))
      : member,
  );
}

/** Whether labels carry every pair of `wanted`; an empty or missing selector selects nothing (as a Service's does). */
export function selects(
  wanted: Record<string, string> | undefined,
  labels: Record<string, string> | undefined,
): boolean {
  const pairs = Object.entries(wanted ?? {});
  return pairs.length > 0 && pairs.every(([key, value]) => labels?.[key] === value);
}
