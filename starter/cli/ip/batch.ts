import type { IpClaim } from '../../client.ts';
import { ClaimConflict, NotFound } from '../../errors.ts';

/** Members that a batch may have. */
const MOST_MEMBERS = 256;

/** Name of one member of a batch, from 0. */
export const memberName = (batch: string, index: number): string => `${batch}-${index}`;

/**
 * The members of the batch `name` among the claims of its namespace, in index order. The ledger knows how many were claimed
 * together; claims that only happen to be called alike were claimed alone. Rejects with `NotFound` when there is no member, and
 * with `ClaimConflict` when those that there are were claimed as several batches.
 */
export function membersOf(name: string, claims: readonly IpClaim[]): IpClaim[] {
  const byName = new Map(claims.map((claim) => [claim.name, claim]));
  const alike = Array.from({ length: MOST_MEMBERS }, (_, index) => byName.get(memberName(name, index)) ?? []).flat();
  const members = alike.filter(({ batchCount }) => batchCount !== undefined);
  const batches = new Set(members.map(({ batchCount }) => batchCount));
  if (batches.size === 1) return members;
  const names = (claims: readonly IpClaim[]) => claims.map((claim) => claim.name).join(', ');
  const each = 'Release each by its own name.';
  if (batches.size > 1)
    throw new ClaimConflict(`${names(members)} were claimed as several batches. ${each}`, { reason: 'PartialBatch' });
  const others = alike.length > 0 ? `; only called alike: ${names(alike)}. ${each}` : '';
  throw new NotFound(`there is no batch ${name}${others}`, { reason: 'ClaimNotFound' });
}
