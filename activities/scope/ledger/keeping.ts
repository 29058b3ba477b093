import { bears, effectiveLoad, isLeaving } from '../../../domain/scope/placement.ts';
import type { HostedZone, ScopeRequest } from '../../../domain/scope/request.ts';
import type { Queryable } from '../../postgres/database.ts';
import { type BalancerRow, balancerById, balancerByName, moveBalancer } from './balancer.ts';
import { policyOf, readFacts } from './facts.ts';
import { hostConflict, writeHosts } from './hosts.ts';
import { type Identity, mismatchOf } from './identity.ts';
import type { PlaceAnswer, PlaceInput } from './place-answer.ts';
import { moveRow, refreshRow, releaseRow } from './reserving.ts';

/** What a scope holds already, and keeps. */

export interface Held extends Identity {
  state: 'reserved' | 'bound' | 'released';
  holder: string | null;
  hosts: string[];
  /** Those of `hosts` that a repeat added and that are not bound yet. */
  added: string[];
  zones: HostedZone[] | null;
  balancerId: string | null;
  placedBy: string | null;
}

export async function readHeld(client: Queryable, scopeId: string): Promise<Held | undefined> {
  const { rows } = await client.query<Held>(
    `select state, holder, hosts, hosts_added as added, domain, visibility, dns_type as "dnsType", region, zones, balancer_id::text as "balancerId", placed_by as "placedBy"
       from placement where scope_id = $1 for update`,
    [scopeId],
  );
  return rows[0];
}

/**
 * A scope that is placed stays where it is, unless it is to follow its alias; only a reservation leaves a balancer that never
 * came to life. Bound scopes are on one that failed when it vanished and could not be rebuilt: it is tried again, under its name.
 */
export async function keepPlacement(
  client: Queryable,
  input: PlaceInput,
  held: Held,
): Promise<PlaceAnswer | undefined> {
  const { request, run } = input;
  const mismatch = mismatchOf(request, held);
  if (mismatch) return mismatch;
  const bound = held.state === 'bound';
  const goal = bound && input.alias?.moves ? input.alias.balancer : undefined;
  let balancer = held.balancerId === null ? undefined : await balancerById(client, held.balancerId);
  if (goal !== undefined) {
    balancer = await balancerByName(client, input.pool.account, input.pool.region, goal);
    if (!balancer) return { kind: 'stale', names: [goal] };
    if (isLeaving(balancer.state)) return leavingRefusal(balancer);
  }
  const sameRequest =
    held.domain === request.domain && held.visibility === request.visibility && held.region === request.region;
  const gone = !sameRequest || (balancer && isLeaving(balancer.state));
  if (!balancer || (gone && !bound)) {
    if (!input.dryRun) await releaseRow(client, request.scopeId);
    return undefined;
  }
  const reason = `scope ${request.scopeId} is already placed on ${balancer.name}`;
  const { kept, added } = hostsOf(held, request);
  const again = bound && balancer.state === 'failed';
  if (again && !input.dryRun) balancer = await moveBalancer(client, balancer.id, ['failed'], 'provisioning');
  const moves = goal !== undefined && balancer.id !== held.balancerId;
  if (added.length > 0 || moves) {
    const conflict = await hostConflict(client, request);
    if (conflict) return conflict;
    // What room there is on one that failed shows when it is made again.
    const refusal =
      again && input.dryRun ? undefined : await roomOn(client, input, balancer, [...kept, ...added], added);
    if (refusal) return refusal;
  }
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
  if (goal !== undefined) await moveRow(client, request.scopeId, balancer.id);
  if (added.length > 0 || kept.length < held.hosts.length) await keepHosts(client, input, kept, added);
  await refreshRow(client, input, held.zones);
  return {
    kind: 'placed',
    balancer,
    createdBalancer: balancer.madeBy === run,
    candidates: [],
    reason,
    warnings: [],
    repaired: [
      ...(bound && balancer.state === 'provisioning' ? [`balancer ${balancer.name} rebuilt`] : []),
      ...added.map((host) => `host ${host} added to the placement`),
    ],
  };
}

function leavingRefusal({ name, state }: BalancerRow): PlaceAnswer {
  return {
    kind: 'refused',
    type: 'NoCapacity',
    message: `nobody is placed on balancer ${name} any more: it is ${state} in the ledger`,
    details: { balancer: name, state },
  };
}

/** Refuses a balancer that the scope, with all its hosts, would take over a threshold; one that has its domain in its rules already bears it. */
async function roomOn(
  client: Queryable,
  input: PlaceInput,
  balancer: BalancerRow,
  hosts: readonly string[],
  added: readonly string[],
): Promise<PlaceAnswer | undefined> {
  const facts = await readFacts(client, input, [balancer.name], false);
  if ('kind' in facts) return facts;
  const [candidate] = facts.candidates;
  if (!candidate) return undefined;
  if (added.length === 0 && bears(candidate, input.request)) return undefined;
  const { scopeId } = input.request;
  const load = effectiveLoad(candidate, { scopeId, hosts }, facts.placements, policyOf(input));
  if (load.hasRoom) return undefined;
  const { observation } = candidate;
  if (observation.kind === 'unreadable') {
    const { error } = observation;
    return { kind: 'unreadable', candidates: [load], reason: `cannot read ${balancer.name}`, warnings: [], error };
  }
  return {
    kind: 'refused',
    type: 'NoCapacity',
    message: `balancer ${balancer.name} has no room for ${added.length > 0 ? 'the added domains' : 'the scope'}: ${load.reason}`,
    details: { candidates: [load] },
  };
}

/**
 * The hosts of a placement that stay, without those that a run added in vain, and those that the request adds. A bound
 * placement keeps all of its own; a reservation takes those of the request.
 */
export function hostsOf(held: Held, request: ScopeRequest): { kept: string[]; added: string[] } {
  const wanted = (host: string) => held.state === 'bound' || request.hosts.includes(host);
  const kept = held.hosts.filter((host) => wanted(host) && !held.added.includes(host));
  return { kept, added: request.hosts.filter((host) => !kept.includes(host)) };
}

export async function keepHosts(
  client: Queryable,
  { request }: PlaceInput,
  kept: string[],
  added: string[],
): Promise<void> {
  await writeHosts(client, request.scopeId, [...kept, ...added]);
  await client.query('update placement set hosts_added = $2 where scope_id = $1', [request.scopeId, added]);
}
