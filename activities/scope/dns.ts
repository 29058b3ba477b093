import type { ResourceRecordSet } from '@aws-sdk/client-route-53';
import type { DnsRecordStatus } from '../../contract/scope/status.ts';
import { type FoundRecord, findAlias } from '../../domain/scope/dns.ts';
import { balancerDnsName } from '../../domain/scope/hosts.ts';
import type { HostedZone } from '../../domain/scope/request.ts';
import { AwsCallError } from '../aws/errors.ts';
import { aliasRecord, batchRefusal, changeInSync, changeRecord, foundRecord, readRecords } from '../aws/records.ts';
import { notYet, permanent } from '../failures.ts';
import type { PoolKey, ScopeDependencies } from './dependencies.ts';
import { hostConflict } from './ledger/hosts.ts';
import { mismatchOf, readIdentity } from './ledger/identity.ts';
import { forgetRecord, madeForScope, noteRecord, type RecordRow, recordRow } from './ledger/records.ts';
import { observeRegion } from './observation.ts';

/** Records in Route 53: looked up, written with ownership, removed only when ours (specs: scope creation, sections 6 and 8). */

export interface LookupInput {
  scopeId: string;
  domain: string;
  zones: HostedZone[];
  pool: PoolKey;
  reader: string;
  maxAgeSeconds: number;
}

export interface Lookup {
  alias?: { balancer: string; reason: string };
  /** Zones in which the name had no record at all. */
  absentIn: string[];
}

/** Where the domain leads now. Fails with `DnsRecordConflict`, or `ScopeMismatch`, before anything is made. Reading twice is harmless. */
export async function findExistingAlias(deps: ScopeDependencies, input: LookupInput): Promise<Lookup> {
  const found: FoundRecord[] = [];
  const absentIn: string[] = [];
  for (const zone of input.zones) {
    const records = await zoneErrors(zone.id, () => readRecords(deps.aws, zone.id, input.domain));
    if (records.length === 0) absentIn.push(zone.id);
    found.push(...records.map((record) => foundRecord(zone.id, record)));
  }
  if (found.length === 0) return { absentIn };
  const isOurs = await madeForScope(deps.database, input.scopeId);
  const { value: region } = await observeRegion(deps, input.pool.account, input.pool.region, {
    maxAgeSeconds: input.maxAgeSeconds,
    reader: input.reader,
  });
  const balancers = region.balancers.map(({ name, dnsName, scheme }) => ({ name, dnsName: dnsName ?? '', scheme }));
  const finding = findAlias(input.domain, found, balancers, input.pool.scheme, isOurs);
  if (finding.kind === 'conflict') {
    await refuseAnotherIdentity(deps, input);
    throw conflict(finding.record, finding.message);
  }
  return finding.kind === 'bound'
    ? { alias: { balancer: finding.balancer, reason: finding.reason }, absentIn }
    : { absentIn };
}

/** A scope that exists under other values is told so: the record in the way may be its own, which nobody is to remove. */
async function refuseAnotherIdentity(deps: ScopeDependencies, { scopeId, domain, pool }: LookupInput): Promise<void> {
  const held = await readIdentity(deps.database, scopeId);
  const visibility = pool.scheme === 'internal' ? 'private' : 'public';
  const { region } = pool;
  const mismatch = held && mismatchOf({ scopeId, domain, visibility, dnsType: 'route53', region }, held);
  if (mismatch) throw permanent(mismatch.type, mismatch.message, mismatch.details);
}

export interface EnsureInput {
  scopeId: string;
  run: string;
  zone: HostedZone;
  name: string;
  target: { dnsName: string; canonicalHostedZoneId: string };
  /** The run's own look-up found no record of this name in the zone. */
  knownAbsent: boolean;
}

export interface Ensured {
  record: DnsRecordStatus;
  /** Change to wait for; absent when nothing was written. */
  changeId?: string;
}

/**
 * Makes the alias record of a scope in one zone. Twice, or with a lost answer, is harmless: the ledger row of a new record is
 * written before the call, so one that "already exists" with our target is recognised as ours.
 */
