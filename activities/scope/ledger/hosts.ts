import type { ScopeRequest } from '../../../domain/scope/request.ts';
import type { Queryable } from '../../postgres/database.ts';
import { DatabaseCallError } from '../../postgres/errors.ts';
import type { PlaceAnswer } from './place-answer.ts';

/** The hosts of placements: each belongs to one live scope. */

/** Hosts are unique over all pools: a host that a concurrent transaction of another pool took rolls this one back. */
export async function writeHosts(client: Queryable, scopeId: string, hosts: readonly string[]): Promise<void> {
  await client.query('update placement set hosts = $2 where scope_id = $1', [scopeId, hosts]);
  await client.query('delete from placement_host where scope_id = $1 and host <> all($2)', [scopeId, hosts]);
  await client.query(
    `insert into placement_host (host, scope_id) select host, $1 from unnest($2::text[]) as host
     on conflict (host) do nothing`,
    [scopeId, hosts],
  );
  const { rows } = await client.query<{ own: number }>(
    'select count(*)::int as own from placement_host where scope_id = $1',
    [scopeId],
  );
  if (rows[0]?.own !== hosts.length)
    throw new DatabaseCallError('host', 'a host was taken by another scope at this moment');
}

/** Hosts that another live scope has. */
export async function hostConflict(
  client: Queryable,
  request: Pick<ScopeRequest, 'scopeId' | 'hosts'>,
): Promise<Extract<PlaceAnswer, { kind: 'refused' }> | undefined> {
  const { rows } = await client.query<{ host: string; scopeId: string }>(
    'select host, scope_id as "scopeId" from placement_host where host = any($1) and scope_id <> $2 order by host',
    [request.hosts, request.scopeId],
  );
  const [taken] = rows;
  if (!taken) return undefined;
  return {
    kind: 'refused',
    type: 'HostConflict',
    message: `host ${taken.host} belongs to scope ${taken.scopeId}. Choose another host or delete that scope.`,
    details: { hosts: rows },
  };
}

/**
 * Takes back the hosts that were added to a placement and never bound; answers them. Only `run` may be changing the row, so
 * they are its own, or of a run that ended without undoing. Twice is harmless: there are none left.
 */
export async function giveBackHosts(client: Queryable, scopeId: string, run: string): Promise<string[]> {
  const { rows } = await client.query<{ hosts: string[]; added: string[] }>(
    `select hosts, hosts_added as added from placement
      where scope_id = $1 and holder = $2 and state <> 'released' and hosts_added <> '{}' for update`,
    [scopeId, run],
  );
  const [row] = rows;
  if (!row) return [];
  const kept = row.hosts.filter((host) => !row.added.includes(host));
  await writeHosts(client, scopeId, kept);
  await client.query(`update placement set hosts_added = '{}' where scope_id = $1`, [scopeId]);
  return row.added;
}
