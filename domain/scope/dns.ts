import { balancerDnsName, fromRoute53Name } from './hosts.ts';

/** Decisions about DNS records: what one that is found means for a scope (specs: scope creation, sections 6 and 8). */

/** One record set of a hosted zone, as far as we compare it. */
export interface FoundRecord {
  zoneId: string;
  name: string;
  type: string;
  /** Alias target or values, comma separated. */
  target: string;
  alias: boolean;
}

export interface RegionBalancer {
  name: string;
  dnsName: string;
  scheme: string;
}

export type AliasFinding =
  | { kind: 'none' }
  | { kind: 'bound'; balancer: string; reason: string }
  | { kind: 'conflict'; record: FoundRecord; message: string };

/** Address records of exactly this name: the ones that a look-up for an existing alias considers. */
export function addressRecordsOf(records: readonly FoundRecord[], domain: string): FoundRecord[] {
  return records.filter(
    (record) => ['A', 'AAAA', 'CNAME'].includes(record.type) && fromRoute53Name(record.name) === domain,
  );
}

/**
 * Where the records of a domain lead. `ours` tells whether the ledger knows a record as made for this scope: then a
 * target that exists no more is repaired instead of reported.
 */
export function findAlias(
  domain: string,
  records: readonly FoundRecord[],
  balancers: readonly RegionBalancer[],
  scheme: string,
  ours: (record: FoundRecord) => boolean,
): AliasFinding {
  const byDnsName = new Map(balancers.map((balancer) => [balancerDnsName(balancer.dnsName), balancer]));
  let bound: { balancer: string; record: FoundRecord } | undefined;
  for (const record of addressRecordsOf(records, domain)) {
    const balancer = byDnsName.get(balancerDnsName(record.target));
    if (!balancer) {
      if (ours(record)) continue;
      return {
        kind: 'conflict',
        record,
        message: 'leads to no balancer of this region and was not made by Groundwork',
      };
    }
    if (balancer.scheme !== scheme) {
      return {
        kind: 'conflict',
        record,
        message: `leads to balancer ${balancer.name}, which is ${balancer.scheme}, not ${scheme}`,
      };
    }
    if (bound && bound.balancer !== balancer.name) {
      return {
        kind: 'conflict',
        record,
        message: `leads to balancer ${balancer.name}, but zone ${bound.record.zoneId} leads to ${bound.balancer}`,
      };
    }
    bound = { balancer: balancer.name, record };
  }
  if (!bound) return { kind: 'none' };
  return {
    kind: 'bound',
    balancer: bound.balancer,
    reason: `the record of ${domain} in zone ${bound.record.zoneId} already leads to balancer ${bound.balancer}`,
  };
}