export async function ensureDnsRecord(deps: ScopeDependencies, input: EnsureInput): Promise<Ensured> {
  const { zone, name, target } = input;
  const row = await recordRow(deps.database, zone.id, name, 'A');
  const ours = row?.scopeId === input.scopeId;
  const current =
    !ours && input.knownAbsent ? [] : await zoneErrors(zone.id, () => readRecords(deps.aws, zone.id, name));
  const matching = current.find((record) => leadsTo(record, target));
  if (matching && !(ours && row.origin === 'made' && row.madeBy === input.run)) {
    const noted = await note(deps, input, ours ? row.origin : 'adopted');
    return { record: status(input, noted.origin, 'in-sync') };
  }
  // What this run wrote itself is written once more when its answer was lost: only an answer names the change to wait for.
  const foreign = current.find((record) => ['A', 'AAAA', 'CNAME'].includes(record.Type ?? ''));
  if (foreign && !(ours && row.origin === 'made' && foreign.Type === 'A'))
    throw conflict(foundRecord(zone.id, foreign), 'was not made by Groundwork for this scope');

  if (foreign) {
    // The row keeps the target of our record until that has changed: a deletion knows the record by it.
    const changeId = await changeOwn(deps, input);
    await note(deps, input, 'made');
    return { record: status(input, 'made', 'pending'), changeId };
  }
  await note(deps, input, 'made', true);
  return { record: status(input, 'made', 'pending'), changeId: await create(deps, input) };
}

/** Lets a record that is ours lead to the target. */
function changeOwn(deps: ScopeDependencies, { zone, name, target }: EnsureInput): Promise<string> {
  return zoneErrors(zone.id, () => changeRecord(deps.aws, zone.id, 'UPSERT', aliasRecord(name, target))).catch(
    (error: unknown) => {
      if (error instanceof AwsCallError && error.code === 'InvalidChangeBatch') throw refused(zone.id, name, error);
      throw error;
    },
  );
}

async function create(deps: ScopeDependencies, input: EnsureInput): Promise<string> {
  const { zone, name, target } = input;
  try {
    return await changeRecord(deps.aws, zone.id, 'CREATE', aliasRecord(name, target));
  } catch (error) {
    if (!(error instanceof AwsCallError)) throw error;
    if (error.code === 'NoSuchHostedZone') throw zoneMissing(zone.id);
    if (error.code !== 'InvalidChangeBatch') throw error;
    if (batchRefusal(error) !== 'exists') {
      await forgetIfAbsent(deps, input);
      throw refused(zone.id, name, error);
    }
    const current = await readRecords(deps.aws, zone.id, name);
    // The answer to our own CREATE was lost: the record is there and leads where it should.
    if (current.some((record) => leadsTo(record, target))) return changeOwn(deps, input);
    const [other] = current;
    await forgetRecord(deps.database, input.scopeId, { zoneId: zone.id, name, type: 'A' });
    throw conflict(
      other ? foundRecord(zone.id, other) : { zoneId: zone.id, name, type: 'A', target: 'unknown', alias: false },
      'appeared meanwhile and was not made by Groundwork',
    );
  }
}

async function forgetIfAbsent(deps: ScopeDependencies, input: EnsureInput): Promise<void> {
  const current = await readRecords(deps.aws, input.zone.id, input.name);
  if (!current.some((record) => leadsTo(record, input.target)))
    await forgetRecord(deps.database, input.scopeId, { zoneId: input.zone.id, name: input.name, type: 'A' });
}

function note(deps: ScopeDependencies, input: EnsureInput, origin: 'made' | 'adopted', anew = false) {
  const { zone, name, scopeId, target, run } = input;
  const row = { zoneId: zone.id, name, type: 'A', scopeId, target: target.dnsName, origin, madeBy: run };
  return noteRecord(deps.database, row, anew);
}

export interface SyncInput {
  changes: { changeId: string; zoneId: string }[];
  since: string;
  until: string;
}

/** One look whether all changes are in sync; "not yet" is a retried attempt, past `until` it is `DnsTimeout`. */
export async function watchDnsSync(deps: ScopeDependencies, input: SyncInput): Promise<void> {
  // The last one first: while it is pending, one call is a look.
  for (const { changeId, zoneId } of [...input.changes].reverse()) {
    if (await changeInSync(deps.aws, changeId)) continue;
    if (Date.now() >= Date.parse(input.until)) {
      const message = `change ${changeId} of zone ${zoneId} was not in sync by ${input.until}. Repeat the request; AWS usually needs a minute.`;
      throw permanent('DnsTimeout', message, { changeId, zone: zoneId, since: input.since, until: input.until });
    }
    const left = (Date.parse(input.until) - Date.now()) / 1000;
    throw notYet(
      `change ${changeId} of zone ${zoneId} is PENDING`,
      Math.max(0.001, Math.min(deps.settings.timings.dnsPollInterval, left)),
    );
  }
}

export interface RemoveInput {
  scopeId: string;
  zoneId: string;
  name: string;
  /** DNS name of the placement's balancer: an alias to it counts as ours. */
  balancerDnsName?: string;
  /** Set when undoing: only a record that this run made is removed; null: one that is no run's to undo any more. */
  onlyMadeBy?: string | null;
  /**
   * The caller answers for a scope that the ledger does not know: an alias to any balancer of this region is its record,
   * unless the ledger knows it as another scope's. A name that another live scope has is `HostConflict`.
   */
  adoptFrom?: string;
}

