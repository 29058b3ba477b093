import type { DriftReport, InventoryPage } from '../../contract/scope/retirement.ts';
import { declaredByWorker, readThreshold, type ThresholdName } from '../../domain/scope/configuration.ts';
import type { Thresholds } from '../../domain/scope/request.ts';
import { foreignRules } from '../../domain/scope/retirement.ts';
import { listLoadBalancers, readRuleHosts } from '../aws/load-balancers.ts';
import type { ScopeDependencies } from './dependencies.ts';
import { balancerById, moveBalancer } from './ledger/balancer.ts';
import { readDrift } from './ledger/drift.ts';
import { readInventory as readBalancers } from './ledger/inventory.ts';
import { type RecordRow, recordsOfScope } from './ledger/records.ts';
import { abandonedScopes, type BalancerRef, type Graces, idleBalancers, stuckBalancers } from './ledger/retiring.ts';
import { inventoryInput } from './requests.ts';

/** Activities of `balancerRetirement`. Each may run twice: reading is harmless, and every transition is a compare-and-set. */

export const gracesOf = ({ settings }: ScopeDependencies): Graces => ({
  ...settings.timings,
  declared: declaredByWorker(settings),
});

/** Scopes that a run which ended left something of. */
export function findAbandoned(deps: ScopeDependencies): Promise<string[]> {
  return abandonedScopes(deps.database, deps.temporal, gracesOf(deps));
}

export interface RetirementWork {
  /** Out of the pool already; nobody goes on with their removal. */
  stuck: BalancerRef[];
  /** Without a scope for longer than their grace. */
  idle: BalancerRef[];
}

export async function findRetirementWork(deps: ScopeDependencies, { run }: { run: string }): Promise<RetirementWork> {
  return {
    stuck: await stuckBalancers(deps.database, deps.temporal, run),
    idle: await idleBalancers(deps.database, gracesOf(deps)),
  };
}

/**
 * How many rules of a balancer are not its keeper's, read anew, past every shared observation. A balancer that AWS does not
 * have, by a complete list, has none.
 */
export async function countForeignRules(
  deps: ScopeDependencies,
  { balancerId }: { balancerId: string },
): Promise<{ foreign: number; arn?: string }> {
  const row = await balancerById(deps.database, balancerId);
  const listed = (await listLoadBalancers(deps.aws, row.region)).find(({ name }) => name === row.name);
  const rules = listed && (await readRuleHosts(deps.aws, row.region, listed.arn));
  if (!rules) return { foreign: 0 };
  return { foreign: foreignRules(rules, row.keeper?.host ?? ''), arn: listed.arn };
}

/** Takes a balancer that somebody else's rule was found on back into the pool. */
export async function reviveBalancer(deps: ScopeDependencies, { balancerId }: { balancerId: string }): Promise<void> {
  const row = await balancerById(deps.database, balancerId);
  const listed = (await listLoadBalancers(deps.aws, row.region)).find(({ name }) => name === row.name);
  await moveBalancer(deps.database, balancerId, ['retiring'], 'active', {
    ...(listed ? { arn: listed.arn } : {}),
    ...(listed?.dnsName ? { dnsName: listed.dnsName } : {}),
    ...(listed?.canonicalHostedZoneId ? { canonicalHostedZoneId: listed.canonicalHostedZoneId } : {}),
  });
}

export interface Leftovers {
  /** Records that runs of this scope made. */
  records: RecordRow[];
  /** `<namespace>/<name>` of its DNSEndpoint. */
  dnsEndpoint: string | null;
}

/** What the ledger says was made for a scope that is not bound. */
export async function leftoversOf(deps: ScopeDependencies, { scopeId }: { scopeId: string }): Promise<Leftovers> {
  const records = await recordsOfScope(deps.database, scopeId);
  const { rows } = await deps.database.query<{ dnsEndpoint: string | null }>(
    'select dns_endpoint as "dnsEndpoint" from placement where scope_id = $1',
    [scopeId],
  );
  return { records: records.filter(({ origin }) => origin === 'made'), dnsEndpoint: rows[0]?.dnsEndpoint ?? null };
}

/** What the ledger holds: a page of balancers, or the drift report. Reading twice is harmless. */
export async function readInventory(deps: ScopeDependencies, given: unknown): Promise<InventoryPage | DriftReport> {
  const input = inventoryInput(given);
  if (input.what === 'drift') return readDrift(deps.database);
  return readBalancers(deps.database, workerThresholds(deps), input.page);
}

/** The thresholds that count where neither scope nor platform sets them. */
function workerThresholds({ settings: { knobs } }: ScopeDependencies): Thresholds {
  const read = (name: ThresholdName, raw: number | string | null | undefined) =>
    readThreshold(name, raw ?? undefined).value ?? 0;
  return {
    rules: read('rules', knobs.albMaxCapacity),
    targetGroups: read('targetGroups', knobs.albMaxTargetGroups),
    listeners: read('listeners', knobs.albMaxListeners),
    certificates: read('certificates', knobs.albMaxCertificates),
  };
}
