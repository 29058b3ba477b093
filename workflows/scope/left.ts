import { isCancellation, patched } from '@temporalio/workflow';
import type { PlacementRow } from '../../activities/scope/ledger/holding.ts';
import type { ScopeRequest } from '../../domain/scope/request.ts';
import { describeFailure } from '../failures.ts';
import { mutations, undoing } from './activities.ts';
import { type RecordRef, undoRecord } from './dns.ts';
import type { ScopeRun } from './run.ts';
import type { Compensations } from './undo.ts';

/** What runs that ended left of a scope that was never bound: with the placement the next run takes over what they made. */

export interface Left {
  records: RecordRef[];
  /** `<namespace>/<name>` of a DNSEndpoint; absent when this run has one of its own, which replaces it. */
  endpoint?: string;
}

/** Whatever the end of this run is, it is not left any longer. */
export function undoLeft(
  run: ScopeRun,
  request: ScopeRequest,
  before: PlacementRow,
  compensations: Compensations,
): Left {
  if (before.state === 'bound') return { records: [] };
  const records = before.records ?? [];
  for (const record of records) undoRecord(run, request, compensations, record);
  const endpoint = before.dnsEndpoint;
  if (endpoint === null || request.dnsType === 'external_dns' || !patched('left-dns-endpoint')) return { records };
  compensations.before(`DNSEndpoint ${endpoint}`, async () => {
    const removal = { scopeId: request.scopeId, onlyMadeBy: run.key };
    await undoing(`DNSEndpoint ${endpoint}`, request.timings).removeDnsEndpoint(removal);
  });
  return { records, endpoint };
}

/** Removes what the request does not name. What stays is told, and goes with the deletion of the scope. */
export async function removeLeft(
  run: ScopeRun,
  { scopeId, domain, zones, dnsType, timings }: ScopeRequest,
  { records, endpoint }: Left,
): Promise<void> {
  for (const { zoneId, name } of records) {
    if (dnsType === 'route53' && name === domain && zones.some(({ id }) => id === zoneId)) continue;
    const removal = { scopeId, zoneId, name, onlyMadeBy: run.key };
    await mutations(`${name} in ${zoneId}`, timings, timings.readPatience)
      .removeDnsRecord(removal)
      .catch(tell(run, `record ${name} in zone ${zoneId}`));
  }
  if (endpoint === undefined) return;
  await mutations(`DNSEndpoint ${endpoint}`, timings, timings.readPatience)
    .removeDnsEndpoint({ scopeId, onlyMadeBy: run.key })
    .catch(tell(run, `DNSEndpoint ${endpoint}`));
}

function tell(run: ScopeRun, what: string): (error: unknown) => void {
  return (error) => {
    if (isCancellation(error)) throw error;
    const message = `${what}, which an ended run left, could not be removed: ${describeFailure(error).message}`;
    run.warn({ code: 'DnsRecordLeft', message });
  };
}
