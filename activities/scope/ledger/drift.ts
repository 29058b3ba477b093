import type { Drift, DriftKind, DriftReport } from '../../../contract/scope/retirement.ts';
import type { RecordFacts, RegionFacts } from '../../../domain/scope/drift.ts';
import type { Database } from '../../postgres/database.ts';
import type { BalancerRow } from './balancer.ts';

/** The report of deviations, and what of the ledger it is made from. */

/** What there is to compare: `region:<account>/<region>` and `zone:<id>`. Sources that are none any more are forgotten. */
export async function driftSources(database: Database): Promise<{ sources: string[] }> {
  const { rows } = await database.query<{ source: string }>(
    `select distinct 'region:' || account || '/' || region as source from balancer where state <> 'retired'
     union select distinct 'zone:' || zone_id from dns_record order by 1`,
  );
  const sources = rows.map(({ source }) => source);
  await database.query('delete from drift where source <> all($1)', [sources]);
  await database.query('delete from drift_source where source <> all($1)', [sources]);
  return { sources };
}

export type DriftRow = Omit<RegionFacts['rows'][number], 'keeper'> & Pick<BalancerRow, 'keeper'>;

export async function driftRows(database: Database, account: string, region: string): Promise<DriftRow[]> {
  const { rows } = await database.query<DriftRow>(
    `select name, origin, state,
            (select count(*)::int from placement p where p.balancer_id = balancer.id and p.state <> 'released') as placed,
            case when origin = 'autocreated' then jsonb_build_object('brand', brand, 'namespace', keeper_namespace, 'host', keeper_host,
              'scopeId', created_for_scope) end as keeper
       from balancer where account = $1 and region = $2 and state <> 'retired' order by name`,
    [account, region],
  );
  return rows;
}

export async function liveHosts(database: Database, account: string, region: string): Promise<RegionFacts['hosts']> {
  const { rows } = await database.query<RegionFacts['hosts'][number]>(
    `select unnest(p.hosts) as host, p.scope_id as "scopeId", b.name as balancer
       from placement p join balancer b on b.id = p.balancer_id
      where p.state <> 'released' and b.account = $1 and b.region = $2 order by 1`,
    [account, region],
  );
  return rows;
}

/** Records of bound scopes in one zone, with the balancer that each is to lead to. */
export async function boundRecords(
  database: Database,
  zoneId: string,
): Promise<Pick<RecordFacts, 'name' | 'scopeId' | 'balancer'>[]> {
  const { rows } = await database.query<Pick<RecordFacts, 'name' | 'scopeId' | 'balancer'>>(
    `select r.name, r.scope_id as "scopeId", jsonb_build_object('name', b.name, 'dnsName', b.dns_name) as balancer
       from dns_record r join placement p on p.scope_id = r.scope_id join balancer b on b.id = p.balancer_id
      where r.zone_id = $1 and r.type = 'A' and p.state = 'bound' and b.dns_name is not null order by r.name`,
    [zoneId],
  );
  return rows;
}

/** Replaces the part of one source; what was there before keeps the time at which it was found first. */
export async function saveDrift(database: Database, source: string, found: readonly Drift[]): Promise<void> {
  await database.transaction(async (client) => {
    await client.query(
      'delete from drift where source = $1 and (kind, subject) not in (select * from unnest($2::text[], $3::text[]))',
      [source, found.map(({ kind }) => kind), found.map(({ subject }) => subject)],
    );
    for (const { kind, subject, message } of found)
      await client.query(
        `insert into drift (source, kind, subject, message) values ($1, $2, $3, $4)
         on conflict (source, kind, subject) do update set message = excluded.message`,
        [source, kind, subject, message],
      );
    await client.query(
      `insert into drift_source (source, checked_at) values ($1, clock_timestamp())
       on conflict (source) do update set checked_at = excluded.checked_at`,
      [source],
    );
  });
}

export async function countDrift(database: Database): Promise<{ drift: number }> {
  const { rows } = await database.query<{ drift: number }>('select count(*)::int as drift from drift');
  return { drift: rows[0]?.drift ?? 0 };
}

/** Payloads stay far below what Temporal carries. */
const MOST_DRIFT = 1_000;

export async function readDrift(database: Database): Promise<DriftReport> {
  const { rows: checked } = await database.query<{ source: string; at: Date }>(
    'select source, checked_at as at from drift_source order by source',
  );
  const { rows: drift } = await database.query<Drift & { kind: DriftKind; since: Date }>(
    `select kind, subject, message, since from drift order by kind, subject, source limit ${MOST_DRIFT}`,
  );
  return {
    checked: checked.map(({ source, at }) => ({ source, at: at.toISOString() })),
    drift: drift.map(({ kind, subject, message, since }) => ({ kind, subject, message, since: since.toISOString() })),
  };
}
