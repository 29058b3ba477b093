import { extrasOf } from '../../../domain/modifiers.ts';
import { keeperHost } from '../../../domain/scope/names.ts';
import { bears, type PlacementDecision, placeScope } from '../../../domain/scope/placement.ts';
import type { Database, Queryable } from '../../postgres/database.ts';
import type { RegionReading } from '../observation.ts';
import { balancerByName, lockPool } from './balancer.ts';
import { freeName, saltOf } from './balancer-names.ts';
import type { PoolFacts } from './candidates.ts';
import { policyOf, readFacts } from './facts.ts';
import { hostConflict, writeHosts } from './hosts.ts';
import { mismatchOf } from './identity.ts';
import { type Held, hostsOf, keepHosts, keepPlacement, readHeld } from './keeping.ts';
import type { Decided, PlaceAnswer, PlaceInput } from './place-answer.ts';
import { endIdle, refreshRow, releaseRow, reserve } from './reserving.ts';

/** The decision where a scope goes, and its record, in one transaction under the pool's lock (specs: scope creation, section 6). */

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
    if (bound) {
      await keepHosts(client, input, kept, added);
      await refreshRow(client, input, held.zones);
    } else {
      await reserve(client, input, null);
      await writeHosts(client, request.scopeId, request.hosts);
    }
  }
  return { ...decided, kind: 'external', name, repaired: added.map((host) => `host ${host} added to the placement`) };
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
  const [candidate] = facts.candidates;
  const served = candidate !== undefined && bears(candidate, input.request);
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
  await endIdle(client, balancer.id);
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
