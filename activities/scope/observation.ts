import { setTimeout as delay } from 'node:timers/promises';
import { declaredByWorker } from '../../domain/scope/configuration.ts';
import type { Observation } from '../../domain/scope/placement.ts';
import { AwsCallError } from '../aws/errors.ts';
import { type BalancerDetails, type ListedBalancer, listLoadBalancers, readBalancer } from '../aws/load-balancers.ts';
import { notYet, permanent } from '../failures.ts';
import { activitySignal } from '../signal.ts';
import type { PoolKey, ScopeDependencies } from './dependencies.ts';
import { leaseBalancers, type ReadingAges, type SharedReading, shared } from './sharing.ts';

/** Balancers as AWS shows them, read through the ledger so that concurrent runs share the calls. */

export interface RegionReading {
  balancers: ListedBalancer[];
}

/** Details of one balancer; null when it was gone when its listeners were asked for. */
export type DetailsReading = (BalancerDetails & { arn: string }) | null;

/** The stored form of `DetailsReading`: JSON null would look like "never read". */
export type StoredDetails = (BalancerDetails & { arn: string }) | 'gone';

export type Ages = Omit<ReadingAges, 'leaseSeconds'>;

/** The list of a region's balancers, read once for all. */
export async function observeRegion(
  deps: ScopeDependencies,
  account: string,
  region: string,
  ages: Ages,
): Promise<SharedReading<RegionReading>> {
  return shared(
    deps.database,
    {
      table: 'region_observation',
      where: 'account = $1 and region = $2',
      values: [account, region],
      insert: 'insert into region_observation (account, region) values ($1, $2) on conflict do nothing',
    },
    { ...ages, leaseSeconds: deps.settings.timings.observationLease },
    async () => ({ balancers: await listLoadBalancers(deps.aws, region) }),
  );
}

/** Listeners and rules of one balancer that the region's list showed. */
export async function observeDetails(
  deps: ScopeDependencies,
  account: string,
  region: string,
  listed: ListedBalancer,
  ages: Ages & { withCertificates: boolean; leasedAt?: Date | undefined },
): Promise<SharedReading<DetailsReading>> {
  const reading = await shared<StoredDetails>(
    deps.database,
    { table: 'balancer', where: 'account = $1 and region = $2 and name = $3', values: [account, region, listed.name] },
    { ...ages, leaseSeconds: deps.settings.timings.observationLease },
    async () => {
      const details = await readBalancer(deps.aws, region, listed.arn, ages.withCertificates);
      return details ? { ...details, arn: listed.arn } : 'gone';
    },
    (stored) =>
      stored === 'gone' || (stored.arn === listed.arn && (!ages.withCertificates || stored.certificates !== undefined)),
  );
  return { value: reading.value === 'gone' ? null : reading.value, observedAt: reading.observedAt };
}

/** Joins the two readings of one balancer into what placement judges. */
export function joinReadings(
  region: RegionReading,
  name: string,
  details: DetailsReading | undefined,
): Observation | 'details-missing' {
  const listed = region.balancers.find((balancer) => balancer.name === name);
  if (!listed) return { kind: 'absent' };
  if (details === undefined) return 'details-missing';
  if (details === null) return { kind: 'absent' };
  // Details of an earlier balancer of the same name say nothing about this one.
  if (details.arn !== listed.arn) return 'details-missing';
  return {
    kind: 'seen',
    state: listed.state,
    scheme: listed.scheme,
    arn: listed.arn,
    ...(listed.dnsName ? { dnsName: listed.dnsName } : {}),
    ...(listed.canonicalHostedZoneId ? { canonicalHostedZoneId: listed.canonicalHostedZoneId } : {}),
    rules: details.rules,
    hosts: details.hosts,
    targetGroups: details.targetGroups,
    listeners: details.listeners,
    ...(details.certificates === undefined ? {} : { certificates: details.certificates }),
  };
}

