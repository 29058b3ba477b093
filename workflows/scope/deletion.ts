import type { PlacementRow } from '../../activities/scope/ledger/holding.ts';
import { DOMAIN_PLACEHOLDER, type ScopeDeletionInput } from '../../contract/scope/input.ts';
import type { ScopeDeletionResult } from '../../contract/scope/status.ts';
import { normalizeHost } from '../../domain/scope/hosts.ts';
import { zonesOf } from '../../domain/scope/request.ts';
import type { ScopeTimings } from '../../domain/scope/settings.ts';
import { words } from '../unchecked.ts';
import { local, mutations } from './activities.ts';
import { endWith, letGo } from './ending.ts';
import { holdScope } from './hold.ts';
import { endRollout, removeObjects } from './rollout.ts';
import { ScopeRun } from './run.ts';
import { Compensations, leaveBalancer } from './undo.ts';

/**
 * Deletes a scope: its DNS records, also those that a failed creation could not undo, then its placement, and a balancer
 * that never came to life and is needed by nobody.
 * A scope that the ledger does not know is an answer, not a failure. Nothing is compensated: a repeat goes on where it stopped.
 */
export async function scopeDeletion(input: ScopeDeletionInput): Promise<ScopeDeletionResult> {
  const run = new ScopeRun('deletion', words(input?.scopeId));
  let holds = false;
  try {
    run.enter('Validating');
    const accepted = await local.acceptScopeDeletion({ input });
    const { timings } = accepted;
    holds = true;
    const placement = await holdScope(run, timings);
    const live = placement.state !== 'released';
    if (live) showPlacement(run, placement);
    const objects = await endRollout(run, accepted.input, placement, timings);

    const result: ScopeDeletionResult = {
      scopeId: input.scopeId,
      removed: [],
      absent: [],
      warnings: run.status.warnings,
    };
    const records = distinct([
      ...(live ? ownRecords(placement) : input.adopt ? adoptedRecords(run, accepted.input) : []),
      ...(placement.records ?? []),
    ]);
    if (!live && records.length === 0) result.absent.push(`scope ${input.scopeId}`);
    run.enter('Dns');
    for (const record of records) await removeRecord(run, result, placement, record, timings);
    if (placement.dnsEndpoint !== null) {
      const words = `DNSEndpoint ${placement.dnsEndpoint}`;
      const { outcome } = await mutations(words, timings).removeDnsEndpoint({ scopeId: input.scopeId });
      (outcome === 'removed' ? result.removed : result.absent).push(words);
    }

    run.enter('Removing');
    if (objects.length > 0) result.removed.push(...(await removeObjects(run, placement, objects, timings)));
    const { left, removed } = await leaveBalancer(run, 'delete', timings);
    if (left && placement.balancer) result.removed.push(`placement on balancer ${placement.balancer.name}`);
    result.removed.push(...removed.map((name) => `balancer ${name}`));
    run.status.made = result.removed;
    run.enter('Done');
    await letGo(run);
    return result;
  } catch (error) {
    throw await endWith(run, error, new Compensations(), holds);
  }
}

function showPlacement(run: ScopeRun, placement: PlacementRow): void {
  run.status.hosts = placement.hosts;
  if (placement.domain) run.status.domain = placement.domain;
  if (placement.visibility) run.status.visibility = placement.visibility;
  const { balancer } = placement;
  if (balancer) {
    run.placedOn({
      name: balancer.name,
      origin: balancer.origin,
      state: 'placed',
      created: false,
      ...(balancer.dnsName ? { dnsName: balancer.dnsName } : {}),
    });
  }
}

interface RecordOfScope {
  zoneId: string;
  name: string;
  /** Region of the balancers that a record may lead to which the caller answers for. */
  adoptFrom?: string | undefined;
}

/** The first of each record. */
function distinct(records: readonly RecordOfScope[]): RecordOfScope[] {
  const key = ({ zoneId, name }: RecordOfScope) => `${zoneId} ${name}`;
  return records.filter((record, index) => records.findIndex((other) => key(other) === key(record)) === index);
}

/** Records of a placed scope, public zone first: the reverse of how they were made. */
function ownRecords(placement: PlacementRow): RecordOfScope[] {
  const { domain, zones } = placement;
  if (!domain || placement.dnsType !== 'route53') return [];
  return [...(zones ?? [])].reverse().map(({ id }) => ({ zoneId: id, name: domain }));
}

/** Records that the caller answers for; without a domain there are none to look for. */
function adoptedRecords(run: ScopeRun, input: ScopeDeletionInput): RecordOfScope[] {
  const given = input.domain?.trim() ?? '';
  if (given === '' || given === DOMAIN_PLACEHOLDER) {
    run.warn({ code: 'DnsNoDomain', message: 'no domain is given, so no record was looked for' });
    return [];
  }
  const name = normalizeHost(given);
  return zonesOf(input.hostedZones ?? {})
    .reverse()
    .map(({ id }) => ({ zoneId: id, name, adoptFrom: input.region }));
}

async function removeRecord(
  run: ScopeRun,
  result: ScopeDeletionResult,
  placement: PlacementRow,
  { zoneId, name, adoptFrom }: RecordOfScope,
  timings: ScopeTimings,
): Promise<void> {
  const { scopeId } = run.status;
  const balancerDnsName = placement.balancer?.dnsName;
  const removal = await mutations(`${name} in ${zoneId}`, timings).removeDnsRecord({
    scopeId,
    zoneId,
    name,
    ...(balancerDnsName ? { balancerDnsName } : {}),
    ...(adoptFrom ? { adoptFrom } : {}),
  });
  const what = `record ${name} in zone ${zoneId}`;
  if (removal.outcome === 'removed') result.removed.push(what);
  else if (removal.outcome === 'absent') result.absent.push(what);
  else
    run.warn({ code: 'DnsRecordForeign', message: `${what} was left: it points at ${removal.target} and is not ours` });
  run.publish();
}
