import type { CandidateLoad, Warning } from '../../../contract/scope/status.ts';
import { extrasOf } from '../../../domain/modifiers.ts';
import { autocreatedBalancerName, keeperHost } from '../../../domain/scope/names.ts';
import { effectiveLoad, isLeaving, type PlacementDecision, placeScope } from '../../../domain/scope/placement.ts';
import { bringsForeignHosts, type ScopeRequest } from '../../../domain/scope/request.ts';
import type { Database, Queryable } from '../../postgres/database.ts';
import { DatabaseCallError } from '../../postgres/errors.ts';
import type { PoolKey } from '../dependencies.ts';
import type { RegionReading } from '../observation.ts';
import { type BalancerRow, balancerById, balancerByName, lockPool } from './balancer.ts';
import { type PoolFacts, poolFacts } from './candidates.ts';

/** The decision where a scope goes, and its record, in one transaction under the pool's lock (specs: scope creation, section 6). */

export interface PlaceInput {
  request: ScopeRequest;
  pool: PoolKey;
  run: string;
  /** The balancer that the domain's record already leads to. */
  alias?: { balancer: string; reason: string };
  unreadable: Record<string, string>;
  /** Balancers in AWS that bear a name we would give: ours by their tags, or somebody else's. */
  owners: Record<string, 'ours' | 'foreign'>;
  /** Seconds an observation may be old; at least what this run itself needed to observe. */
  maxAgeSeconds: number;
  /** False when a new balancer would fail for the same cause as the last. */
  mayCreate: boolean;
  dryRun: boolean;
}

interface Decided {
  candidates: CandidateLoad[];
  reason: string;
  warnings: Warning[];
}

export type PlaceAnswer =
  | (Decided & { kind: 'placed'; balancer: BalancerRow; createdBalancer: boolean; repaired: string[] })
  | (Decided & {
      kind: 'planned';
      balancer: { name: string; origin: 'declared' | 'autocreated'; dnsName?: string };
      wouldCreate: boolean;
    })
  | (Decided & { kind: 'external'; name: string; repaired: string[] })
  | { kind: 'stale'; names: string[] }
  | (Decided & { kind: 'unreadable'; error: string })
  | { kind: 'check-owner'; name: string; arn: string }
  | { kind: 'name-busy'; balancer: BalancerRow }
  | { kind: 'lost-hold' }
  | (Partial<Decided> & {
      kind: 'refused';
      type: 'NoCapacity' | 'BalancerMissing' | 'HostConflict' | 'ScopeMismatch';
      message: string;
      details: Record<string, unknown>;
    });

interface Held {
  state: 'reserved' | 'bound' | 'released';
  holder: string | null;
  hosts: string[];
  /** Those of `hosts` that a repeat added and that are not bound yet. */
  added: string[];
  domain: string | null;
  visibility: string | null;
  dnsType: string | null;
  balancerId: string | null;
  placedBy: string | null;
}

/** Decides and records. Twice is harmless: a scope already placed keeps its balancer. */
export async function place(database: Database, input: PlaceInput): Promise<PlaceAnswer> {
  return database.transaction(async (client) => {
    await lockPool(client, input.pool);
    const held = await readHeld(client, input.request.scopeId);
    if (!input.dryRun && held?.holder !== input.run) return { kind: 'lost-hold' };
    if (input.request.dnsType === 'external_dns') return placeExternal(client, input, held);
    if (held && held.state !== 'released') {
      const kept = await keepPlacement(client, input, held);
      if (kept) return kept;
    }
    const conflict = await hostConflict(client, input.request);
    return conflict ?? decide(client, input);
  });
}

async function readHeld(client: Queryable, scopeId: string): Promise<Held | undefined> {
  const { rows } = await client.query<Held>(
    `select state, holder, hosts, hosts_added as added, domain, visibility, dns_type as "dnsType", balancer_id::text as "balancerId", placed_by as "placedBy"
       from placement where scope_id = $1 for update`,
    [scopeId],
  );
  return rows[0];
}

