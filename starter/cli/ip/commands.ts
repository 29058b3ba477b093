import { type Command, Option } from 'commander';
import type { IpClaim, IpClaimSpec, IpFamily, IpImportReport, IpReleaseResult, WaitOptions } from '../../client.ts';
import { NotFound } from '../../errors.ts';
import { type Context, positiveWhole, waitingSeconds } from '../command.ts';
import { exitCodes } from '../exit-codes.ts';
import { UsageError } from '../failing.ts';
import { memberName, membersOf } from './batch.ts';
import { asOwner, type OwnerOptions, poolRef, poolSelector, type Session, say, withOwner } from './options.ts';
import { addPoolCommands } from './pools.ts';
import { addressesOf, change, claimLines, claimTable, eventTable, importLines, verifyLines } from './print.ts';

/** `groundwork ip ...` */

interface ClaimOptions extends OwnerOptions {
  namespace: string;
  pool?: string;
  selector?: string;
  project?: string;
  prefixLength?: number;
  cidr?: string;
  family?: IpFamily;
  count?: number;
  retain?: boolean;
  ttl?: number;
  wait?: number;
  dryRun?: boolean;
  requestId?: string;
  deadline?: number;
}

export function addIpCommands(program: Command, context: Context): void {
  const ip = program.command('ip').description('claim address blocks, and look after pools');
  const { io } = context;
  addPoolCommands(ip, context);

  withNamespace(withOwner(ip.command('claim').description('claim a block, or a batch of equal blocks')))
    .argument('<name>', 'name of the claim')
    .option('--pool <pool>', 'from this pool; OWNER/NAME for one that is shared')
    .option('--selector <labels>', 'from a pool with these labels, for example env=prod,region in (a,b)')
    .option('--project <owner>', 'whose pools the selector looks at')
    .option('--prefix-length <length>', 'length of the block', positiveWhole)
    .option('--cidr <cidr>', 'a specific block')
    .addOption(new Option('--family <family>', 'default: of the block, else of the pool').choices(['IPv4', 'IPv6']))
    .option('--count <count>', 'so many blocks, named NAME-0 and so on', positiveWhole)
    .option('--retain', 'a release keeps the block for this name')
    .option('--ttl <seconds>', 'length of the lease', positiveWhole)
    .option('--wait <seconds>', 'wait for room', positiveWhole)
    .option('--dry-run', 'only say which block it would be')
    .option('--request-id <id>', 'names this intent: repeated with the same id, the first outcome is told again')
    .option('--deadline <seconds>', 'stop waiting for the answer after that', waitingSeconds)
    .action(async (name: string, options: ClaimOptions) =>
      asOwner(context, options, async (session) => {
        const { groundwork, owner, actor } = session;
        const deadline =
          options.deadline === undefined ? {} : { deadline: new Date(Date.now() + options.deadline * 1000) };
        const spec = await specOf(session, name, options, deadline);
        const { namespace, wait } = options;
        const request = { owner, ...actor, namespace, name, spec, ...(wait ? { waitSeconds: wait } : {}) };
        const call = {
          ...(options.requestId === undefined ? {} : { requestId: options.requestId }),
          ...deadline,
        };
        const answer = await (options.dryRun ? groundwork.ip.plan(request, call) : groundwork.ip.claim(request, call));
        const cidrs = (answer.allocations ?? [answer]).map(({ allocatedCIDR }) => allocatedCIDR);
        const size = cidrs.reduce((sum, cidr) => sum + addressesOf(cidr), 0n);
        const use =
          options.json || options.quiet
            ? ''
            : await useOf(session, answer.pool, answer.replayed ? 0n : size, answer.dryRun, deadline);
        say(io, options, answer, cidrs, (colors) => claimLines(answer, use, colors));
      }),
    );

  withNamespace(withOwner(ip.command('release').description('end a claim and give its block back')))
    .argument('[name]', 'name of the claim')
    .option('--uid <uid>', 'of one life of a claim, instead of a name')
    .option('--purge', 'also what a claim would retain')
    .option('--all', 'every member of the batch of that name')
    .action(async (name: string | undefined, options: OwnerOptions & ReleaseOptions) =>
      asOwner(context, options, async (session) => {
        const lives = await livesOf(session, name, options);
        const results: IpReleaseResult[] = [];
        for (const uid of lives) {
          const mode = options.purge ? ('Delete' as const) : ('Policy' as const);
          results.push(await session.groundwork.ip.release({ owner: session.owner, ...session.actor, uid, mode }));
        }
        const cidrs = results.flatMap(({ claim }) => (claim ? [claim.allocatedCIDR] : []));
        const lines =
          options.json || options.quiet ? [] : await Promise.all(results.map((one) => releaseLine(session, one)));
        say(io, options, options.all ? results : results[0], cidrs, () => lines);
        if (results.some(({ outcome }) => outcome === 'unknown')) context.exit(exitCodes.notFound);
      }),
    );

  withNamespace(withOwner(ip.command('renew').description('move the end of a lease')))
    .argument('<name>', 'name of the claim')
    .option('--ttl <seconds>', 'from now; default is the length of the lease', positiveWhole)
    .action(async (name: string, options: OwnerOptions & { namespace: string; ttl?: number }) =>
      asOwner(context, options, async (session) => {
        const claim = await claimOf(session, options.namespace, name);
        const ttl = options.ttl === undefined ? {} : { ttlSeconds: options.ttl };
        const result = await session.groundwork.ip.renew({
          owner: session.owner,
          ...session.actor,
          uid: claim.uid,
          ...ttl,
        });
        say(io, options, result, [claim.allocatedCIDR], () => [
          `Claim ${options.namespace}/${name} is held until ${result.expiresAt}`,
        ]);
      }),
    );

  withOwner(ip.command('list').description('claims, or who held an address when'))
    .option('--namespace <name>', 'of one namespace')
    .option('--pool <pool>', 'in one pool; in one of your own, of everybody')
    .option('--history <cidr>', 'everything that happened to it, newest first')
    .option('--limit <count>', 'at most so many, 500 at most', positiveWhole)
    .action(async (options: OwnerOptions & ListOptions) =>
      asOwner(context, options, async ({ groundwork, owner }) => {
        const { inventory } = groundwork.ip;
        const pool = options.pool === undefined ? undefined : poolRef(options.pool);
        if (options.history !== undefined) {
          const events = await inventory.events(owner, { cidr: options.history, pool, limit: options.limit });
          const cidrs = events.flatMap(({ cidr }) => (cidr ? [cidr] : []));
          say(io, options, events, cidrs, (colors) => eventTable(events, colors));
          return;
        }
        const claims = await inventory.claims(owner, { namespace: options.namespace, pool, limit: options.limit });
        const cidrs = claims.map(({ allocatedCIDR }) => allocatedCIDR);
        say(io, options, claims, cidrs, (colors) => claimTable(claims, colors));
      }),
    );

  withOwner(ip.command('import').description('take over blocks that are held elsewhere'))
    .argument('<pool>', 'name of the pool')
    .argument('<file>', 'CSV with a header (namespace,name,cidr,owner,reclaimPolicy,ttlSeconds), or JSON')
    .option('--atomic', 'all rows or none; 5000 at most')
    .option('--dry-run', 'only say what would be')
    .action(async (name: string, file: string, options: OwnerOptions & { atomic?: boolean; dryRun?: boolean }) => {
      const { importRows } = await import('./import-file.ts');
      const rows = await importRows(file);
      if (options.atomic && rows.length > ROWS_OF_A_RUN)
        throw new UsageError(`--atomic takes at most ${ROWS_OF_A_RUN} rows, and ${file} has ${rows.length}`);
      await asOwner(context, options, async ({ groundwork, owner, actor }) => {
        const reports: IpImportReport[] = [];
        const how = { atomic: options.atomic ?? false, dryRun: options.dryRun ?? false };
        for (let from = 0; from < rows.length; from += ROWS_OF_A_RUN)
          reports.push(
            await groundwork.ip.pools.import({ owner, name, ...actor }, rows.slice(from, from + ROWS_OF_A_RUN), how),
          );
        const report = joined(reports);
        say(io, options, report, [], (colors) => importLines(report, colors));
        if (report.conflicts > 0) context.exit(exitCodes.conflict);
      });
    });

  withOwner(ip.command('verify').description('prove that every address of a pool is accounted for once'))
    .argument('[pool]', 'name of the pool; default: all of the owner')
    .option('--rebuild', 'make the free list of the pool anew first')
    .action(async (name: string | undefined, options: OwnerOptions & { rebuild?: boolean }) => {
      if (options.rebuild && name === undefined) throw new UsageError('--rebuild needs the name of a pool');
      await asOwner(context, options, async ({ groundwork, owner, actor }) => {
        const rebuilt = options.rebuild
          ? (await groundwork.ip.pools.change({ owner, name: name ?? '', ...actor }, { kind: 'rebuild' })).changed
          : [];
        const found = await groundwork.ip.inventory.verify(owner, name === undefined ? undefined : { name });
        const cidrs = found.problems.flatMap(({ cidr }) => (cidr ? [cidr] : []));
        say(io, options, { ...found, rebuilt }, cidrs, (colors) => [
          ...rebuilt.map((line) => `rebuilt: ${line}`),
          ...verifyLines(found.verified, found.problems, colors),
        ]);
        if (found.problems.length > 0) context.exit(exitCodes.unexpected);
      });
    });
}

