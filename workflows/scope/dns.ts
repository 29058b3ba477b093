import type { PlacementRow } from '../../activities/scope/ledger/holding.ts';
import type { DnsRecordStatus } from '../../contract/scope/status.ts';
import type { ScopeRequest } from '../../domain/scope/request.ts';
import { withinPatience } from '../failures.ts';
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

export type RecordRef = NonNullable<PlacementRow['records']>[number];

/** Removes it again, if it is this run's, when the run is undone. */
export function undoRecord(
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
