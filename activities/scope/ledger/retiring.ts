import type { Client } from '@temporalio/client';
import type { Database, Queryable } from '../../postgres/database.ts';
import { type BalancerRow, balancerById, lockPool } from './balancer.ts';
import { closedSince } from './holding.ts';

/** What retirement has to do, and its transitions (specs: scope creation, section 10). */

export interface Graces {
  /** Seconds without a scope for a balancer that was active. */
  retirementGrace: number;
  /** Seconds for one that never became active, and for what ended runs left. */
  failedGrace: number;
  /** Balancers that the worker's own knobs declare: they stay, whoever made them. */
  declared: readonly string[];
}

export type BalancerRef = Pick<BalancerRow, 'id' | 'name' | 'region'>;

/** A run does at most so much of each; the next one goes on. */
const MOST_BALANCERS = 50;
const MOST_SCOPES = 200;

/** Nobody is placed on it, and it has been so for its grace. `$1` and `$2` are the graces, `$3` the names that stay. */
const IDLE = `origin = 'autocreated' and name <> all($3) and state in ('reserved', 'provisioning', 'active', 'failed')
  and not exists (select 1 from placement p where p.balancer_id = balancer.id and p.state <> 'released')
  and coalesce(idle_since, activated_at, provisioning_since, created_at)
      < clock_timestamp() - interval '1 second' * (case when activated_at is null or state = 'failed' then $2 else $1 end)::float`;

/** Balancers that are idle beyond their grace, longest first. */
export async function idleBalancers(database: Queryable, graces: Graces): Promise<BalancerRef[]> {
  const { rows } = await database.query<BalancerRef>(
    `select id::text, name, region from balancer where ${IDLE} order by idle_since nulls first, id limit ${MOST_BALANCERS}`,
    [graces.retirementGrace, graces.failedGrace, graces.declared],
  );
  return rows;
}

/** Balancers that are being removed by nobody any more: the run that began is closed. */
export async function stuckBalancers(database: Queryable, temporal: Client, run: string): Promise<BalancerRef[]> {
  const { rows } = await database.query<BalancerRef & { by: string | null }>(
    `select id::text, name, region, retiring_by as by from balancer where state = 'retiring' order by id limit ${MOST_BALANCERS}`,
  );
  const stuck: BalancerRef[] = [];
  for (const { by, ...balancer } of rows) {
    if (by === null || by === run || (await closedSince(temporal, by)) !== undefined) stuck.push(balancer);
  }
  return stuck;
}

/**
 * Scopes with something that a run which ended left behind: a reservation or an added host that nobody will bind, or records
 * of a scope that is placed nowhere. Only what has rested for `failedGrace`.
 */
export async function abandonedScopes(database: Queryable, temporal: Client, graces: Graces): Promise<string[]> {
  const { rows } = await database.query<{ scopeId: string; holder: string | null }>(
    `select scope_id as "scopeId", holder from placement p
      where updated_at < clock_timestamp() - $1 * interval '1 second'
        and (state = 'reserved' or (state = 'bound' and hosts_added <> '{}') or (state = 'released' and (dns_endpoint is not null
             or exists (select 1 from dns_record r where r.scope_id = p.scope_id and r.origin = 'made'))))
      order by updated_at limit ${MOST_SCOPES}`,
    [graces.failedGrace],
  );
  const abandoned: string[] = [];
  for (const { scopeId, holder } of rows) {
    const closed = holder === null ? 0 : await closedSince(temporal, holder);
    if (closed !== undefined && closed < Date.now() - graces.failedGrace * 1000) abandoned.push(scopeId);
  }
  return abandoned;
}

/**
 * Takes an idle balancer out of the pool, under the pool's lock: from here nobody can be placed on it. False when somebody
 * was placed there meanwhile. Twice is harmless: the second call finds this run's mark.
 */
export async function retireIdle(
  database: Database,
  input: { balancerId: string; run: string; graces: Graces },
): Promise<boolean> {
  return database.transaction(async (client) => {
    const row = await balancerById(client, input.balancerId);
    await lockPool(client, row);
    const { retirementGrace, failedGrace, declared } = input.graces;
    const { rowCount } = await client.query(
      `update balancer set state = 'retiring', retiring_by = $5
        where id = $4 and (${IDLE} or (state = 'retiring' and retiring_by = $5))`,
      [retirementGrace, failedGrace, declared, input.balancerId, input.run],
    );
    return rowCount === 1;
  });
}
