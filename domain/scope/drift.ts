import type { Drift } from '../../contract/scope/retirement.ts';
import { balancerDnsName } from './hosts.ts';

/** How AWS, DNS and cluster deviate from the ledger (specs: scope creation, section 10). Pure: facts in, sentences out. */

export interface RegionFacts {
  /** Balancers in AWS; `ours` by their tags, known only for those without a row. */
  balancers: { name: string; arn: string; ours: boolean }[];
  /** Rows that are not retired. */
  rows: {
    name: string;
    origin: 'declared' | 'autocreated';
    state: string;
    /** Live placements on it. */
    placed: number;
    /** Whether its keeper exists; absent for what has none or is not active. */
    keeper?: boolean;
  }[];
  /** Hosts of live placements and the balancer that each is placed on. */
  hosts: { host: string; scopeId: string; balancer: string }[];
  /** Hosts in the rules of each balancer that was read. */
  seen: Readonly<Record<string, readonly string[]>>;
}

export function regionDrift(facts: RegionFacts): Drift[] {
  const rows = new Set(facts.rows.map(({ name }) => name));
  const inAws = new Set(facts.balancers.map(({ name }) => name));
  const found: Drift[] = [];
  for (const { name, arn, ours } of facts.balancers) {
    if (!ours || rows.has(name)) continue;
    const message = `bears our tags (${arn}), but the ledger does not know it. Delete its keeper Ingress, or the balancer, when nothing uses it.`;
    found.push({ kind: 'untracked-balancer', subject: name, message });
  }
  for (const { name, origin, state, placed, keeper } of facts.rows) {
    if (state === 'active' && !inAws.has(name) && (origin === 'autocreated' || placed > 0)) {
      const remedy = origin === 'declared' ? 'Restore it.' : 'Repeat the creation of a scope on it: that rebuilds it.';
      const message = `is active in the ledger (${origin}, ${placed} placed) and absent in AWS. ${remedy}`;
      found.push({ kind: 'missing-balancer', subject: name, message });
    }
    if (state === 'active' && keeper === false) {
      const message = 'has no keeper Ingress. Repeat the creation of a scope on it: that applies it again.';
      found.push({ kind: 'missing-keeper', subject: name, message });
    }
  }
  const seenOn = new Map<string, string[]>();
  for (const [balancer, hosts] of Object.entries(facts.seen))
    for (const host of hosts) seenOn.set(host, [...(seenOn.get(host) ?? []), balancer]);
  for (const { host, scopeId, balancer } of facts.hosts) {
    const others = (seenOn.get(host) ?? []).filter((name) => name !== balancer);
    if (others.length === 0) continue;
    const message = `scope ${scopeId} is placed on ${balancer}, but ${others.join(', ')} has a rule for the host. Correct the group of its Ingress.`;
    found.push({ kind: 'host-elsewhere', subject: host, message });
  }
  return found;
}

export interface RecordFacts {
  zoneId: string;
  name: string;
  scopeId: string;
  /** DNS name of the balancer that the scope is placed on. */
  balancer: { name: string; dnsName: string };
  /** Target of the A record of that name; undefined when there is none. */
  found: string | undefined;
}

export function recordDrift(facts: readonly RecordFacts[]): Drift[] {
  return facts.flatMap(({ zoneId, name, scopeId, balancer, found }): Drift[] => {
    const subject = `${name} in ${zoneId}`;
    if (found === undefined) {
      const message = `the record of scope ${scopeId} does not exist. Repeat the creation: that restores it.`;
      return [{ kind: 'record-missing', subject, message }];
    }
    if (balancerDnsName(found) === balancerDnsName(balancer.dnsName)) return [];
    const message = `the record of scope ${scopeId} points at ${found}, not at ${balancer.name} (${balancer.dnsName}). Correct it, or remove it and repeat the creation.`;
    return [{ kind: 'record-elsewhere', subject, message }];
  });
}
