import type { Queryable } from '../../postgres/database.ts';
import type { PlaceAnswer } from './place-answer.ts';

/** What makes a scope the same one. */
export interface Identity {
  domain: string | null;
  visibility: string | null;
  dnsType: string | null;
  region: string | null;
}

/** As the ledger has it; undefined for a scope that it never heard of. */
export async function readIdentity(
  database: Queryable,
  scopeId: string,
): Promise<(Identity & { state: 'reserved' | 'bound' | 'released' }) | undefined> {
  const { rows } = await database.query<Identity & { state: 'reserved' | 'bound' | 'released' }>(
    'select state, domain, visibility, dns_type as "dnsType", region from placement where scope_id = $1',
    [scopeId],
  );
  return rows[0];
}

/** A scope that exists does not change its domain, visibility, way of DNS or region under way. */
export function mismatchOf(
  request: Identity & { scopeId: string },
  held: Identity & { state: string },
): Extract<PlaceAnswer, { kind: 'refused' }> | undefined {
  if (held.state !== 'bound') return undefined;
  const identity = ({ domain, visibility, dnsType, region }: Identity) => ({ domain, visibility, dnsType, region });
  const [existing, requested] = [identity(held), identity(request)];
  const words = (one: Identity) => `domain ${one.domain} (${one.visibility}, ${one.dnsType}, ${one.region})`;
  if (words(existing) === words(requested)) return undefined;
  return {
    kind: 'refused',
    type: 'ScopeMismatch',
    message: `scope ${request.scopeId} exists with ${words(existing)}, the request says ${words(requested)}. Delete the scope first, or repeat with the same values.`,
    details: { existing, requested },
  };
}
