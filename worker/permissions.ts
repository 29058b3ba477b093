import { workshopKinds } from '../contract/workshop/objects.ts';

/** What the worker may do elsewhere: exactly what activities/ uses. deploy/rbac and the documented IAM policy say the same. */

export interface KubernetesPermission {
  /** API group; empty for the core group. */
  group: string;
  /** A subresource is `<resource>/<subresource>`. */
  resource: string;
  verbs: readonly string[];
}

const groupOf = ({ apiVersion }: { apiVersion: string }) => apiVersion.split('/')[0] ?? '';
const BABYLON = groupOf(workshopKinds.workshop);
const POOLBOY = groupOf(workshopKinds.claim);

/** In all namespaces: a scope's namespace is part of its input. */
export const kubernetesPermissions: readonly KubernetesPermission[] = [
  { group: '', resource: 'namespaces', verbs: ['get', 'create'] },
  // Server-side apply is a patch, which also needs create where the object is new.
  { group: 'networking.k8s.io', resource: 'ingresses', verbs: ['get', 'list', 'create', 'patch', 'delete'] },
  // list: what the controller says about a keeper; create: what a provision's autoscaler does.
  { group: '', resource: 'events', verbs: ['get', 'list', 'create'] },
  // Scopes with external-dns.
  { group: 'gateway.networking.k8s.io', resource: 'gateways', verbs: ['get'] },
  { group: 'externaldns.k8s.io', resource: 'dnsendpoints', verbs: ['get', 'create', 'patch', 'delete'] },
  { group: BABYLON, resource: 'workshops', verbs: ['get', 'list', 'watch'] },
  { group: BABYLON, resource: 'workshopprovisions', verbs: ['get', 'list', 'watch', 'patch'] },
  { group: BABYLON, resource: 'workshopuserassignments', verbs: ['get', 'list', 'watch'] },
  { group: POOLBOY, resource: 'resourceclaims', verbs: ['get', 'list', 'watch'] },
  { group: BABYLON, resource: 'workshopprovisions/status', verbs: ['patch'] },
  { group: BABYLON, resource: 'workshops/status', verbs: ['patch'] },
  { group: 'apps', resource: 'deployments', verbs: ['get', 'list', 'create', 'patch', 'delete'] },
  { group: '', resource: 'services', verbs: ['get', 'list', 'create', 'patch', 'delete'] },
  { group: 'autoscaling', resource: 'horizontalpodautoscalers', verbs: ['get', 'list', 'create', 'patch', 'delete'] },
  { group: 'policy', resource: 'poddisruptionbudgets', verbs: ['get', 'list', 'create', 'patch', 'delete'] },
  { group: 'gateway.networking.k8s.io', resource: 'httproutes', verbs: ['get', 'list', 'create', 'patch', 'delete'] },
  { group: '', resource: 'pods', verbs: ['get', 'list', 'delete'] },
  { group: 'apps', resource: 'replicasets', verbs: ['get', 'list'] },
  { group: 'discovery.k8s.io', resource: 'endpointslices', verbs: ['get', 'list'] },
  { group: 'networking.k8s.io', resource: 'ingressclasses', verbs: ['get', 'list'] },
  { group: '', resource: 'configmaps', verbs: ['get', 'list'] },
];

/** Only where a workshop enables scale-down: deploy/rbac/scale-down. */
export const scaleDownPermissions: readonly KubernetesPermission[] = [
  { group: POOLBOY, resource: 'resourceclaims', verbs: ['delete'] },
  { group: BABYLON, resource: 'workshopuserassignments', verbs: ['delete'] },
];

/** IAM actions that change something: no harmless call tells whether they are granted. */
export const unprovableAwsActions: readonly string[] = [
  'elasticloadbalancing:AddTags',
  'route53:ChangeResourceRecordSets',
];
