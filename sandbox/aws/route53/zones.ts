import { AwsError } from '../errors.ts';
import type { Change, HostedZone, RecordSet } from '../model.ts';
import { dnsId } from '../names.ts';
import { XmlList, type XmlValue } from '../xml.ts';
import { changeXml, type DnsContext, getZone, readMaxItems } from './context.ts';
import { canonicalName, nameOrder, readName, showName } from './names.ts';
import { child, invalid, readBody, required, text } from './read-xml.ts';
import { recordKey } from './record-sets.ts';

const NAME_SERVERS = ['ns-1.sandbox.invalid', 'ns-2.sandbox.invalid'];
const MOST_PER_PAGE = 100;

/** A zone with the two record sets that every zone has at its apex. */
export function newZone(zone: Omit<HostedZone, 'records' | 'busyUntil'>): HostedZone {
  const apex: RecordSet[] = [
    { name: zone.name, type: 'NS', ttl: 172_800, values: NAME_SERVERS.map((server) => `${server}.`) },
    {
      name: zone.name,
      type: 'SOA',
      ttl: 900,
      values: [`${NAME_SERVERS[0]}. hostmaster.sandbox.invalid. 1 7200 900 1209600 86400`],
    },
  ];
  return { ...zone, records: new Map(apex.map((record) => [recordKey(record), record])), busyUntil: 0 };
}

export function createHostedZone({ tables, moment, lifecycle }: DnsContext, body: string): XmlValue {
  const request = readBody(body, 'CreateHostedZoneRequest');
  const name = readName(required(request, 'Name'));
  if ('problem' in name || name.labels.length === 0)
    throw new AwsError('InvalidDomainName', `The domain name '${required(request, 'Name')}' is not valid`);
  const callerReference = required(request, 'CallerReference');
  if ([...tables.zones.values()].some((zone) => zone.callerReference === callerReference)) {
    throw new AwsError(
      'HostedZoneAlreadyExists',
      `A hosted zone has already been created with the specified caller reference '${callerReference}'`,
      409,
    );
  }
  const config = child(request, 'HostedZoneConfig');
  const vpc = child(request, 'VPC');
  const isPrivate = vpc !== undefined || text(config, 'PrivateZone') === 'true';
  if (isPrivate && vpc === undefined) throw invalid('A private hosted zone needs a VPC');
  const comment = text(config, 'Comment');
  const zone = newZone({
    id: dnsId('Z'),
    name: showName(name.labels),
    private: isPrivate,
    vpcs: vpc === undefined ? [] : [{ id: required(vpc, 'VPCId'), region: required(vpc, 'VPCRegion') }],
    callerReference,
    ...(comment === undefined ? {} : { comment }),
    tags: {},
  });
  const change: Change = { id: dnsId('C'), submittedAt: moment.now, syncedAt: moment.after(lifecycle.dnsSyncSeconds) };
  tables.zones.set(zone.id, zone);
  tables.changes.set(change.id, change);
  return {
    HostedZone: zoneXml(zone),
    ChangeInfo: changeXml(change, moment.now),
    ...delegationXml(zone),
    VPC: vpcsXml(zone)[0],
  };
}

export function getHostedZone(context: DnsContext, id: string): XmlValue {
  const zone = getZone(context, id);
  return {
    HostedZone: zoneXml(zone),
    ...delegationXml(zone),
    VPCs: zone.private ? new XmlList('VPC', vpcsXml(zone)) : undefined,
  };
}

/** Only a zone that holds nothing but its own NS and SOA can go. */
export function deleteHostedZone(context: DnsContext, id: string): XmlValue {
  const { tables, moment, lifecycle } = context;
  const zone = getZone(context, id);
  const foreign = [...zone.records.values()].some(
    (record) => record.name !== zone.name || (record.type !== 'NS' && record.type !== 'SOA'),
  );
  if (foreign)
    throw new AwsError(
      'HostedZoneNotEmpty',
      'The specified hosted zone contains non-required resource record sets and so cannot be deleted.',
    );
  const change: Change = { id: dnsId('C'), submittedAt: moment.now, syncedAt: moment.after(lifecycle.dnsSyncSeconds) };
  tables.zones.delete(id);
  tables.changes.set(change.id, change);
  return { ChangeInfo: changeXml(change, moment.now) };
}

export function listHostedZones({ tables }: DnsContext, query: URLSearchParams): XmlValue {
  const size = readMaxItems(query, MOST_PER_PAGE);
  const marker = query.get('marker');
  const sorted = [...tables.zones.values()].sort((a, b) => (a.id < b.id ? -1 : 1));
  const rest = sorted.filter((zone) => marker === null || zone.id >= marker);
  const next = rest[size];
  return {
    HostedZones: new XmlList('HostedZone', rest.slice(0, size).map(zoneXml)),
    Marker: marker ?? undefined,
    IsTruncated: next !== undefined,
    NextMarker: next?.id,
    MaxItems: size,
  };
}

/** Zones by name from the right, equal names by id, from `dnsname` and `hostedzoneid` on; the first one may have another name. */
export function listHostedZonesByName({ tables }: DnsContext, query: URLSearchParams): XmlValue {
  const size = readMaxItems(query, MOST_PER_PAGE);
  const [name, id] = [query.get('dnsname'), query.get('hostedzoneid')];
  if (id !== null && name === null) throw invalid('A hosted zone ID needs a DNS name');
  const order = (zoneName: string, zoneId: string) => `${nameOrder(zoneName)}\u0000${zoneId}`;
  const start = name === null ? '' : order(canonicalName(name), id?.replace(/^\/hostedzone\//, '') ?? '');
  const rest = [...tables.zones.values()]
    .map((zone) => ({ zone, at: order(zone.name, zone.id) }))
    .filter(({ at }) => at >= start)
    .sort((a, b) => (a.at < b.at ? -1 : 1))
    .map(({ zone }) => zone);
  const next = rest[size];
  return {
    HostedZones: new XmlList('HostedZone', rest.slice(0, size).map(zoneXml)),
    DNSName: name ?? undefined,
    HostedZoneId: id ?? undefined,
    IsTruncated: next !== undefined,
    NextDNSName: next?.name,
    NextHostedZoneId: next?.id,
    MaxItems: size,
  };
}

export function listTagsForHostedZone(context: DnsContext, id: string): XmlValue {
  const zone = getZone(context, id);
  const tags = new XmlList(
    'Tag',
    Object.entries(zone.tags).map(([Key, Value]) => ({ Key, Value })),
  );
  return { ResourceTagSet: { ResourceType: 'hostedzone', ResourceId: id, Tags: tags } };
}

const zoneXml = (zone: HostedZone): XmlValue => ({
  Id: `/hostedzone/${zone.id}`,
  Name: zone.name,
  CallerReference: zone.callerReference,
  Config: { Comment: zone.comment, PrivateZone: zone.private },
  ResourceRecordSetCount: zone.records.size,
});

const delegationXml = (zone: HostedZone) =>
  zone.private ? {} : { DelegationSet: { NameServers: new XmlList('NameServer', NAME_SERVERS) } };

const vpcsXml = (zone: HostedZone) => zone.vpcs.map(({ id, region }) => ({ VPCRegion: region, VPCId: id }));
