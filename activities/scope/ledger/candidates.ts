import type { Candidate, LivePlacement, Observation } from '../../../domain/scope/placement.ts';
import type { Queryable } from '../../postgres/database.ts';
import type { PoolKey } from '../dependencies.ts';
import { joinReadings, type RegionReading, type StoredDetails } from '../observation.ts';

/** The facts that a placement is decided on, as the ledger holds them. */

export interface PoolFacts {
  candidates: Candidate[];
  placements: LivePlacement[];
  region: RegionReading;
  /** Balancers whose details are missing or too old; placement may not be decided while there are any. */
  stale: string[];
}

export interface FactsInput {
  pool: PoolKey;
  /** Declared names in order of preference. */
  declared: readonly string[];
  /** Whether the pool's autocreated balancers are candidates too. */
  withAutocreated: boolean;
  maxAgeSeconds: number;
  withCertificates: boolean;
  unreadable: Readonly<Record<string, string>>;
}

interface Row {
  name: string;
  origin: 'declared' | 'autocreated';
  state: 'reserved' | 'provisioning' | 'active' | 'failed' | 'retiring' | 'retired';
  keeperHost: string | null;
  observation: StoredDetails | null;
  fresh: boolean;
}

/** Reads the pool's facts, or answers `region-stale` when the region's lists are missing or too old. */
export async function poolFacts(database: Queryable, input: FactsInput): Promise<PoolFacts | 'region-stale'> {
  const { account, region, scheme } = input.pool;
  const { rows: regions } = await database.query<{ observation: RegionReading }>(
    `select observation from region_observation
      where account = $1 and region = $2 and observation is not null and observed_at >= clock_timestamp() - $3 * interval '1 second'`,
    [account, region, input.maxAgeSeconds],
  );
  const reading = regions[0]?.observation;
  if (!reading) return 'region-stale';

  const { rows } = await database.query<Row>(
    `select name, origin, state, keeper_host as "keeperHost", observation,
            coalesce(observed_at >= clock_timestamp() - $5 * interval '1 second', false) as fresh
       from balancer where account = $1 and region = $2
        and (name = any($4) or ($6 and scheme = $3 and origin = 'autocreated' and state in ('reserved', 'provisioning', 'active')))
      order by created_at, id`,
    [account, region, scheme, input.declared, input.maxAgeSeconds, input.withAutocreated],
  );
  const byName = new Map(rows.map((row) => [row.name, row]));
  const autocreated = rows.filter(({ name }) => !input.declared.includes(name)).map(({ name }) => name);
  const stale: string[] = [];
  const candidates = [...input.declared, ...autocreated].map((name): Candidate => {
    const row = byName.get(name);
    const observation = observe(reading, name, row, input);
    if (observation === 'details-missing') stale.push(name);
    return {
      name,
      origin: row?.origin ?? 'declared',
      ledgerState: row?.state ?? 'active',
      ...(row?.keeperHost ? { keeperHost: row.keeperHost } : {}),
      observation: observation === 'details-missing' ? { kind: 'absent' } : observation,
    };
  });
  return { candidates, placements: await livePlacements(database, input.pool), region: reading, stale };
}

function observe(
  reading: RegionReading,
  name: string,
  row: Row | undefined,
  input: FactsInput,
): Observation | 'details-missing' {
  const error = input.unreadable[name];
  if (error !== undefined) return { kind: 'unreadable', error };
  const stored = row?.fresh ? row.observation : null;
  if (stored && stored !== 'gone' && input.withCertificates && stored.certificates === undefined) {
    return joinReadings(reading, name, undefined);
  }
  return joinReadings(reading, name, stored === null ? undefined : stored === 'gone' ? null : stored);
}

async function livePlacements(database: Queryable, pool: PoolKey): Promise<LivePlacement[]> {
  const { rows } = await database.query<LivePlacement>(
    `select p.scope_id as "scopeId", b.name as balancer, p.hosts from placement p join balancer b on b.id = p.balancer_id
      where p.state <> 'released' and b.account = $1 and b.region = $2`,
    [pool.account, pool.region],
  );
  return rows;
}
