import { ApplicationFailure } from '@temporalio/common';
import type { Warning } from '../../contract/scope/status.ts';
import type { DeploymentRequest } from '../../domain/deployment/request.ts';
import type { Routing } from '../../domain/deployment/rollout/routing.ts';
import { addressRecordsOf, type FoundRecord } from '../../domain/scope/dns.ts';
import { balancerDnsName } from '../../domain/scope/hosts.ts';
import type { HostedZone } from '../../domain/scope/request.ts';
import { AwsCallError } from '../aws/errors.ts';
import { listLoadBalancers } from '../aws/load-balancers.ts';
import { foundRecord, readRecords } from '../aws/records.ts';
import { invalidInput } from '../failures.ts';
import type { PoolKey } from '../scope/dependencies.ts';
import { ensureDnsRecord } from '../scope/dns.ts';
import { madeForScope } from '../scope/ledger/records.ts';
import { observeRegion } from '../scope/observation.ts';
import { beat } from '../signal.ts';
import type { Course } from './course.ts';
import { asScope, type DeploymentDependencies } from './dependencies.ts';
import { recordedAliases } from './originals.ts';

/** The records of the scope's domain: where they lead, and which follow a rollout to another balancer and back. */

export interface Alias {
  zone: HostedZone;
  /** Where it leads; absent: to no balancer of the region. */
  balancer?: string;
}

export type FoundAlias = Alias & { record: FoundRecord };

/** Address records of the domain in all zones of the scope. */
export async function findAliases(
  deps: DeploymentDependencies,
  { scope }: DeploymentRequest,
  pool: PoolKey,
): Promise<FoundAlias[]> {
  const found: FoundAlias[] = [];
  for (const zone of scope.zones) {
    const records = (await recordsOf(deps, zone, scope.domain)).map((record) => foundRecord(zone.id, record));
    found.push(...addressRecordsOf(records, scope.domain).map((record) => ({ zone, record })));
  }
  if (found.length === 0) return [];
  const { value: region } = await observeRegion(asScope(deps), pool.account, pool.region, {
    maxAgeSeconds: deps.settings.scope.timings.observationMaxAge,
    reader: `${scope.scopeId}/aliases`,
  });
  return found.map((alias) => {
    const target = balancerDnsName(alias.record.target);
    const listed = region.balancers.find(({ dnsName }) => dnsName && balancerDnsName(dnsName) === target);
    return listed ? { ...alias, balancer: listed.name } : alias;
  });
}

async function recordsOf({ aws }: DeploymentDependencies, { id }: HostedZone, domain: string) {
  try {
    return await readRecords(aws, id, domain);
  } catch (error) {
    if (!(error instanceof AwsCallError && error.code === 'NoSuchHostedZone')) throw error;
    throw invalidInput([{ path: 'scope.hostedZones', message: `hosted zone ${id} does not exist` }]);
  }
}

/** Those that are the scope's own and follow; one that is not ours is told and left. */
export async function followingAliases(
  { database }: DeploymentDependencies,
  { scopeId }: DeploymentRequest,
  found: readonly FoundAlias[],
): Promise<{ aliases: Alias[]; warnings: Warning[] }> {
  const isOurs = await madeForScope(database, scopeId);
  const aliases: Alias[] = [];
  const warnings: Warning[] = [];
  for (const { record, ...alias } of found) {
    if (isOurs(record)) aliases.push(alias);
    else {
      const { zoneId, name, type, target } = record;
      const message = `${type} ${name} in zone ${zoneId} leads to ${target} and was not made by Groundwork for this scope: change it by hand`;
      warnings.push({ code: 'AliasKept', message });
    }
  }
  return { aliases, warnings };
}

/**
 * Lets the records that follow this rollout lead to its balancer, or with `before` to where they led. Twice is harmless: one that
 * leads there is left alone. `progress` travels in the heartbeats meanwhile.
 */
export async function leadAliases(
  deps: DeploymentDependencies,
  { request, run, balancer }: Pick<Course, 'request' | 'run' | 'balancer'>,
  routing: Routing,
  progress?: unknown,
): Promise<Warning[]> {
  const { scopeId, scope } = request;
  const aliases = await recordedAliases(deps.database, request);
  if (aliases.length === 0) return [];
  const listed = await listLoadBalancers(deps.aws, scope.region);
  const warnings: Warning[] = [];
  for (const { zone, balancer: original } of aliases) {
    beat(progress);
    const goal = routing.form === 'before' ? original : balancer?.name;
    const { dnsName, canonicalHostedZoneId } = listed.find(({ name }) => name === goal) ?? {};
    if (!dnsName || !canonicalHostedZoneId) continue;
    const target = { dnsName, canonicalHostedZoneId };
    try {
      await ensureDnsRecord(asScope(deps), { scopeId, run, zone, name: scope.domain, target, knownAbsent: false });
    } catch (error) {
      if (!(error instanceof ApplicationFailure) || error.type !== 'DnsRecordConflict') throw error;
      warnings.push({ code: 'AliasKept', message: error.message });
    }
  }
  return warnings;
}
