import type { BalancerEntry, InventoryPage } from '../../../contract/scope/retirement.ts';
import { effectiveLoad, type Observation } from '../../../domain/scope/placement.ts';
import type { Thresholds } from '../../../domain/scope/request.ts';
import type { Database } from '../../postgres/database.ts';
import { joinReadings, type RegionReading, type StoredDetails } from '../observation.ts';
import type { BalancerState } from './balancer.ts';

/** The ledger's balancers for people and machines: state, load as last observed, and what stands on each. */

/** Balancers in one answer: each may carry a hundred placements, and a payload stays below half a megabyte. */
const PAGE = 10;

interface Row
  extends Omit<BalancerEntry, 'state' | 'load' | 'observedAt' | 'arn' | 'dnsName' | 'createdForScope' | 'idleSince'> {
  id: string;
  state: BalancerState;
  arn: string | null;
  dnsName: string | null;
  createdForScope: string | null;
  idleSince: Date | null;
  keeperHost: string | null;
  details: StoredDetails | null;
  regional: RegionReading | null;
  observedAt: Date | null;
}

/** One page of all rows, in the order in which they were made. `page` is the id of the last row before. */
export async function readInventory(
  database: Database,
  thresholds: Thresholds,
  page: string | undefined,
): Promise<InventoryPage> {
  const { rows } = await database.query<Row>(
    `select b.id::text, b.account, b.region, b.name, b.scheme, b.origin, b.state, b.arn, b.dns_name as "dnsName",
            b.created_for_scope as "createdForScope", b.idle_since as "idleSince", b.keeper_host as "keeperHost",
            b.observation as details, o.observation as regional, least(b.observed_at, o.observed_at) as "observedAt",
            (select coalesce(jsonb_agg(jsonb_build_object('scopeId', p.scope_id, 'state', p.state, 'hosts', p.hosts) order by p.scope_id), '[]')
               from placement p where p.balancer_id = b.id and p.state <> 'released') as placements,
            (select coalesce(jsonb_agg(jsonb_build_object('zoneId', r.zone_id, 'name', r.name, 'type', r.type, 'target', r.target,
                'origin', r.origin, 'scopeId', r.scope_id) order by r.name, r.zone_id), '[]')
               from dns_record r join placement p on p.scope_id = r.scope_id
              where p.balancer_id = b.id and p.state <> 'released') as records
       from balancer b left join region_observation o on o.account = b.account and o.region = b.region
      where b.id > $1 order by b.id limit ${PAGE + 1}`,
    [page ?? '0'],
  );
  const shown = rows.slice(0, PAGE);
  const last = shown.at(-1);
  return {
    balancers: shown.map((row) => entryOf(row, thresholds)),
    ...(rows.length > PAGE && last ? { next: last.id } : {}),
  };
}

function entryOf(row: Row, thresholds: Thresholds): BalancerEntry {
  const { id: _, details, regional, keeperHost, arn, dnsName, createdForScope, idleSince, observedAt, ...rest } = row;
  return {
    ...rest,
    ...(arn ? { arn } : {}),
    ...(dnsName ? { dnsName } : {}),
    ...(createdForScope ? { createdForScope } : {}),
    ...(idleSince ? { idleSince: idleSince.toISOString() } : {}),
    load: effectiveLoad(
      {
        name: row.name,
        origin: row.origin,
        ledgerState: row.state,
        ...(keeperHost && row.state !== 'retired' ? { keeperHost } : {}),
        observation: observationOf(row),
      },
      { scopeId: '', hosts: [] },
      row.placements.map(({ scopeId, hosts }) => ({ scopeId, hosts, balancer: row.name })),
      { scheme: row.scheme, thresholds, autocreateEnabled: false, baseDomain: '' },
    ),
    ...(observedAt ? { observedAt: observedAt.toISOString() } : {}),
  };
}

/** What was never read is not called absent. */
function observationOf({ regional, details, name }: Row): Observation {
  const unread: Observation = { kind: 'unreadable', error: 'it was not observed yet' };
  if (!regional) return unread;
  const observation = joinReadings(regional, name, details === null ? undefined : details === 'gone' ? null : details);
  return observation === 'details-missing' ? unread : observation;
}
