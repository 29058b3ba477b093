import type { Client } from '@temporalio/client';
import { WorkflowNotFoundError } from '@temporalio/client';
import type { ScopeSlugs } from '../../../contract/scope/input.ts';
import type { ScopeStatus } from '../../../contract/scope/status.ts';
import type { Database } from '../../postgres/database.ts';
import { jsonb } from '../../postgres/json.ts';

/**
 * Who may change a scope: creation and deletion exclude each other by the holder of its placement row, taken by
 * compare-and-set (specs: scope creation, section 4). A holder is `<workflow id>@<first run id>`.
 */

export interface PlacementRow {
  scopeId: string;
  state: 'reserved' | 'bound' | 'released';
  hosts: string[];
  domain: string | null;
  visibility: 'public' | 'private' | null;
  dnsType: 'route53' | 'external_dns' | null;
  region: string | null;
  namespace: string | null;
  zones: { id: string; kind: 'private' | 'public' }[] | null;
  slugs: ScopeSlugs | null;
  /** DNS records that the ledger has of it: all of a live scope, else those that its runs made. Absent in answers of older workers. */
  records?: { zoneId: string; name: string }[];
  /** `<namespace>/<name>` of its DNSEndpoint, with external-dns. */
  dnsEndpoint: string | null;
  balancer: { id: string; name: string; origin: 'declared' | 'autocreated'; dnsName: string | null } | null;
}

export type Taking = { taken: true; placement: PlacementRow } | { taken: false; holder: string };

/** Takes the row for `run`; it is free when nobody holds it, when `run` does, or when its holder's run is closed. Twice: the same. */
export async function takePlacement(
  database: Database,
  temporal: Client,
  scopeId: string,
  run: string,
): Promise<Taking> {
  await database.query('insert into placement (scope_id) values ($1) on conflict do nothing', [scopeId]);
  if (await holdFrom(database, scopeId, run, null))
    return { taken: true, placement: await readPlacement(database, scopeId) };
  const { rows } = await database.query<{ holder: string | null }>('select holder from placement where scope_id = $1', [
    scopeId,
  ]);
  const holder = rows[0]?.holder ?? null;
  if (holder !== null && holder !== run && (await isOpen(temporal, holder))) return { taken: false, holder };
  if (await holdFrom(database, scopeId, run, holder))
    return { taken: true, placement: await readPlacement(database, scopeId) };
  return { taken: false, holder: holder ?? 'another run' };
}

/** Lets the row go and keeps the run's last status, or without one that of the run before. A row that another run holds by now is left alone. */
export async function releaseHold(
  database: Database,
  scopeId: string,
  run: string,
  status: ScopeStatus | undefined,
): Promise<void> {
  await database.query(
    'update placement set holder = null, status = coalesce($3, status), version = version + 1, updated_at = now() where scope_id = $1 and holder = $2',
    [scopeId, run, status === undefined ? null : jsonb(status)],
  );
}

/**
 * The scope exists from here on, with all its hosts, and nothing of it is any run's to undo: also not this run's, which goes
 * on under the same key when it is reset. Twice is harmless: bound is bound.
 */
export async function bindPlacement(database: Database, scopeId: string, run: string): Promise<PlacementRow> {
  await database.query(
    `with bound as (
       update placement set state = 'bound', hosts_added = '{}', placed_by = null, dns_endpoint_by = null, version = version + 1, updated_at = now()
        where scope_id = $1 and holder = $2 and state <> 'released'
          and (state = 'reserved' or hosts_added <> '{}' or placed_by = $2 or dns_endpoint_by = $2))
     update dns_record set made_by = null
      where scope_id = $1 and made_by = $2 and exists (select 1 from placement where scope_id = $1 and holder = $2)`,
    [scopeId, run],
  );
  return readPlacement(database, scopeId);
}

export async function readPlacement(database: Database, scopeId: string): Promise<PlacementRow> {
  const { rows } = await database.query<PlacementRow>(
    `select p.scope_id as "scopeId", p.state, p.hosts, p.domain, p.visibility, p.dns_type as "dnsType", p.region, p.namespace, p.zones, p.slugs, p.dns_endpoint as "dnsEndpoint",
            (select coalesce(jsonb_agg(jsonb_build_object('zoneId', r.zone_id, 'name', r.name) order by r.name, r.zone_id), '[]')
               from dns_record r where r.scope_id = p.scope_id and (p.state <> 'released' or r.origin = 'made')) as records,
            case when b.id is null then null else
              jsonb_build_object('id', b.id::text, 'name', b.name, 'origin', b.origin, 'dnsName', b.dns_name) end as balancer
       from placement p left join balancer b on b.id = p.balancer_id where p.scope_id = $1`,
    [scopeId],
  );
  const [row] = rows;
  if (!row) throw new Error(`the ledger has no row of scope ${scopeId}, although this run holds it`);
  return row;
}

async function holdFrom(database: Database, scopeId: string, run: string, previous: string | null): Promise<boolean> {
  const { rowCount } = await database.query(
    `update placement set holder = $2, version = version + 1, updated_at = now()
      where scope_id = $1 and (holder = $2 or holder is not distinct from $3)`,
    [scopeId, run, previous],
  );
  return rowCount === 1;
}

/** Whether the run behind a holder is open. */
export async function isOpen(temporal: Client, holder: string): Promise<boolean> {
  return (await closedSince(temporal, holder)) === undefined;
}

/**
 * When the run behind a holder closed, in milliseconds since 1970; undefined while it is open, 0 when nobody knows any more.
 * A run that was reset goes on under the first run id of its chain.
 */
export async function closedSince(temporal: Client, holder: string): Promise<number | undefined> {
  const at = holder.lastIndexOf('@');
  const workflowId = holder.slice(0, at);
  const firstRunId = holder.slice(at + 1);
  try {
    const description = await temporal.workflow.getHandle(workflowId).describe();
    const first = description.raw.workflowExecutionInfo?.firstRunId || description.runId;
    if (first !== firstRunId) return 0;
    return description.closeTime?.getTime(); // a run that is paused is open too: whatever its status, it has none
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return 0;
    throw error;
  }
}
