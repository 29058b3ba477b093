import { AwsError } from '../errors.ts';
import type { Change, HostedZone, RecordSet } from '../model.ts';
import { dnsId } from '../names.ts';
import type { XmlValue } from '../xml.ts';
import { changeXml, type DnsContext, getZone } from './context.ts';
import { type RequestedChange, readChangeBatch } from './read-changes.ts';
import { recordProblems, siblingProblems } from './record-rules.ts';
import { recordKey, sameRecord } from './record-sets.ts';

const MOST_ELEMENTS = 1000;
const MOST_CHARACTERS = 32_000;

/** Applies a batch to a copy of the zone's records: all of it, or nothing and one `InvalidChangeBatch` with every problem. */
export function changeResourceRecordSets(context: DnsContext, zoneId: string, body: string): XmlValue {
  const { tables, moment, lifecycle } = context;
  const zone = getZone(context, zoneId);
  const { changes, comment } = readChangeBatch(body);
  if (moment.now < zone.busyUntil) {
    throw new AwsError(
      'PriorRequestNotComplete',
      'The request was rejected because Route 53 was still processing a prior request.',
    );
  }
  const records = new Map(zone.records);
  const names = indexByName(records);
  const problems = [...batchProblems(changes), ...changes.flatMap((change) => apply(change, zone, records, names))];
  if (problems.length === 0) problems.push(...aftermath(zone, records, names, changes));
  if (problems.length > 0) throw new AwsError('InvalidChangeBatch', `[${problems.join(', ')}]`);

  tables.zones.set(zone.id, { ...zone, records, busyUntil: moment.after(lifecycle.zoneBusySeconds) });
  const change: Change = {
    id: dnsId('C'),
    submittedAt: moment.now,
    syncedAt: moment.after(lifecycle.dnsSyncSeconds),
    ...(comment === undefined ? {} : { comment }),
  };
  tables.changes.set(change.id, change);
  return { ChangeInfo: changeXml(change, moment.now) };
}

type NameIndex = Map<string, Set<string>>;

function indexByName(records: ReadonlyMap<string, RecordSet>): NameIndex {
  const names: NameIndex = new Map();
  for (const [key, record] of records) names.set(record.name, (names.get(record.name) ?? new Set()).add(key));
  return names;
}

/** Limits of the batch as a whole, and record sets that occur in it more than once. */
function batchProblems(changes: readonly RequestedChange[]): string[] {
  const cost = (change: RequestedChange) => (change.action === 'UPSERT' ? 2 : 1);
  const elements = changes.reduce((sum, change) => sum + cost(change) * (change.record.values?.length ?? 1), 0);
  const characters = changes.reduce(
    (sum, change) => sum + cost(change) * (change.record.values?.join('').length ?? 0),
    0,
  );
  const problems: string[] = [];
  if (elements > MOST_ELEMENTS) problems.push(`Number of records limit of ${MOST_ELEMENTS} exceeded.`);
  if (characters > MOST_CHARACTERS) problems.push(`Number of characters limit of ${MOST_CHARACTERS} exceeded.`);
  const earlier = new Map<string, string>();
  for (const { action, record } of changes) {
    const key = recordKey(record);
    const before = earlier.get(key);
    if (before !== undefined && !(before === 'DELETE' && action === 'CREATE')) {
      problems.push(
        `The request contains an invalid set of changes for a resource record set '${record.type} ${record.name}'`,
      );
    }
    earlier.set(key, before === undefined ? action : 'TWICE');
  }
  return problems;
}

/** Carries one change out on the draft, or says why it cannot be. */
function apply(
  { action, record, problem }: RequestedChange,
  zone: HostedZone,
  records: Map<string, RecordSet>,
  names: NameIndex,
): string[] {
  if (problem !== undefined) return [problem];
  const key = recordKey(record);
  const present = records.get(key);
  if (action === 'DELETE') return remove(record, present, zone, records, names);
  if (action === 'CREATE' && present)
    return [`Tried to create resource record set ${shown(record)} but it already exists`];
  const siblings = [...(names.get(record.name) ?? [])]
    .filter((each) => each !== key)
    .flatMap((each) => records.get(each) ?? []);
  const problems = [...recordProblems(record, zone), ...siblingProblems(record, siblings, zone)];
  if (problems.length > 0) return problems;
  records.set(key, record);
  names.set(record.name, (names.get(record.name) ?? new Set()).add(key));
  return [];
}

/** Deleting is a compare-and-swap: everything must be as it is now. */
function remove(
  record: RecordSet,
  present: RecordSet | undefined,
  zone: HostedZone,
  records: Map<string, RecordSet>,
  names: NameIndex,
): string[] {
  if (!present) return [`Tried to delete resource record set ${shown(record)} but it was not found`];
  if (!sameRecord(present, record))
    return [
      `Tried to delete resource record set ${shown(record)} but the values provided do not match the current values`,
    ];
  if (record.name === zone.name && record.type === 'SOA') return ['A HostedZone must contain exactly one SOA record.'];
  if (record.name === zone.name && record.type === 'NS')
    return ['A HostedZone must contain at least one NS record for the zone itself.'];
  records.delete(recordKey(record));
  names.get(record.name)?.delete(recordKey(record));
  return [];
}

/** Aliases within the zone need a target when all changes are made. */
function aftermath(
  zone: HostedZone,
  records: ReadonlyMap<string, RecordSet>,
  names: NameIndex,
  changes: readonly RequestedChange[],
): string[] {
  return changes.flatMap(({ record: { alias, type } }) => {
    if (alias?.zoneId !== zone.id) return [];
    const targets = [...(names.get(alias.dnsName) ?? [])].map((key) => records.get(key)?.type);
    return targets.includes(type)
      ? []
      : [
          `Tried to create an alias that targets ${alias.dnsName}, type ${type} in zone ${zone.id}, but that target was not found`,
        ];
  });
}

const shown = ({ name, type, setIdentifier }: RecordSet) =>
  `[name='${name}', type='${type}'${setIdentifier === undefined ? '' : `, set-identifier='${setIdentifier}'`}]`;