export type Removal = { outcome: 'removed' } | { outcome: 'absent' } | { outcome: 'foreign' | 'kept'; target: string };

const MOST_READS = 5;

/** Deletes the record with exactly the values read. Twice is harmless: absent is done. */
export async function removeDnsRecord(deps: ScopeDependencies, input: RemoveInput): Promise<Removal> {
  const { scopeId, zoneId, name } = input;
  const forget = () => forgetRecord(deps.database, scopeId, { zoneId, name, type: 'A' });
  const isKept = (row: RecordRow | undefined) =>
    input.onlyMadeBy !== undefined && (row?.madeBy !== input.onlyMadeBy || row.origin !== 'made');
  const before = await recordRow(deps.database, zoneId, name, 'A');
  if (isKept(before)) return { outcome: 'kept', target: before?.target ?? '' };
  if (input.adoptFrom !== undefined) {
    const taken = await hostConflict(deps.database, { scopeId, hosts: [name] });
    if (taken) throw permanent(taken.type, taken.message, taken.details);
  }
  for (let reads = 0; reads < MOST_READS; reads++) {
    const current = await readRecords(deps.aws, zoneId, name).catch((error: unknown) => {
      if (error instanceof AwsCallError && error.code === 'NoSuchHostedZone') return [];
      throw error;
    });
    const record = current.find(({ Type }) => Type === 'A') ?? current.find(({ Type }) => Type === 'CNAME');
    if (!record) {
      await forget();
      return { outcome: 'absent' };
    }
    const found = foundRecord(zoneId, record);
    // Read last: another scope may have adopted the record meanwhile.
    const row = await recordRow(deps.database, zoneId, name, 'A');
    if (isKept(row)) return { outcome: 'kept', target: found.target };
    const own = row?.scopeId === scopeId;
    const byLedger = own && sameTarget(found.target, row.target);
    const unclaimed = (own || !row) && found.alias;
    const byTarget =
      unclaimed && input.balancerDnsName !== undefined && sameTarget(found.target, input.balancerDnsName);
    const adopted = unclaimed && input.adoptFrom !== undefined && isBalancerOf(input.adoptFrom, found.target);
    if (!byLedger && !byTarget && !adopted) {
      // It is somebody else's by now: the next creation may not take it for ours.
      if (own) await forget();
      return { outcome: 'foreign', target: found.target };
    }
    try {
      await changeRecord(deps.aws, zoneId, 'DELETE', record);
      await forget();
      return { outcome: 'removed' };
    } catch (error) {
      if (!(error instanceof AwsCallError) || error.code !== 'InvalidChangeBatch') throw error;
      // Somebody was faster, or changed the record meanwhile: look again.
      if (batchRefusal(error) === 'other') throw refused(zoneId, name, error);
    }
  }
  throw notYet(`the record ${name} in zone ${zoneId} keeps changing`, deps.settings.timings.dnsPollInterval);
}

/** Whether a name is that of a load balancer of the region, which need not exist any more. */
function isBalancerOf(region: string, target: string): boolean {
  return balancerDnsName(target).endsWith(`.${region}.elb.amazonaws.com`);
}

function leadsTo(record: ResourceRecordSet, target: { dnsName: string; canonicalHostedZoneId: string }): boolean {
  const alias = record.AliasTarget;
  return (
    record.Type === 'A' &&
    alias?.HostedZoneId === target.canonicalHostedZoneId &&
    sameTarget(alias.DNSName ?? '', target.dnsName)
  );
}

function sameTarget(a: string, b: string): boolean {
  return balancerDnsName(a) === balancerDnsName(b);
}

function status(input: EnsureInput, origin: 'made' | 'adopted', state: 'pending' | 'in-sync'): DnsRecordStatus {
  return { zoneId: input.zone.id, name: input.name, type: 'A', target: input.target.dnsName, state, origin };
}

function conflict(record: FoundRecord, why: string) {
  const message = `${record.type} ${record.name} in zone ${record.zoneId} points at ${record.target}: it ${why}. Remove it or choose another domain.`;
  return permanent('DnsRecordConflict', message, {
    zone: record.zoneId,
    name: record.name,
    type: record.type,
    target: record.target,
  });
}

function refused(zone: string, name: string, error: AwsCallError) {
  const message = `Route 53 refused the record ${name} in zone ${zone}: ${error.message}`;
  return permanent('DnsRefused', message, { zone, name, text: error.message }, error);
}

function zoneMissing(zoneId: string) {
  return permanent('DnsZoneMissing', `hosted zone ${zoneId} does not exist. Correct hostedZones.`, { zone: zoneId });
}

async function zoneErrors<T>(zoneId: string, run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    if (error instanceof AwsCallError && error.code === 'NoSuchHostedZone') throw zoneMissing(zoneId);
    throw error;
  }
}
