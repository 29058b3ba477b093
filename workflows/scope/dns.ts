import { isCancellation } from '@temporalio/workflow';
import type { PlacementRow } from '../../activities/scope/ledger/holding.ts';
import type { DnsRecordStatus } from '../../contract/scope/status.ts';
import type { ScopeRequest } from '../../domain/scope/request.ts';
import { describeFailure, withinPatience } from '../failures.ts';
import { mutations, undoing, watches } from './activities.ts';
import type { ReadyBalancer } from './ready.ts';
import { isoIn, type ScopeRun } from './run.ts';
import type { Compensations } from './undo.ts';

/** Writing the records of a scope, private zone first, and waiting until all are in sync. */
export async function writeDns(
  run: ScopeRun,
  request: ScopeRequest,
  balancer: ReadyBalancer,
  absentIn: readonly string[],
  compensations: Compensations,
): Promise<DnsRecordStatus[]> {
  run.enter('Dns');
  if (request.zones.length === 0) {
    run.warn({
      code: 'DnsNotConfigured',
      message: `no hosted zone is configured: point ${request.domain} at ${balancer.dnsName} yourself`,
    });
    return [];
  }
  const changes: { changeId: string; zoneId: string }[] = [];
  for (const zone of request.zones) {
    undoRecord(run, request, compensations, { zoneId: zone.id, name: request.domain });
    const { record, changeId } = await mutations(`${request.domain} in ${zone.id}`, request.timings).ensureDnsRecord({
      scopeId: request.scopeId,
      run: run.key,
      zone,
      name: request.domain,
      target: balancer,
      knownAbsent: absentIn.includes(zone.id),
    });
    run.status.dns.push(record);
    if (changeId) {
      changes.push({ changeId, zoneId: zone.id });
      run.made(`record ${record.name} in zone ${zone.id}`);
    }
    run.publish();
  }
  if (changes.length > 0) await waitInSync(run, request, changes);
  for (const record of run.status.dns) record.state = 'in-sync';
  return run.status.dns;
}

type RecordRef = NonNullable<PlacementRow['records']>[number];

function undoRecord(
  run: ScopeRun,
  request: ScopeRequest,
  compensations: Compensations,
  { zoneId, name }: RecordRef,
): void {
  compensations.before(`record ${name} in zone ${zoneId}`, async () => {
    const removal = { scopeId: request.scopeId, zoneId, name, onlyMadeBy: run.key };
    await undoing(`${name} in ${zoneId}`, request.timings).removeDnsRecord(removal);
  });
}

/** Records of a scope that was never bound are of runs that ended; with the placement this run takes over those that they made. */
export function undoLeftRecords(
  run: ScopeRun,
  request: ScopeRequest,
  before: PlacementRow,
  compensations: Compensations,
): RecordRef[] {
  const left = before.state === 'bound' ? [] : (before.records ?? []);
  for (const record of left) undoRecord(run, request, compensations, record);
  return left;
}

/** Removes those that the request does not name. One that stays is told, and goes with the deletion of the scope. */
export async function removeLeftRecords(
  run: ScopeRun,
  { scopeId, domain, zones, dnsType, timings }: ScopeRequest,
  left: readonly RecordRef[],
): Promise<void> {
  for (const { zoneId, name } of left) {
    if (dnsType === 'route53' && name === domain && zones.some(({ id }) => id === zoneId)) continue;
    const removal = { scopeId, zoneId, name, onlyMadeBy: run.key };
    await mutations(`${name} in ${zoneId}`, timings, timings.readPatience)
      .removeDnsRecord(removal)
      .catch((error: unknown) => {
        if (isCancellation(error)) throw error;
        const message = `record ${name} in zone ${zoneId}, which an ended run left, could not be removed: ${describeFailure(error).message}`;
        run.warn({ code: 'DnsRecordLeft', message });
      });
  }
}

async function waitInSync(
  run: ScopeRun,
  request: ScopeRequest,
  changes: { changeId: string; zoneId: string }[],
): Promise<void> {
  const { dnsSyncTimeout } = request.timings;
  const since = isoIn(Date.now(), 0);
  const until = isoIn(Date.now(), dnsSyncTimeout);
  const what = `${request.domain} to be in sync in zone ${changes.map(({ zoneId }) => zoneId).join(' and ')}`;
  await run.waiting({ what, since, until }, () =>
    withinPatience('DnsTimeout', `the state of ${request.domain} could not be read until ${until}`, () =>
      watches(what, request.timings, dnsSyncTimeout).watchDnsSync({ changes, since, until }),
    ),
  );
}