export interface ObservePoolInput {
  pool: PoolKey;
  /** Names of declared balancers, and any other that placement asked for. */
  names: string[];
  /** Those of `names` that the request declares; absent for a plan, which changes no row. */
  declared?: string[];
  withCertificates: boolean;
  reader: string;
  maxAgeSeconds: number;
  /** Keep trying until nothing is unreadable: an unreadable balancer is then a retried "not yet", until `until`. */
  mustRead?: boolean;
  until?: string;
}

export interface PoolReading {
  /** Balancers that could not be read, with the last error. */
  unreadable: Record<string, string>;
}

const TRIES = 3;

/** Balancers read at the same time by one run. */
const READERS = 4;

/**
 * Refreshes what placement will judge: the region's lists, and details of the named balancers and of the pool's
 * autocreated ones. A balancer that cannot be read after `TRIES` is reported; a denied permission ends the run.
 */
export async function observePool(deps: ScopeDependencies, input: ObservePoolInput): Promise<PoolReading> {
  const { account, region, scheme } = input.pool;
  const ages = { maxAgeSeconds: input.maxAgeSeconds, reader: input.reader };
  const more = () => input.until === undefined || Date.now() < Date.parse(input.until);
  const { value: reading } = await observeRegion(deps, account, region, ages).catch((error: unknown) => {
    if (more() || !(error instanceof AwsCallError) || error.kind === 'denied') throw error;
    const message = `the balancers of ${region} could not be read by ${input.until}: ${error.permission}: ${error.message}. Repeat later.`;
    throw permanent('BalancerUnreadable', message, { lastError: error.message }, error);
  });
  const { rows } = await deps.database.query<{ name: string }>(
    `select name from balancer where account = $1 and region = $2 and scheme = $3 and origin = 'autocreated'
        and state in ('reserved', 'provisioning', 'active')`,
    [account, region, scheme],
  );
  const names = new Set([...input.names, ...rows.map(({ name }) => name)]);
  const present = reading.balancers.filter(({ name }) => names.has(name));
  await recordDeclared(
    deps,
    input.pool,
    present.filter(({ name }) => input.names.includes(name)),
    input.declared ? [...input.declared, ...declaredByWorker(deps.settings)] : [],
  );

  const unreadable: Record<string, string> = {};
  const queue = await withoutFreshDetails(deps, input, present);
  while (queue.length > 0) {
    // So few leases at a time that other runs read the rest meanwhile.
    const some = queue.splice(0, READERS);
    const names = some.map(({ name }) => name);
    const leaseSeconds = deps.settings.timings.observationLease;
    const leased = await leaseBalancers(deps.database, input.pool, names, { ...ages, leaseSeconds });
    const errors = await Promise.all(
      some.map((listed) => readDetailsPatiently(deps, input, listed, leased.get(listed.name))),
    );
    for (const [index, { name }] of some.entries()) if (errors[index]) unreadable[name] = errors[index];
  }
  await reportLoads(deps, input.pool);
  const [stuck] = Object.entries(unreadable);
  if (stuck && input.mustRead && more())
    throw notYet(`balancer ${stuck[0]} cannot be read: ${stuck[1]}`, deps.settings.timings.pollInterval);
  return { unreadable };
}

/** Those of which no reading is stored that `observeDetails` would take; placement reads the stored ones itself. */
async function withoutFreshDetails(
  deps: ScopeDependencies,
  { pool, maxAgeSeconds, withCertificates }: ObservePoolInput,
  listed: readonly ListedBalancer[],
): Promise<ListedBalancer[]> {
  const { rows } = await deps.database.query<{ name: string }>(
    `select b.name from balancer b join unnest($3::text[], $4::text[]) as listed (name, arn) using (name)
      where b.account = $1 and b.region = $2 and b.observed_at >= clock_timestamp() - $5 * interval '1 second'
        and (b.observation = '"gone"' or b.observation ->> 'arn' = listed.arn and ($6 is false or b.observation ? 'certificates'))`,
    [
      pool.account,
      pool.region,
      listed.map(({ name }) => name),
      listed.map(({ arn }) => arn),
      maxAgeSeconds,
      withCertificates,
    ],
  );
  const fresh = new Set(rows.map(({ name }) => name));
  return listed.filter(({ name }) => !fresh.has(name));
}

