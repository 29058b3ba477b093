import {
  type Change,
  ChangeResourceRecordSetsCommand,
  GetChangeCommand,
  ListResourceRecordSetsCommand,
  type ListResourceRecordSetsCommandOutput,
  type ResourceRecordSet,
} from '@aws-sdk/client-route-53';
import type { FoundRecord } from '../../domain/scope/dns.ts';
import { fromRoute53Name } from '../../domain/scope/hosts.ts';
import type { AwsClients } from './clients.ts';
import { AwsCallError } from './errors.ts';

/** Record sets of Route 53: read by name, changed one per batch. */

/** All record sets of exactly `name` in a zone, as AWS holds them. */
export async function readRecords(aws: AwsClients, zoneId: string, name: string): Promise<ResourceRecordSet[]> {
  const permission = 'route53:ListResourceRecordSets';
  const found: ResourceRecordSet[] = [];
  let start: { StartRecordName: string; StartRecordType?: ResourceRecordSet['Type']; StartRecordIdentifier?: string } =
    { StartRecordName: name };
  for (;;) {
    const page = await aws.sendRoute53(permission, `zone ${zoneId}`, (abortSignal) =>
      aws.route53.send(new ListResourceRecordSetsCommand({ HostedZoneId: zoneId, MaxItems: 20, ...start }), {
        abortSignal,
      }),
    );
    if (page.ResourceRecordSets === undefined || page.IsTruncated === undefined) {
      throw incomplete(permission, zoneId);
    }
    const same = page.ResourceRecordSets.filter((record) => fromRoute53Name(record.Name ?? '') === name);
    found.push(...same);
    // Record sets come in order of name: the first other name ends the search.
    if (!page.IsTruncated || same.length < page.ResourceRecordSets.length || !page.NextRecordName) return found;
    start = nextStart(page, page.NextRecordName);
  }
}

/** Every record set of a zone, page by page: for comparing many names at the price of one call for each 300 records. */
export async function* listRecords(aws: AwsClients, zoneId: string): AsyncGenerator<ResourceRecordSet[]> {
  const permission = 'route53:ListResourceRecordSets';
  let start: { StartRecordName?: string; StartRecordType?: ResourceRecordSet['Type']; StartRecordIdentifier?: string } =
    {};
  for (;;) {
    const page = await aws.sendRoute53(permission, `zone ${zoneId}`, (abortSignal) =>
      aws.route53.send(new ListResourceRecordSetsCommand({ HostedZoneId: zoneId, MaxItems: 300, ...start }), {
        abortSignal,
      }),
    );
    if (page.ResourceRecordSets === undefined || page.IsTruncated === undefined) throw incomplete(permission, zoneId);
    yield page.ResourceRecordSets;
    if (!page.IsTruncated || !page.NextRecordName) return;
    start = nextStart(page, page.NextRecordName);
  }
}

function nextStart(page: ListResourceRecordSetsCommandOutput, StartRecordName: string) {
  return {
    StartRecordName,
    ...(page.NextRecordType ? { StartRecordType: page.NextRecordType } : {}),
    ...(page.NextRecordIdentifier ? { StartRecordIdentifier: page.NextRecordIdentifier } : {}),
  };
}

function incomplete(permission: string, zoneId: string): AwsCallError {
  const message = 'the answer lacks the record sets';
  return new AwsCallError('unknown', 'IncompleteAnswer', message, permission, `zone ${zoneId}`);
}

/** What we compare of a record set. */
export function foundRecord(zoneId: string, record: ResourceRecordSet): FoundRecord {
  const values = (record.ResourceRecords ?? []).map(({ Value }) => Value ?? '');
  return {
    zoneId,
    name: fromRoute53Name(record.Name ?? ''),
    type: record.Type ?? '',
    target: record.AliasTarget?.DNSName ?? values.join(','),
    alias: record.AliasTarget !== undefined,
  };
}

/** The alias record of a scope: type A, evaluated without target health. */
export function aliasRecord(
  name: string,
  target: { dnsName: string; canonicalHostedZoneId: string },
): ResourceRecordSet {
  return {
    Name: name,
    Type: 'A',
    AliasTarget: { HostedZoneId: target.canonicalHostedZoneId, DNSName: target.dnsName, EvaluateTargetHealth: false },
  };
}

/** Sends a batch of one change and returns the id to ask after. */
export async function changeRecord(
  aws: AwsClients,
  zoneId: string,
  action: 'CREATE' | 'UPSERT' | 'DELETE',
  record: ResourceRecordSet,
): Promise<string> {
  const permission = 'route53:ChangeResourceRecordSets';
  const change: Change = { Action: action, ResourceRecordSet: record };
  const answer = await aws.sendRoute53(permission, `zone ${zoneId}`, (abortSignal) =>
    aws.route53.send(
      new ChangeResourceRecordSetsCommand({
        HostedZoneId: zoneId,
        ChangeBatch: { Changes: [change], Comment: 'Groundwork' },
      }),
      { abortSignal },
    ),
  );
  const id = answer.ChangeInfo?.Id;
  if (!id)
    throw new AwsCallError(
      'unknown',
      'IncompleteAnswer',
      'the answer lacks the id of the change',
      permission,
      `zone ${zoneId}`,
    );
  return id.replace(/^\/change\//, '');
}

/** Whether a change has reached all name servers. */
export async function changeInSync(aws: AwsClients, changeId: string): Promise<boolean> {
  const answer = await aws.sendRoute53('route53:GetChange', `change ${changeId}`, (abortSignal) =>
    aws.route53.send(new GetChangeCommand({ Id: changeId }), { abortSignal }),
  );
  return answer.ChangeInfo?.Status === 'INSYNC';
}

/** Which refusal an `InvalidChangeBatch` carries, by its text. */
export function batchRefusal(error: AwsCallError): 'exists' | 'not-found' | 'other-values' | 'other' {
  const text = error.message.toLowerCase();
  if (text.includes('already exists')) return 'exists';
  if (text.includes('do not match the current values')) return 'other-values';
  if (text.includes('was not found') || text.includes('not found')) return 'not-found';
  return 'other';
}
