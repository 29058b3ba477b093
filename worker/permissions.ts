/** What the worker may do elsewhere: exactly what activities/ uses. deploy/rbac and the documented IAM policy say the same. */

export interface KubernetesPermission {
  /** API group; empty for the core group. */
  group: string;
  resource: string;
  verbs: readonly string[];
}

/** In all namespaces: a scope's namespace is part of its input. */
export const kubernetesPermissions: readonly KubernetesPermission[] = [
  { group: '', resource: 'namespaces', verbs: ['get', 'create'] },
  // Server-side apply is a patch, which also needs create where the object is new.
  { group: 'networking.k8s.io', resource: 'ingresses', verbs: ['get', 'list', 'create', 'patch', 'delete'] },
  { group: '', resource: 'events', verbs: ['list'] },
  { group: 'apps', resource: 'deployments', verbs: ['list'] },
  { group: '', resource: 'services', verbs: ['get', 'list'] },
  // Scopes with external-dns.
  { group: 'gateway.networking.k8s.io', resource: 'gateways', verbs: ['get'] },
  { group: 'externaldns.k8s.io', resource: 'dnsendpoints', verbs: ['get', 'create', 'patch', 'delete'] },
];

/** IAM actions that change something: no harmless call tells whether they are granted. */
export const unprovableAwsActions: readonly string[] = [
  'elasticloadbalancing:AddTags',
  'route53:ChangeResourceRecordSets',
];
