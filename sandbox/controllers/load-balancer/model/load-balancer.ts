import type { Ingress } from '../../objects.ts';
import { annotation, listOf, mapOf } from '../annotations.ts';
import type { GroupId } from '../groups.ts';
import { loadBalancerName } from './names.ts';
import { identityTags, type LoadBalancerSpec } from './stack.ts';

/** The balancer that the members ask for together. Throws when they contradict each other. */
export function loadBalancerOf(
  cluster: string,
  group: GroupId,
  members: readonly Ingress[],
  defaults: { subnets: string[] },
): LoadBalancerSpec {
  const scheme = single(members, 'scheme', 'scheme') ?? 'internal';
  if (scheme !== 'internal' && scheme !== 'internet-facing') throw new Error(`unknown scheme: ${scheme}`);
  const ipAddressType = single(members, 'ip-address-type', 'IPAddressType') ?? 'ipv4';
  if (ipAddressType !== 'ipv4' && ipAddressType !== 'dualstack')
    throw new Error(`unknown IPAddressType: ${ipAddressType}`);
  const name = single(members, 'load-balancer-name', 'load balancer name');
  if (name !== undefined && name.length > 32) throw new Error('load balancer name cannot be longer than 32 characters');
  const subnets = listOf(single(members, 'subnets', 'subnets'));
  return {
    name: name ?? loadBalancerName(cluster, group, scheme),
    scheme,
    ipAddressType,
    subnets: subnets.length > 0 ? subnets : defaults.subnets,
    securityGroups: listOf(single(members, 'security-groups', 'securityGroups')),
    attributes: mergeMaps(members, 'load-balancer-attributes', 'loadBalancerAttribute'),
    tags: { ...mergeMaps(members, 'tags', 'tag'), ...identityTags(cluster, group, 'LoadBalancer') },
  };
}

/** The value that all members with the annotation agree on. */
function single(members: readonly Ingress[], name: string, what: string): string | undefined {
  const values = new Set(members.flatMap((member) => annotation(member, name) ?? []));
  if (values.size > 1) throw new Error(`conflicting ${what}: [${[...values].sort().join(' ')}]`);
  return [...values][0];
}

/** The union of a map annotation over the members; a key with two values is a conflict. */
export function mergeMaps(members: readonly Ingress[], name: string, what: string): Record<string, string> {
  const merged: Record<string, string> = {};
  for (const member of members) {
    for (const [key, value] of Object.entries(mapOf(annotation(member, name), name))) {
      const known = merged[key];
      if (known !== undefined && known !== value) throw new Error(`conflicting ${what} ${key}: ${known} | ${value}`);
      merged[key] = value;
    }
  }
  return merged;
}
