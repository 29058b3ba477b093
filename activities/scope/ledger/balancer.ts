import type { Failure } from '../../../contract/failures.ts';
import type { Extras } from '../../../domain/modifiers.ts';
import type { Queryable } from '../../postgres/database.ts';
import { jsonb } from '../../postgres/json.ts';

/** Rows of balancers and their transitions; each is a compare-and-set, so a lost answer or a second call changes nothing. */

export type BalancerState = 'reserved' | 'provisioning' | 'active' | 'failed' | 'retiring' | 'retired';

export interface BalancerRow {
  id: string;
  account: string;
  region: string;
  name: string;
  scheme: 'internet-facing' | 'internal';
  origin: 'declared' | 'autocreated';
  state: BalancerState;
  arn: string | null;
  dnsName: string | null;
  canonicalHostedZoneId: string | null;
  /** What its keeper is made from; null for a declared balancer. */
  keeper: { brand: string; namespace: string; host: string; scopeId: string; extras: Extras | null } | null;
  madeBy: string | null;
  provisioningSince: string | null;
  activatedAt: string | null;
  failure: Failure | null;
}

const COLUMNS = `id::text, account, region, name, scheme, origin, state, arn, dns_name as "dnsName",
  canonical_hosted_zone_id as "canonicalHostedZoneId",
  case when origin = 'autocreated' then jsonb_build_object('brand', brand, 'namespace', keeper_namespace, 'host', keeper_host,
    'scopeId', created_for_scope, 'extras', keeper_extras) end as keeper,
  made_by as "madeBy", to_char(provisioning_since at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as "provisioningSince",
  to_char(activated_at at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as "activatedAt", failure`;

export async function balancerById(database: Queryable, id: string): Promise<BalancerRow> {
  const { rows } = await database.query<BalancerRow>(`select ${COLUMNS} from balancer where id = $1`, [id]);
  const [row] = rows;
  if (!row) throw new Error(`the ledger has no balancer ${id}`);
  return row;
}

export async function balancerByName(
  database: Queryable,
  account: string,
  region: string,
  name: string,
): Promise<BalancerRow | undefined> {
  const { rows } = await database.query<BalancerRow>(
    `select ${COLUMNS} from balancer where account = $1 and region = $2 and name = $3`,
    [account, region, name],
  );
  return rows[0];
}

/** Moves a balancer that is in one of `from` to `to`, and answers the row as it is then; another state is left alone. */
export async function moveBalancer(
  database: Queryable,
  id: string,
  from: readonly BalancerState[],
  to: BalancerState,
  set: { failure?: Failure; arn?: string; dnsName?: string; canonicalHostedZoneId?: string } = {},
): Promise<BalancerRow> {
  await database.query(
    `update balancer set state = $3,
        provisioning_since = case when $3 = 'provisioning' then clock_timestamp() else provisioning_since end,
        activated_at = case when $3 = 'active' then coalesce(activated_at, clock_timestamp()) when $3 = 'retired' then null else activated_at end,
        failure = case when $3 = 'failed' then $4::jsonb when $3 in ('reserved', 'provisioning', 'active') then null else failure end,
        arn = case when $3 = 'retired' then null else coalesce($5, arn) end,
        dns_name = case when $3 = 'retired' then null else coalesce($6, dns_name) end,
        canonical_hosted_zone_id = case when $3 = 'retired' then null else coalesce($7, canonical_hosted_zone_id) end,
        idle_since = case when $3 = 'retired' then null else idle_since end
      where id = $1 and state = any($2)`,
    [
      id,
      from,
      to,
      set.failure ? jsonb(set.failure) : null,
      set.arn ?? null,
      set.dnsName ?? null,
      set.canonicalHostedZoneId ?? null,
    ],
  );
  return balancerById(database, id);
}

/** Serialises every decision about one pool until the transaction ends. No call to AWS or Kubernetes is made under it. */
export async function lockPool(
  database: Queryable,
  pool: { account: string; region: string; scheme: string },
): Promise<void> {
  await database.query('select pg_advisory_xact_lock(hashtextextended($1, 71000))', [
    `${pool.account}/${pool.region}/${pool.scheme}`,
  ]);
}
