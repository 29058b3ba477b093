import { isIPv4, isIPv6 } from 'node:net';
import type { HostedZone, RecordSet } from '../model.ts';
import { elbZoneId } from '../names.ts';
import { liesIn } from './names.ts';

/** What is wrong with a record set by itself, in the wording of Route 53; empty when nothing is. */
export function recordProblems(record: RecordSet, zone: HostedZone): string[] {
  return [
    ...routingProblems(record),
    ...contentProblems(record),
    ...placeProblems(record, zone),
    ...aliasProblems(record, zone),
  ];
}

const shape = (record: RecordSet) => `RRSet with DNS name ${record.name}, type ${record.type}`;

function routingProblems({ weight, setIdentifier, name, type }: RecordSet): string[] {
  const problems: string[] = [];
  if ((weight === undefined) !== (setIdentifier === undefined)) {
    problems.push(`RRSet with DNS name ${name}, type ${type} must have both a SetIdentifier and a Weight, or neither`);
  }
  if (weight !== undefined && (weight < 0 || weight > 255))
    problems.push(`Weight ${weight} of RRSet with DNS name ${name}, type ${type} is not between 0 and 255`);
  if (setIdentifier !== undefined && (setIdentifier.length < 1 || setIdentifier.length > 128)) {
    problems.push(`SetIdentifier of RRSet with DNS name ${name}, type ${type} must have 1 to 128 characters`);
  }
  return problems;
}

function contentProblems(record: RecordSet): string[] {
  const { ttl, values, alias, type } = record;
  if (alias) {
    if (ttl !== undefined || values !== undefined)
      return [
        `Invalid request: Expected exactly one of [AliasTarget, all of [TTL, and ResourceRecords], or TrafficPolicyInstanceId], but found more than one in Change with [Action, Name=${record.name}, Type=${type}]`,
      ];
    return type === 'NS' || type === 'SOA' ? [`${shape(record)} cannot be an alias`] : [];
  }
  if (ttl === undefined || values === undefined || values.length === 0) {
    return [
      `Invalid request: Expected exactly one of [AliasTarget, all of [TTL, and ResourceRecords], or TrafficPolicyInstanceId], but found none in Change with [Name=${record.name}, Type=${type}]`,
    ];
  }
  const problems =
    ttl < 0 || ttl > 2_147_483_647 ? [`TTL ${ttl} of ${shape(record)} is not between 0 and 2147483647`] : [];
  if (new Set(values).size < values.length)
    problems.push(`Duplicate Resource Record: '${values.find((value, index) => values.indexOf(value) !== index)}'`);
  if (type === 'CNAME' && values.length > 1) problems.push(`${shape(record)} contains more than one value`);
  return [...problems, ...values.flatMap((value) => valueProblem(type, value))];
}

function valueProblem(type: string, value: string): string[] {
  const fatal = (problem: string) => [
    `Invalid Resource Record: 'FATAL problem: ${problem} encountered with '${value}''`,
  ];
  if (type === 'A' && !isIPv4(value)) return fatal('ARRDATAIllegalIPv4Address (Value is not a valid IPv4 address)');
  if (type === 'AAAA' && !isIPv6(value))
    return fatal('AAAARRDATAIllegalIPv6Address (Value is not a valid IPv6 address)');
  if ((type === 'TXT' || type === 'SPF') && !/^"(?:[^"\\]|\\.){0,255}"(?:\s+"(?:[^"\\]|\\.){0,255}")*$/s.test(value)) {
    return fatal('InvalidCharacterString (Value should be enclosed in quotation marks)');
  }
  return value.trim() === '' ? fatal('EmptyValue (Value is empty)') : [];
}

function placeProblems(record: RecordSet, zone: HostedZone): string[] {
  if (!liesIn(record.name, zone.name))
    return [`RRSet with DNS name ${record.name} is not permitted in zone ${zone.name}`];
  if (record.name === zone.name && record.type === 'CNAME') {
    return [`RRSet of type CNAME with DNS name ${record.name} is not permitted at apex in zone ${zone.name}`];
  }
  if (record.name !== zone.name && record.type === 'SOA')
    return [`RRSet of type SOA with DNS name ${record.name} is not permitted in zone ${zone.name}`];
  return [];
}

/**
 * An alias points to a balancer, whose zone is that of its region, or to a name of the same zone. Whether the balancer
 * exists is not asked: on AWS an alias outlives its target.
 */
function aliasProblems(record: RecordSet, zone: HostedZone): string[] {
  const { alias } = record;
  if (!alias) return [];
  const region = /^(?:.+\.)?([a-z]{2}(?:-[a-z]+)+-\d)\.elb\.amazonaws\.com\.$/.exec(alias.dnsName)?.[1];
  const fits =
    region === undefined
      ? alias.zoneId === zone.id && liesIn(alias.dnsName, zone.name)
      : alias.zoneId === elbZoneId(region);
  if (!fits) {
    return [
      `Tried to create an alias that targets ${alias.dnsName}, type ${record.type} in zone ${alias.zoneId}, but the alias target name does not lie within the target zone`,
    ];
  }
  if (region !== undefined && record.type !== 'A' && record.type !== 'AAAA') {
    return [
      `Tried to create an alias that targets ${alias.dnsName}, type ${record.type} in zone ${alias.zoneId}, but that target was not found`,
    ];
  }
  return [];
}

/** What is wrong with a record set among the others of its name, which `siblings` are, itself excluded. */
export function siblingProblems(record: RecordSet, siblings: readonly RecordSet[], zone: HostedZone): string[] {
  const others = siblings.filter((each) => each.type !== record.type);
  if ((record.type === 'CNAME' && others.length > 0) || others.some((each) => each.type === 'CNAME')) {
    return [
      `RRSet of type ${record.type} with DNS name ${record.name} is not permitted as it conflicts with other records with the same DNS name in zone ${zone.name}`,
    ];
  }
  const twins = siblings.filter((each) => each.type === record.type);
  if (twins.some((each) => (each.setIdentifier === undefined) !== (record.setIdentifier === undefined))) {
    return [
      `${shape(record)}, SetIdentifier ${record.setIdentifier ?? 'null'} cannot be created as other RRSets exist with the same name and type`,
    ];
  }
  return [];
}
