import type { HostedZone, RecordSet } from '../model.ts';
import { XmlList, type XmlValue } from '../xml.ts';
import { nameOrder } from './names.ts';

/** What makes a record set one of its kind: name, type and set identifier. */
export const recordKey = (record: Pick<RecordSet, 'name' | 'type' | 'setIdentifier'>) =>
  `${record.name} ${record.type} ${record.setIdentifier ?? ''}`;

/** Where a record set, or a cursor, stands in the listing. */
export type Position = readonly [order: string, type: string, identifier: string];

export const positionOf = (name: string, type = '', identifier = ''): Position => [nameOrder(name), type, identifier];

export function comparePositions(one: Position, other: Position): number {
  for (const index of [0, 1, 2] as const) {
    if (one[index] !== other[index]) return one[index] < other[index] ? -1 : 1;
  }
  return 0;
}

const sortedSets = new WeakMap<HostedZone['records'], { at: Position; record: RecordSet }[]>();

/** The record sets in the order of the listing. The map of a zone never changes, so its order is kept. */
export function sortedRecords(zone: HostedZone): readonly { at: Position; record: RecordSet }[] {
  const known = sortedSets.get(zone.records);
  if (known) return known;
  const sorted = [...zone.records.values()]
    .map((record) => ({ at: positionOf(record.name, record.type, record.setIdentifier), record }))
    .sort((a, b) => comparePositions(a.at, b.at));
  sortedSets.set(zone.records, sorted);
  return sorted;
}

/** Whether two record sets of one key hold the same; the order of values does not count. */
export function sameRecord(one: RecordSet, other: RecordSet): boolean {
  return (
    one.ttl === other.ttl &&
    one.weight === other.weight &&
    JSON.stringify([...(one.values ?? [])].sort()) === JSON.stringify([...(other.values ?? [])].sort()) &&
    one.alias?.zoneId === other.alias?.zoneId &&
    one.alias?.dnsName === other.alias?.dnsName &&
    one.alias?.evaluateTargetHealth === other.alias?.evaluateTargetHealth
  );
}

export const recordXml = (record: RecordSet): XmlValue => ({
  Name: record.name,
  Type: record.type,
  SetIdentifier: record.setIdentifier,
  Weight: record.weight,
  TTL: record.ttl,
  ResourceRecords:
    record.values &&
    new XmlList(
      'ResourceRecord',
      record.values.map((Value) => ({ Value })),
    ),
  AliasTarget: record.alias && {
    HostedZoneId: record.alias.zoneId,
    DNSName: record.alias.dnsName,
    EvaluateTargetHealth: record.alias.evaluateTargetHealth,
  },
});