/** A scope that is placed stays where it is, unless its balancer never came to life. */
async function keepPlacement(client: Queryable, input: PlaceInput, held: Held): Promise<PlaceAnswer | undefined> {
  const { request, run } = input;
  const mismatch = mismatchOf(request, held);
  if (mismatch) return mismatch;
  const balancer = held.balancerId === null ? undefined : await balancerById(client, held.balancerId);
  const sameRequest = held.domain === request.domain && held.visibility === request.visibility;
  if (!balancer || !sameRequest || ['failed', 'retiring', 'retired'].includes(balancer.state)) {
    if (!input.dryRun) await releaseRow(client, request.scopeId);
    return undefined;
  }
  const reason = `scope ${request.scopeId} is already placed on ${balancer.name}`;
  const { kept, added } = hostsOf(held, request);
  if (input.dryRun) {
    const { name, origin, dnsName } = balancer;
    return {
      kind: 'planned',
      balancer: { name, origin, ...(dnsName ? { dnsName } : {}) },
      wouldCreate: false,
      candidates: [],
      reason,
      warnings: [],
    };
  }
  if (added.length > 0) {
    const refusal = (await hostConflict(client, request)) ?? (await roomForHosts(client, input, balancer));
    if (refusal) return refusal;
  }
  if (added.length > 0 || kept.length < held.hosts.length) await keepHosts(client, input, kept, added);
  // A reservation left by a run that ended is this run's to undo.
  if (held.state === 'reserved')
    await client.query('update placement set placed_by = $2 where scope_id = $1', [request.scopeId, run]);
  return {
    kind: 'placed',
    balancer,
    createdBalancer: balancer.madeBy === run,
    candidates: [],
    reason,
    warnings: [],
    repaired: added.map((host) => `host ${host} added to the placement`),
  };
}

/**
 * The hosts of a placement that stay, without those that a run added in vain, and those that the request adds. A bound
 * placement keeps all of its own; a reservation takes those of the request.
 */
function hostsOf(held: Held, request: ScopeRequest): { kept: string[]; added: string[] } {
  const wanted = (host: string) => held.state === 'bound' || request.hosts.includes(host);
  const kept = held.hosts.filter((host) => wanted(host) && !held.added.includes(host));
  return { kept, added: request.hosts.filter((host) => !kept.includes(host)) };
}

