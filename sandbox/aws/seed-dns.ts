import type { DnsTables, RecordSet } from './model.ts';
import { dnsId, SANDBOX_VPC } from './names.ts';
import { canonicalName } from './route53/names.ts';
import { recordProblems, siblingProblems } from './route53/record-rules.ts';
import { recordKey } from './route53/record-sets.ts';
import { newZone } from './route53/zones.ts';
import type { AwsSeed, HostedZoneSeed } from './seed-schema.ts';
import { emptyDns } from './state.ts';

const DEFAULT_TTL = 300;

/** Hosted zones and changes of a seed; its records obey the same rules as a change batch. */
export function seedDns(seed: AwsSeed, problems: string[]): DnsTables {
  const tables = emptyDns();
  for (const zone of seed.hostedZones ?? []) seedZone(tables, zone, problems);
  for (const { id, submittedTime, syncedTime, ...rest } of seed.changes ?? []) {
    tables.changes.set(id, { id, submittedAt: Date.parse(submittedTime), syncedAt: Date.parse(syncedTime), ...rest });
  }
  return tables;
}

function seedZone(tables: DnsTables, seed: HostedZoneSeed, problems: string[]): void {
  const id = seed.id ?? dnsId('Z');
  if (tables.zones.has(id)) problems.push(`hostedZones.${id}: there are two of this id`);
  const empty = newZone({
    id,
    name: canonicalName(seed.name),
    private: seed.private ?? false,
    vpcs: seed.vpcs ?? (seed.private ? [{ id: SANDBOX_VPC, region: 'us-east-1' }] : []),
    callerReference: seed.callerReference ?? `seed-${id}`,
    ...(seed.comment === undefined ? {} : { comment: seed.comment }),
    tags: seed.tags ?? {},
  });
  const records = new Map(empty.records);
  const byName = new Map<string, RecordSet[]>([[empty.name, [...records.values()]]]);
  for (const record of (seed.records ?? []).map(toRecordSet)) {
    const siblings = (byName.get(record.name) ?? []).filter((each) => recordKey(each) !== recordKey(record));
    const wrong = [...recordProblems(record, empty), ...siblingProblems(record, siblings, empty)];
    problems.push(...wrong.map((problem) => `hostedZones.${id}.records: ${problem}`));
    records.set(recordKey(record), record);
    byName.set(record.name, [...siblings, record]);
  }
  tables.zones.set(id, { ...empty, records, busyUntil: seed.busyUntil === undefined ? 0 : Date.parse(seed.busyUntil) });
}

function toRecordSet({ name, alias, ttl, ...rest }: NonNullable<HostedZoneSeed['records']>[number]): RecordSet {
  const base = { ...rest, name: canonicalName(name) };
  if (!alias) return { ...base, ttl: ttl ?? DEFAULT_TTL };
  const target = {
    zoneId: alias.zoneId,
    dnsName: canonicalName(alias.dnsName),
    evaluateTargetHealth: alias.evaluateTargetHealth ?? false,
  };
  return { ...base, ...(ttl === undefined ? {} : { ttl }), alias: target };
}
