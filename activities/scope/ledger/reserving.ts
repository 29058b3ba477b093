import { type HostedZone, joinZones } from '../../../domain/scope/request.ts';
import type { Queryable } from '../../postgres/database.ts';
import type { PlaceInput } from './place-answer.ts';

/** A scope's row takes a place, and leaves it. What ended runs made for a scope that was never bound is the next run's to undo. */

export async function reserve(
  client: Queryable,
  { request, run }: PlaceInput,
  balancerId: string | null,
): Promise<void> {
  await client.query(
    `with taken as (update dns_record set made_by = $9 where scope_id = $1 and origin = 'made')
     update placement set balancer_id = $2, state = 'reserved', domain = $3, visibility = $4, dns_type = $5, region = $6, namespace = $7,
        zones = $8, placed_by = $9, dns_endpoint_by = $9, hosts = $10, slugs = $11, version = version + 1, updated_at = now() where scope_id = $1`,
    [
      request.scopeId,
      balancerId,
      request.domain,
      request.visibility,
      request.dnsType,
      request.region,
      request.namespace,
      JSON.stringify(request.zones),
      run,
      request.hosts,
      JSON.stringify(request.slugs),
    ],
  );
}

/**
 * The row of a scope that keeps its place says what the request does. Zones that it named before stay known: a record in one
 * of them need not be in the ledger. A reservation left by a run that ended is this run's to undo.
 */
export async function refreshRow(
  client: Queryable,
  { request, run }: PlaceInput,
  zonesBefore: readonly HostedZone[] | null,
): Promise<void> {
  await client.query(
    `with taken as (
       update dns_record set made_by = $5 where scope_id = $1 and origin = 'made'
          and exists (select 1 from placement where scope_id = $1 and state = 'reserved'))
     update placement set namespace = $2, slugs = $3, zones = $4, placed_by = case when state = 'reserved' then $5 else placed_by end,
        dns_endpoint_by = case when state = 'reserved' then $5 else dns_endpoint_by end
      where scope_id = $1`,
    [
      request.scopeId,
      request.namespace,
      JSON.stringify(request.slugs),
      JSON.stringify(joinZones(request.zones, zonesBefore ?? [])),
      run,
    ],
  );
}

/** The last to leave a balancer of ours leaves it idle. */
async function leaveIdle(client: Queryable, scopeId: string): Promise<void> {
  await client.query(
    `update balancer set idle_since = coalesce(idle_since, clock_timestamp())
      where origin = 'autocreated' and id = (select balancer_id from placement where scope_id = $1)
        and not exists (select 1 from placement p where p.balancer_id = balancer.id and p.state <> 'released' and p.scope_id <> $1)`,
    [scopeId],
  );
}

/** Nobody who is placed on it leaves a balancer idle. */
export async function endIdle(client: Queryable, balancerId: string): Promise<void> {
  await client.query('update balancer set idle_since = null where id = $1', [balancerId]);
}

/** The row is of another balancer from here on; whatever else it says stays. */
export async function moveRow(client: Queryable, scopeId: string, balancerId: string): Promise<void> {
  await leaveIdle(client, scopeId);
  await client.query(
    'update placement set balancer_id = $2, version = version + 1, updated_at = now() where scope_id = $1',
    [scopeId, balancerId],
  );
  await endIdle(client, balancerId);
}

/** Frees the row and its hosts; the holder keeps holding it. */
export async function releaseRow(client: Queryable, scopeId: string): Promise<void> {
  await leaveIdle(client, scopeId);
  await client.query('delete from placement_host where scope_id = $1', [scopeId]);
  await client.query(
    `update placement set state = 'released', balancer_id = null, placed_by = null, hosts_added = '{}', version = version + 1, updated_at = now() where scope_id = $1`,
    [scopeId],
  );
}