/** Rows that one run imports; a file with more is imported by several. */
const ROWS_OF_A_RUN = 5000;

interface ReleaseOptions {
  namespace: string;
  uid?: string;
  purge?: boolean;
  all?: boolean;
}

interface ListOptions {
  namespace?: string;
  pool?: string;
  history?: string;
  limit?: number;
}

function withNamespace(command: Command): Command {
  return command.option('-n, --namespace <name>', 'namespace of the claim', 'default');
}

async function specOf(session: Session, name: string, options: ClaimOptions, wait: WaitOptions): Promise<IpClaimSpec> {
  const { pool, selector, project, prefixLength, cidr, count, retain, ttl } = options;
  return {
    ipFamily: await familyOf(session, name, options, wait),
    ...(pool === undefined ? {} : { poolRef: poolRef(pool) }),
    ...(selector === undefined ? {} : { poolSelector: poolSelector(selector, project) }),
    ...(prefixLength === undefined ? {} : { prefixLength }),
    ...(cidr === undefined ? {} : { requestedCIDR: cidr }),
    ...(count === undefined ? {} : { count }),
    ...(retain ? { reclaimPolicy: 'Retain' as const } : {}),
    ...(ttl === undefined ? {} : { ttlSeconds: ttl }),
  };
}

/**
 * What the caller did not say follows from the block, else from the pool; when that may not be looked at any more, from the
 * block that the claim holds already.
 */