async function keepHosts(client: Queryable, { request }: PlaceInput, kept: string[], added: string[]): Promise<void> {
  await writeHosts(client, request.scopeId, [...kept, ...added]);
  await client.query('update placement set hosts_added = $2 where scope_id = $1', [request.scopeId, added]);
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

/** A scope that exists does not change its domain, visibility or way of DNS under way. */
function mismatchOf(request: ScopeRequest, held: Held): PlaceAnswer | undefined {
  const { domain, visibility, dnsType } = held;
  const same = domain === request.domain && visibility === request.visibility && dnsType === request.dnsType;
  if (held.state !== 'bound' || same) return undefined;
  const requested = { domain: request.domain, visibility: request.visibility, dnsType: request.dnsType };
  const words = (one: { domain: string | null; visibility: string | null; dnsType: string | null }) =>
    `domain ${one.domain} (${one.visibility}, ${one.dnsType})`;
  return {
    kind: 'refused',
    type: 'ScopeMismatch',
    message: `scope ${request.scopeId} exists with ${words(held)}, the request says ${words(requested)}. Delete the scope first, or repeat with the same values.`,
    details: { existing: { domain, visibility, dnsType }, requested },
  };
}

/** With external-dns the configured base name is taken as it is: no pool, no load, no balancer row. */
async function placeExternal(client: Queryable, input: PlaceInput, held: Held | undefined): Promise<PlaceAnswer> {
  const { request } = input;
  const refusal = (held && mismatchOf(request, held)) ?? (await hostConflict(client, request));
  if (refusal) return refusal;
  const name = request.declared[0] ?? '';
  const reason = `DNS type external_dns: the configured name ${name} is taken, no balancer is looked at`;
  const decided = { candidates: [], reason, warnings: [] };
  const bound = held?.state === 'bound';
  const { kept, added } = bound ? hostsOf(held, request) : { kept: [], added: [] };
  if (!input.dryRun) {
    if (held && held.state !== 'released' && !bound) await releaseRow(client, request.scopeId);
    if (bound) await keepHosts(client, input, kept, added);
    else {
      await reserve(client, input, null);
      await writeHosts(client, request.scopeId, request.hosts);
    }
  }
  return { ...decided, kind: 'external', name, repaired: added.map((host) => `host ${host} added to the placement`) };
}

async function roomForHosts(
  client: Queryable,
  input: PlaceInput,
  balancer: BalancerRow,
): Promise<PlaceAnswer | undefined> {
  const facts = await readFacts(client, input, [balancer.name], false);
  if ('kind' in facts) return facts;
  const [candidate] = facts.candidates;
  if (!candidate) return undefined;
  const load = effectiveLoad(candidate, input.request, facts.placements, policyOf(input));
  if (load.hasRoom) return undefined;
  return {
    kind: 'refused',
    type: 'NoCapacity',
    message: `balancer ${balancer.name} has no room for the added domains: ${load.reason}`,
    details: { candidates: [load] },
  };
}

async function decide(client: Queryable, input: PlaceInput): Promise<PlaceAnswer> {
  const { request, alias } = input;
  const facts = await readFacts(client, input, alias ? [alias.balancer] : request.declared, alias === undefined);
  if ('kind' in facts) return facts;
  const decision = placeScope(request, facts.candidates, facts.placements, policyOf(input));
  if (alias) return bindAlias(client, input, alias, facts, decision);
  switch (decision.kind) {
    case 'placed':
      return record(client, input, decision.balancer, decision);
    case 'create':
      return create(client, input, facts.region, decision);
    case 'unreadable':
      return { ...decision, kind: 'unreadable', reason: `cannot read ${decision.balancers.join(', ')}` };
    case 'no-capacity':
      return {
        ...decision,
        kind: 'refused',
        type: 'NoCapacity',
        message: `${decision.reason}. What helps: ${decision.hints.join('; ')}.`,
        details: { candidates: decision.candidates, hints: decision.hints },
      };
    case 'missing':
      return {
        ...decision,
        kind: 'refused',
        type: 'BalancerMissing',
        message: `${decision.reason}. Correct the names or enable autocreate.`,
        details: { candidates: decision.candidates },
      };
  }
}

/** The domain already leads to a balancer: the scope goes there whatever the configuration says. */
async function bindAlias(
  client: Queryable,
  input: PlaceInput,
  alias: { balancer: string; reason: string },
  facts: PoolFacts,
  decision: PlacementDecision,
): Promise<PlaceAnswer> {
  const seen = facts.candidates[0]?.observation;
  const leaving = facts.candidates[0] !== undefined && isLeaving(facts.candidates[0]);
  const served = !leaving && seen?.kind === 'seen' && seen.hosts.includes(input.request.domain);
  const decided = { candidates: decision.candidates, reason: alias.reason, warnings: decision.warnings };
  if (decision.kind === 'placed' || served) return record(client, input, alias.balancer, decided);
  if (decision.kind === 'unreadable') return { ...decided, kind: 'unreadable', error: decision.error };
  return {
    ...decided,
    kind: 'refused',
    type: 'NoCapacity',
    message: `${alias.reason}, but it has no room: ${decision.candidates[0]?.reason}`,
    details: { candidates: decision.candidates },
  };
}

async function create(
  client: Queryable,
  input: PlaceInput,
  region: RegionReading,
  decided: Decided,
): Promise<PlaceAnswer> {
  const { request, pool, run } = input;
  const name = await freeName(client, input, region);
  if (typeof name !== 'string') return name.answer;
  if (input.dryRun) {
    return { ...decided, kind: 'planned', balancer: { name, origin: 'autocreated' }, wouldCreate: true };
  }
  const host = keeperHost(request.slugs, name, request.suffix);
  const salt = saltOf(request, name);
  await client.query(
    `insert into balancer (account, region, name, scheme, origin, state, created_for_scope, salt, keeper_namespace, keeper_host, brand, made_by, keeper_extras)
     values ($1, $2, $3, $4, 'autocreated', 'reserved', $5, $6, $7, $8, $9, $10, $11)
     on conflict on constraint balancer_name do update
       set state = 'reserved', made_by = excluded.made_by, keeper_namespace = excluded.keeper_namespace, keeper_host = excluded.keeper_host,
           keeper_extras = excluded.keeper_extras,
           failure = null, observation = null, observed_at = null, created_at = clock_timestamp()
       where balancer.state = 'retired' and balancer.created_for_scope = excluded.created_for_scope`,
    [
      pool.account,
      pool.region,
      name,
      pool.scheme,
      request.scopeId,
      salt,
      request.namespace,
      host,
      request.brand,
      run,
      request.modifiers ? JSON.stringify(extrasOf(request.modifiers, 'ingress')) : null,
    ],
  );
  return record(client, input, name, decided);
}

const MOST_SALTS = 32;

/**
 * The name of this scope's new balancer. The salt grows only past a name that is not ours to use: an AWS balancer
 * without our tags for this scope, or a live row made for another scope.
 */
async function freeName(
  client: Queryable,
  input: PlaceInput,
  region: RegionReading,
): Promise<string | { answer: PlaceAnswer }> {
  const { request, pool } = input;
  for (let salt = 0; salt < MOST_SALTS; salt++) {
    const name = nameWithSalt(request, salt);
    const row = await balancerByName(client, pool.account, pool.region, name);
    if (row && row.state !== 'retired') {
      // A removal of our own is soon over and the name free again; any other live row keeps its name.
      const leaving = row.state === 'retiring' && row.keeper?.scopeId === request.scopeId;
      if (leaving) return { answer: { kind: 'name-busy', balancer: row } };
      continue;
    }
    if (row && row.keeper?.scopeId !== request.scopeId) continue;
    const inAws = region.balancers.find((balancer) => balancer.name === name);
    if (!inAws || input.owners[name] === 'ours') return name;
    if (input.owners[name] === undefined) return { answer: { kind: 'check-owner', name, arn: inAws.arn } };
  }
  throw new Error(`${MOST_SALTS} names for a balancer of scope ${request.scopeId} are taken by others`);
}

function nameWithSalt(request: ScopeRequest, salt: number): string {
  const { visibility, region, scheme, scopeId } = request;
  return autocreatedBalancerName({ prefix: request.autocreate.prefix, visibility, region, scheme, scopeId }, salt);
}

function saltOf(request: ScopeRequest, name: string): number {
  for (let salt = 0; salt < MOST_SALTS; salt++) if (nameWithSalt(request, salt) === name) return salt;
  throw new Error(`${name} is no name of scope ${request.scopeId}`);
}

async function record(client: Queryable, input: PlaceInput, name: string, decided: Decided): Promise<PlaceAnswer> {
  const { request, pool, run } = input;
  const balancer = await balancerByName(client, pool.account, pool.region, name);
  if (!balancer) return { kind: 'stale', names: [name] };
  const { candidates, reason, warnings } = decided;
  if (input.dryRun) {
    const { origin, dnsName } = balancer;
    return {
      kind: 'planned',
      candidates,
      reason,
      warnings,
      balancer: { name, origin, ...(dnsName ? { dnsName } : {}) },
      wouldCreate: false,
    };
  }
  await reserve(client, input, balancer.id);
  await writeHosts(client, request.scopeId, request.hosts);
  await client.query('update balancer set idle_since = null where id = $1', [balancer.id]);
  return {
    kind: 'placed',
    candidates,
    reason,
    warnings,
    balancer,
    createdBalancer: balancer.madeBy === run,
    repaired: [],
  };
}

async function reserve(client: Queryable, { request, run }: PlaceInput, balancerId: string | null): Promise<void> {
  await client.query(
    `update placement set balancer_id = $2, state = 'reserved', domain = $3, visibility = $4, dns_type = $5, region = $6, namespace = $7,
        zones = $8, placed_by = $9, hosts = $10, slugs = $11, version = version + 1, updated_at = now() where scope_id = $1`,
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

/** Hosts are unique over all pools: a host that a concurrent transaction of another pool took rolls this one back. */
async function writeHosts(client: Queryable, scopeId: string, hosts: readonly string[]): Promise<void> {
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

/** Frees the row and its hosts; the holder keeps holding it. The last to leave a balancer of ours leaves it idle. */
export async function releaseRow(client: Queryable, scopeId: string): Promise<void> {
  await client.query(
    `update balancer set idle_since = coalesce(idle_since, clock_timestamp())
      where origin = 'autocreated' and id = (select balancer_id from placement where scope_id = $1)
        and not exists (select 1 from placement p where p.balancer_id = balancer.id and p.state <> 'released' and p.scope_id <> $1)`,
    [scopeId],
  );
  await client.query('delete from placement_host where scope_id = $1', [scopeId]);
  await client.query(
    `update placement set state = 'released', balancer_id = null, placed_by = null, hosts_added = '{}', version = version + 1, updated_at = now() where scope_id = $1`,
    [scopeId],
  );
}

/** Hosts that another live scope has. */
async function hostConflict(client: Queryable, request: ScopeRequest): Promise<PlaceAnswer | undefined> {
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

async function readFacts(
  client: Queryable,
  input: PlaceInput,
  declared: readonly string[],
  withAutocreated: boolean,
): Promise<PoolFacts | (PlaceAnswer & { kind: 'stale' })> {
  const facts = await poolFacts(client, {
    pool: input.pool,
    declared,
    withAutocreated,
    maxAgeSeconds: input.maxAgeSeconds,
    withCertificates: bringsForeignHosts(input.request),
    unreadable: input.unreadable,
  });
  if (facts === 'region-stale') return { kind: 'stale', names: [...declared] };
  return facts.stale.length > 0 ? { kind: 'stale', names: facts.stale } : facts;
}

function policyOf(input: PlaceInput) {
  const { request } = input;
  return {
    scheme: request.scheme,
    thresholds: request.thresholds,
    autocreateEnabled: request.autocreate.enabled && input.mayCreate,
    baseDomain: request.suffix.base,
  };
}
