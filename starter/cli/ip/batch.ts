import type { IpClaim } from '../../client.ts';
import { ClaimConflict, NotFound } from '../../errors.ts';

/** Members that a batch may have. */
const MOST_MEMBERS = 256;

/** Name of one member of a batch, from 0. */
export const memberName = (batch: string, index: number): string => `${batch}-${index}`;

/**
 * The members of the batch `name` among the claims of its namespace, in index order. The ledger makes a batch in one
 * transaction, so its members share their pool and the moment in which they were created; claims that only happen to be called
 * alike do not. Rejects with `NotFound` when no two were claimed together, and with `ClaimConflict` when several batches were.
 */
export function membersOf(name: string, claims: readonly IpClaim[]): IpClaim[] {
  const byName = new Map(claims.map((claim) => [claim.name, claim]));
  const alike = Array.from({ length: MOST_MEMBERS }, (_, index) => byName.get(memberName(name, index)) ?? []).flat();
  const together = new Map<string, IpClaim[]>();
  for (const claim of alike) {
    const birth = `${claim.createdAt} ${claim.pool.owner}/${claim.pool.name}`;
    together.set(birth, [...(together.get(birth) ?? []), claim]);
  }
  const [batch, ...others] = [...together.values()].filter(({ length }) => length > 1);
  if (batch && others.length === 0) return batch;
  const names = alike.map((claim) => claim.name).join(', ');
  const each = 'Release each by its own name.';
  if (batch) throw new ClaimConflict(`${names} were claimed as several batches. ${each}`, { reason: 'PartialBatch' });
  const apart = alike.length > 0 ? `; what there is was not claimed together: ${names}. ${each}` : '';
  throw new NotFound(`there is no batch ${name}${apart}`, { reason: 'ClaimNotFound' });
}