async function readDetailsPatiently(
  deps: ScopeDependencies,
  input: ObservePoolInput,
  listed: ListedBalancer,
  leasedAt: Date | undefined,
): Promise<string | undefined> {
  let last = '';
  for (let tried = 0; tried < TRIES; tried++) {
    if (tried > 0) await delay(100 * 2 ** tried, undefined, { signal: activitySignal() });
    try {
      await observeDetails(deps, input.pool.account, input.pool.region, listed, {
        maxAgeSeconds: input.maxAgeSeconds,
        reader: input.reader,
        withCertificates: input.withCertificates,
        leasedAt: tried === 0 ? leasedAt : undefined, // a reading that failed has let go of it
      });
      return undefined;
    } catch (error) {
      if (!(error instanceof AwsCallError) || error.kind === 'denied') throw error;
      last = `${error.permission}: ${error.message}`;
    }
  }
  return last;
}

/**
 * A declared balancer gets its row, `active`, when it is first seen. One that we made and that is declared by now becomes a
 * declared one: somebody else looks after it. Not while it is being made or removed.
 */
async function recordDeclared(
  deps: ScopeDependencies,
  pool: PoolKey,
  seen: readonly ListedBalancer[],
  declared: readonly string[],
): Promise<void> {
  const { rows } = await deps.database.query<{ name: string; arn: string | null; origin: string; state: string }>(
    'select name, arn, origin, state from balancer where account = $1 and region = $2 and name = any($3)',
    [pool.account, pool.region, seen.map(({ name }) => name)],
  );
  const known = new Map(rows.map((row) => [row.name, row]));
  const changed = seen.filter(({ name, arn }) => {
    const row = known.get(name);
    if (row?.origin === 'autocreated') return declared.includes(name) && ['active', 'retired'].includes(row.state);
    return row?.arn !== arn;
  });
  for (const { name, scheme, arn, dnsName, canonicalHostedZoneId } of changed) {
    await deps.database.query(
      `insert into balancer (account, region, name, scheme, origin, state, arn, dns_name, canonical_hosted_zone_id)
       values ($1, $2, $3, $4, 'declared', 'active', $5, $6, $7)
       on conflict on constraint balancer_name do update
         set origin = 'declared', state = 'active', arn = excluded.arn, dns_name = excluded.dns_name,
             canonical_hosted_zone_id = excluded.canonical_hosted_zone_id, idle_since = null
         where (balancer.origin = 'declared' and balancer.arn is distinct from excluded.arn)
            or (balancer.origin = 'autocreated' and balancer.state in ('active', 'retired') and $8)`,
      [
        pool.account,
        pool.region,
        name,
        scheme,
        arn,
        dnsName ?? null,
        canonicalHostedZoneId ?? null,
        declared.includes(name),
      ],
    );
  }
}

/** Publishes the loads of the balancers that the ledger knows, from what was observed anyway. */
export async function reportLoads(deps: ScopeDependencies, pool: Pick<PoolKey, 'account' | 'region'>): Promise<void> {
  if (!deps.metrics) return;
  const { rows } = await deps.database.query<{ name: string; observation: StoredDetails }>(
    'select name, observation from balancer where account = $1 and region = $2 and observation is not null',
    [pool.account, pool.region],
  );
  for (const { name, observation } of rows) {
    if (observation !== 'gone') deps.metrics.balancer(pool.region, name, observation.rules, observation.targetGroups);
  }
}