async function familyOf(
  { groundwork, owner }: Session,
  name: string,
  options: ClaimOptions,
  wait: WaitOptions,
): Promise<IpFamily> {
  const { family, cidr, pool, count = 1, namespace } = options;
  if (family) return family;
  if (cidr !== undefined) return cidr.includes(':') ? 'IPv6' : 'IPv4';
  if (pool === undefined) return 'IPv4';
  const { inventory } = groundwork.ip;
  try {
    return (await inventory.pool(owner, poolRef(pool), wait)).pool.ipFamily;
  } catch (error) {
    const held = { namespace, name: count > 1 ? memberName(name, 0) : name, limit: 1 };
    const [claim] = await inventory.claims(owner, held, wait).catch(() => []);
    if (claim) return claim.ipFamily;
    throw error;
  }
}

/**
 * Use of the pool before and after a change of `added` addresses that has been made, or would be; empty when the pool cannot be
 * looked at: the change stands all the same.
 */
async function useOf(
  { groundwork, owner }: Session,
  pool: { owner: string; name: string },
  added: bigint,
  planned = false,
  wait: WaitOptions = {},
): Promise<string> {
  const ref = { name: pool.name, projectRef: { name: pool.owner } };
  const seen = await groundwork.ip.inventory.pool(owner, ref, wait).catch(() => undefined);
  if (!seen) return '';
  const { capacity } = seen.pool.status;
  const after = planned ? { ...capacity, allocated: String(BigInt(capacity.allocated) + added) } : capacity;
  return change(after, added);
}

async function releaseLine(session: Session, { uid, outcome, claim }: IpReleaseResult): Promise<string> {
  if (outcome === 'unknown') return `There is no claim ${uid}.`;
  if (!claim) return `Claim ${uid} was released before.`;
  const { namespace, name, allocatedCIDR, pool } = claim;
  const freed = outcome === 'released' ? -addressesOf(allocatedCIDR) : 0n;
  const use = await useOf(session, pool, freed);
  return `Claim ${namespace}/${name}: ${allocatedCIDR} is ${outcome}.${use && ` utilization ${use}`}`;
}

/** The lives that a release is about, by uid: what is looked up now is what is released. */
async function livesOf(session: Session, name: string | undefined, options: ReleaseOptions): Promise<string[]> {
  if ((name === undefined) === (options.uid === undefined))
    throw new UsageError('give the name of the claim or its --uid');
  const { refuseAllocationName } = await import('../../ip/check.ts');
  refuseAllocationName(options.uid ?? name ?? '');
  if (options.uid !== undefined) return [options.uid];
  if (!options.all) return [(await claimOf(session, options.namespace, name ?? '')).uid];
  const claims = await session.groundwork.ip.inventory.claims(session.owner, { namespace: options.namespace });
  return membersOf(name ?? '', claims).map(({ uid }) => uid);
}

async function claimOf({ groundwork, owner }: Session, namespace: string, name: string): Promise<IpClaim> {
  const [claim] = await groundwork.ip.inventory.claims(owner, { namespace, name, limit: 1 });
  if (claim) return claim;
  throw new NotFound(`${owner} has no claim ${namespace}/${name}`, { reason: 'ClaimNotFound' });
}

function joined(reports: readonly IpImportReport[]): IpImportReport {
  const sum = (key: 'imported' | 'unchanged' | 'conflicts') =>
    reports.reduce((total, report) => total + report[key], 0);
  return {
    imported: sum('imported'),
    unchanged: sum('unchanged'),
    conflicts: sum('conflicts'),
    conflictList: reports.flatMap(({ conflictList }) => conflictList),
    atomic: reports.some(({ atomic }) => atomic),
    dryRun: reports.some(({ dryRun }) => dryRun),
  };
}
