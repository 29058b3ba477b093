import { ListResourceRecordSetsCommand } from '@aws-sdk/client-route-53';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { Database } from '../../../activities/postgres/database.ts';
import type { ScopeDependencies } from '../../../activities/scope/dependencies.ts';
import { type RemoveInput, removeDnsRecord } from '../../../activities/scope/dns.ts';
import { noteRecord, recordRow } from '../../../activities/scope/ledger/records.ts';
import { testDatabase } from '../../support/servers.ts';

/** Removal of a record that another scope adopts at that moment: the ledger is real, Route 53 answers by hand. */

const server = testDatabase();
let database: Database;
const of = { zoneId: 'Z', name: 'd.example.com', type: 'A' } as const;
const target = 'one.us-east-1.elb.amazonaws.com';

beforeAll(() => {
  database = new Database({ url: server.url, poolSize: 2 });
});
afterAll(() => database.close());

beforeEach(async () => {
  await database.query('truncate dns_record');
  await noteRecord(database, { ...of, scopeId: 'a', target, origin: 'made', madeBy: 'run-of-a' }, true);
});

const found = {
  Name: of.name,
  Type: 'A',
  AliasTarget: { DNSName: target, HostedZoneId: 'ZA', EvaluateTargetHealth: false },
};

/** Removes the record of scope a; while Route 53 is asked, scope b adopts it. Answers the outcome and the calls. */
async function removeDuringAdoption(input: Partial<RemoveInput>, records: object[]) {
  const calls: string[] = [];
  const send = async (command: object) => {
    calls.push(command.constructor.name);
    if (!(command instanceof ListResourceRecordSetsCommand)) return { ChangeInfo: { Id: 'C' } };
    await noteRecord(database, { ...of, scopeId: 'b', target, origin: 'adopted', madeBy: 'run-of-b' }, false);
    return { ResourceRecordSets: records, IsTruncated: false };
  };
  const aws = { route53: { send }, sendRoute53: (_: string, __: string, call: () => unknown) => call() };
  const deps = { database, aws } as unknown as ScopeDependencies;
  const { outcome } = await removeDnsRecord(deps, { scopeId: 'a', zoneId: of.zoneId, name: of.name, ...input });
  return { outcome, calls };
}

test.each([
  ['by a deletion', {}, 'foreign'],
  ['by a deletion that knows the balancer', { balancerDnsName: target }, 'foreign'],
  ['by a deletion that adopts', { adoptFrom: 'us-east-1' }, 'foreign'],
  ['by a run that undoes', { onlyMadeBy: 'run-of-a' }, 'kept'],
])('a record that another scope adopts meanwhile is left %s', async (_, input, outcome) => {
  expect(await removeDuringAdoption(input, [found])).toEqual({ outcome, calls: ['ListResourceRecordSetsCommand'] });
  expect(await recordRow(database, of.zoneId, of.name, of.type)).toMatchObject({ scopeId: 'b' });
});

test('what another scope noted of a record that is absent is not forgotten', async () => {
  expect((await removeDuringAdoption({}, [])).outcome).toBe('absent');
  expect(await recordRow(database, of.zoneId, of.name, of.type)).toMatchObject({ scopeId: 'b' });
});
