import { autocreatedBalancerName } from '../../../domain/scope/names.ts';
import type { ScopeRequest } from '../../../domain/scope/request.ts';
import type { Queryable } from '../../postgres/database.ts';
import type { RegionReading } from '../observation.ts';
import { balancerByName } from './balancer.ts';
import type { PlaceAnswer, PlaceInput } from './place-answer.ts';

/** Names of balancers that are made for a scope. */

const MOST_SALTS = 32;

/**
 * The name of this scope's new balancer. The salt grows only past a name that is not ours to use: an AWS balancer
 * without our tags for this scope, or a live row made for another scope.
 */
export async function freeName(
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
    const owner = input.owners[name];
    if (!inAws || owner === 'ours' || owner === 'gone') return name;
    if (owner === undefined) return { answer: { kind: 'check-owner', name, arn: inAws.arn } };
  }
  throw new Error(`${MOST_SALTS} names for a balancer of scope ${request.scopeId} are taken by others`);
}

function nameWithSalt(request: ScopeRequest, salt: number): string {
  const { visibility, region, scheme, scopeId } = request;
  return autocreatedBalancerName({ prefix: request.autocreate.prefix, visibility, region, scheme, scopeId }, salt);
}

export function saltOf(request: ScopeRequest, name: string): number {
  for (let salt = 0; salt < MOST_SALTS; salt++) if (nameWithSalt(request, salt) === name) return salt;
  throw new Error(`${name} is no name of scope ${request.scopeId}`);
}
