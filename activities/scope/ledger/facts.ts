import { bringsForeignHosts } from '../../../domain/scope/request.ts';
import type { Queryable } from '../../postgres/database.ts';
import { type PoolFacts, poolFacts } from './candidates.ts';
import type { PlaceAnswer, PlaceInput } from './place-answer.ts';

/** What a placement is decided on. */

export async function readFacts(
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

export function policyOf(input: PlaceInput) {
  const { request } = input;
  return {
    scheme: request.scheme,
    thresholds: request.thresholds,
    autocreateEnabled: request.autocreate.enabled && input.mayCreate,
    baseDomain: request.suffix.base,
  };
}
