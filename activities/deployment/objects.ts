import { DEPLOYMENT_ID_LABEL, SCOPE_ID_LABEL } from '../../contract/names.ts';
import type { KubernetesObject } from '../../domain/deployment/objects/kubernetes.ts';
import { ALB } from '../../domain/scope/keeper.ts';
import { invalidInput } from '../failures.ts';
import { KubernetesCallError } from '../kubernetes/errors.ts';
import type { KubernetesGateway, LiveObject, ObjectRef } from '../kubernetes/gateway.ts';

/** The objects of a scope as the cluster has them. */

export interface Kind {
  apiVersion: string;
  kind: string;
}

export const kinds = {
  deployment: { apiVersion: 'apps/v1', kind: 'Deployment' },
  service: { apiVersion: 'v1', kind: 'Service' },
  autoscaler: { apiVersion: 'autoscaling/v2', kind: 'HorizontalPodAutoscaler' },
  budget: { apiVersion: 'policy/v1', kind: 'PodDisruptionBudget' },
  ingress: { apiVersion: 'networking.k8s.io/v1', kind: 'Ingress' },
  route: { apiVersion: 'gateway.networking.k8s.io/v1', kind: 'HTTPRoute' },
  gateway: { apiVersion: 'gateway.networking.k8s.io/v1', kind: 'Gateway' },
  pod: { apiVersion: 'v1', kind: 'Pod' },
  ingressClass: { apiVersion: 'networking.k8s.io/v1', kind: 'IngressClass' },
  endpointSlice: { apiVersion: 'discovery.k8s.io/v1', kind: 'EndpointSlice' },
  event: { apiVersion: 'v1', kind: 'Event' },
  replicaSet: { apiVersion: 'apps/v1', kind: 'ReplicaSet' },
} as const;

export type Live = LiveObject & { spec?: Record<string, unknown>; status?: Record<string, unknown> };

/** Objects of one kind that carry the scope's label, without `namespace` of all. A kind that the cluster does not know has none. */
export async function ofScope<T extends Live>(
  kubernetes: KubernetesGateway,
  kind: Kind,
  namespace: string | undefined,
  scopeId: string,
  deploymentId?: string,
): Promise<T[]> {
  const labels = [
    `${SCOPE_ID_LABEL}=${scopeId}`,
    ...(deploymentId === undefined ? [] : [`${DEPLOYMENT_ID_LABEL}=${deploymentId}`]),
  ];
  try {
    const labelSelector = labels.join(',');
    return await kubernetes.list<T>(kind, { ...(namespace === undefined ? {} : { namespace }), labelSelector });
  } catch (error) {
    if (error instanceof KubernetesCallError && error.kind === 'absent') return [];
    throw error;
  }
}

/** The balancer that Ingresses name; undefined: none does. */
export function balancerNamed(ingresses: readonly Pick<Live, 'metadata'>[]): string | undefined {
  return ingresses.flatMap(({ metadata }) => metadata?.annotations?.[`${ALB}/load-balancer-name`] ?? [])[0];
}

/**
 * An object of that name must not be another scope's: names are ids joined by hyphens, which ids may have too, so those of two
 * scopes can be the same (`7`, `4-2` and `7-4`, `2`). `field` is what the caller can change. Reads only.
 */
export async function requireOwn(
  kubernetes: KubernetesGateway,
  objects: readonly KubernetesObject[],
  field: 'deploymentId' | 'scope.slugs.scope',
): Promise<void> {
  for (const { apiVersion, kind, metadata } of objects) {
    const live = await kubernetes.read(refOf({ apiVersion, kind }, metadata.namespace, metadata.name));
    const owner = live?.metadata?.labels?.[SCOPE_ID_LABEL];
    if (owner === undefined || owner === metadata.labels?.[SCOPE_ID_LABEL]) continue;
    const message = `${words(kind, metadata.namespace, metadata.name)} is already that of scope ${owner}: take another ${field}`;
    throw invalidInput([{ path: field, message }]);
  }
}

/** Applies an object and checks that the answer is that object, alive. */
export async function applyChecked(kubernetes: KubernetesGateway, object: KubernetesObject): Promise<Live> {
  const { kind, metadata } = object;
  const live = await kubernetes.apply<KubernetesObject & LiveObject>(object as KubernetesObject & LiveObject);
  const what = `${kind} ${metadata.namespace}/${metadata.name}`;
  if (live.metadata?.name !== metadata.name || !live.metadata.uid)
    throw new KubernetesCallError('unknown', undefined, 'the answer is not the object that was applied', 'patch', what);
  if (live.metadata.deletionTimestamp)
    throw new KubernetesCallError('conflict', undefined, 'the object is being deleted', 'patch', what);
  return live as Live;
}

export function refOf(kind: Kind, namespace: string, name: string): ObjectRef {
  return { ...kind, namespace, name };
}

export function words(kind: string, namespace: string, name: string): string {
  return `${kind} ${namespace}/${name}`;
}

/** The value as it stands on the wire: dates are texts. */
export function wire<T>(value: unknown): T {
  return JSON.parse(JSON.stringify(value)) as T;
}
