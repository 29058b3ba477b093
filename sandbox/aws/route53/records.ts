import { XmlList, type XmlValue } from '../xml.ts';
import { type DnsContext, getZone, readMaxItems } from './context.ts';
import { canonicalName } from './names.ts';
import { invalid } from './read-xml.ts';
import { comparePositions, positionOf, recordXml, sortedRecords } from './record-sets.ts';

const MOST_PER_PAGE = 300;

/** Lists from a position of three parts, which need not exist: the first record set at or after it comes first. */
export function listResourceRecordSets(context: DnsContext, zoneId: string, query: URLSearchParams): XmlValue {
  const zone = getZone(context, zoneId);
  const size = readMaxItems(query, MOST_PER_PAGE);
  const [name, type, identifier] = [query.get('name'), query.get('type'), query.get('identifier')];
  if (type !== null && name === null)
    throw invalid('The input is not valid: a start record type needs a start record name');
  if (identifier !== null && type === null)
    throw invalid('The input is not valid: a start record identifier needs a start record type');
  const sorted = sortedRecords(zone);
  const start = name === null ? undefined : positionOf(canonicalName(name), type ?? '', identifier ?? '');
  const found = start === undefined ? 0 : sorted.findIndex(({ at }) => comparePositions(at, start) >= 0);
  const from = found < 0 ? sorted.length : found;
  const next = sorted[from + size]?.record;
  return {
    ResourceRecordSets: new XmlList(
      'ResourceRecordSet',
      sorted.slice(from, from + size).map(({ record }) => recordXml(record)),
    ),
    IsTruncated: next !== undefined,
    NextRecordName: next?.name,
    NextRecordType: next?.type,
    NextRecordIdentifier: next?.setIdentifier,
    MaxItems: size,
  };
}
