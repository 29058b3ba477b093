import { createHash } from 'node:crypto';
import { type GroupId, isExplicit } from '../groups.ts';

const hash = (...parts: string[]) => createHash('sha256').update(parts.join('\0')).digest('hex').slice(0, 10);
const alphanumeric = (text: string, length: number) => text.replaceAll(/[^A-Za-z0-9]/g, '').slice(0, length);

/** `k8s-<17 of the group>-<10 hex>`, for an Ingress on its own `k8s-<ns8>-<name8>-<10 hex>`. */
export function loadBalancerName(cluster: string, group: GroupId, scheme: string): string {
  const suffix = hash('load-balancer', cluster, group, scheme);
  if (isExplicit(group)) return `k8s-${alphanumeric(group, 17)}-${suffix}`;
  const [namespace = '', name = ''] = group.split('/');
  return `k8s-${alphanumeric(namespace, 8)}-${alphanumeric(name, 8)}-${suffix}`;
}

/** `k8s-<ns8>-<svc8>-<10 hex>`. `identity` is everything that makes it another target group, the Service's UID among it. */
export function targetGroupName(namespace: string, service: string, identity: readonly string[]): string {
  return `k8s-${alphanumeric(namespace, 8)}-${alphanumeric(service, 8)}-${hash('target-group', ...identity)}`;
}
