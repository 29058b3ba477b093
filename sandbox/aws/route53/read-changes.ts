import type { RecordSet } from '../model.ts';
import { canonicalName, readName, showName } from './names.ts';
import { child, type Element, integer, invalid, list, readBody, required, text } from './read-xml.ts';

const TYPES = [
  'A',
  'AAAA',
  'CAA',
  'CNAME',
  'DS',
  'HTTPS',
  'MX',
  'NAPTR',
  'NS',
  'PTR',
  'SOA',
  'SPF',
  'SRV',
  'SSHFP',
  'SVCB',
  'TLSA',
  'TXT',
];
/** Routing policies that would silently become simple records here. */
const UNSERVED = [
  'Region',
  'Failover',
  'GeoLocation',
  'GeoProximityLocation',
  'MultiValueAnswer',
  'CidrRoutingConfig',
  'TrafficPolicyInstanceId',
  'HealthCheckId',
];

export interface RequestedChange {
  action: 'CREATE' | 'DELETE' | 'UPSERT';
  record: RecordSet;
  /** Why the name is malformed, if it is. */
  problem?: string;
}

/** Reads a ChangeResourceRecordSets body. Throws `InvalidInput` for what no change batch can say. */
export function readChangeBatch(body: string): { comment?: string; changes: RequestedChange[] } {
  const batch = child(readBody(body, 'ChangeResourceRecordSetsRequest'), 'ChangeBatch');
  const changes = list(batch, 'Changes', 'Change')?.map(readChange) ?? [];
  if (changes.length === 0)
    throw invalid(
      "1 validation error detected: Value '[]' at 'changeBatch.changes' failed to satisfy constraint: Member must have length greater than or equal to 1",
    );
  const comment = text(batch, 'Comment');
  return { changes, ...(comment === undefined ? {} : { comment }) };
}

function readChange(change: Element): RequestedChange {
  const action = required(change, 'Action');
  if (action !== 'CREATE' && action !== 'DELETE' && action !== 'UPSERT') {
    throw invalid(
      `1 validation error detected: Value '${action}' at 'action' failed to satisfy constraint: Member must satisfy enum value set: [CREATE, DELETE, UPSERT]`,
    );
  }
  const set = child(change, 'ResourceRecordSet');
  const name = readName(required(set, 'Name'));
  const canonical = 'labels' in name ? showName(name.labels) : required(set, 'Name').toLowerCase();
  const record = readRecord(set, canonical);
  return { action, record, ...('problem' in name ? { problem: name.problem } : {}) };
}

function readRecord(set: Element | undefined, name: string): RecordSet {
  const type = required(set, 'Type');
  if (!TYPES.includes(type))
    throw invalid(
      `1 validation error detected: Value '${type}' at 'type' failed to satisfy constraint: Member must satisfy enum value set: [${TYPES.join(', ')}]`,
    );
  const unserved = UNSERVED.find((field) => set?.[field] !== undefined);
  if (unserved) throw invalid(`The sandbox serves simple and weighted records only, not ${unserved}`);
  const setIdentifier = text(set, 'SetIdentifier');
  const weight = integer(set, 'Weight');
  const ttl = integer(set, 'TTL');
  const values = list(set, 'ResourceRecords', 'ResourceRecord')?.map((record) => text(record, 'Value', true) ?? '');
  const alias = child(set, 'AliasTarget');
  return {
    name,
    type,
    ...(setIdentifier === undefined ? {} : { setIdentifier }),
    ...(weight === undefined ? {} : { weight }),
    ...(ttl === undefined ? {} : { ttl }),
    ...(values === undefined ? {} : { values }),
    ...(alias === undefined
      ? {}
      : {
          alias: {
            zoneId: required(alias, 'HostedZoneId').replace(/^\/hostedzone\//, ''),
            dnsName: canonicalName(required(alias, 'DNSName')),
            evaluateTargetHealth: required(alias, 'EvaluateTargetHealth') === 'true',
          },
        }),
  };
}
