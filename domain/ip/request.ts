import { canonicalJson } from '../../contract/canonical.ts';
import type { InvalidField } from '../../contract/failures.ts';
import type { IpClaimSpec, MatchExpression, PoolSelector, ReclaimPolicy } from '../../contract/ip/claim.ts';
import type { IpFamily, PoolRef } from '../../contract/ip/pool.ts';
import { sha256Hex } from '../canonical.ts';
import { canonical, hostBits, parseCidr } from './cidr.ts';

/** What a claim asks for, in the one form in which equal requests are equal (specs: IP claims, section 2). */

export interface NormalClaim {
  count: number;
  ipFamily: IpFamily;
  poolRef?: PoolRef;
  poolSelector?: PoolSelector;
  prefixLength: number;
  reclaimPolicy: ReclaimPolicy;
  requestedCIDR?: string;
  ttlSeconds?: number;
}

/** Wrong fields, by their path below `spec`. */
export interface Problems {
  ok: false;
  reason: 'Schema' | 'FamilyMismatch';
  problems: InvalidField[];
}

export const problem = (path: string, message: string, reason: Problems['reason'] = 'Schema'): Problems => ({
  ok: false,
  reason,
  problems: [{ path, message }],
});

/** A block as a field names it: it must be readable and say what it means, that is have no host bits. */
export function readBlock(
  path: string,
  text: string,
): { ok: true; cidr: NonNullable<ReturnType<typeof parseCidr>> } | Problems {
  const cidr = parseCidr(text);
  if (!cidr) return problem(path, `invalid CIDR ${JSON.stringify(text)}: write it as address/length`);
  if (hostBits(cidr) === 0n) return { ok: true, cidr };
  return problem(path, `${text} has host bits: the block is ${canonical(cidr)}`);
}

export const familyOf = ({ family }: { family: 4 | 6 }): IpFamily => (family === 4 ? 'IPv4' : 'IPv6');

/** Fills in defaults and sorts what has no order. `spec` has passed the schema. */
export function normaliseClaim(spec: IpClaimSpec): { ok: true; claim: NormalClaim } | Problems {
  const { ipFamily, requestedCIDR, poolRef, poolSelector, ttlSeconds } = spec;
  let { prefixLength } = spec;
  let wanted: string | undefined;
  if (requestedCIDR !== undefined) {
    const block = readBlock('requestedCIDR', requestedCIDR);
    if (!block.ok) return block;
    const { cidr } = block;
    if (familyOf(cidr) !== ipFamily)
      return problem(
        'requestedCIDR',
        `${requestedCIDR} is ${familyOf(cidr)} and ipFamily is ${ipFamily}`,
        'FamilyMismatch',
      );
    if (prefixLength !== undefined && prefixLength !== cidr.length)
      return problem('prefixLength', `is ${prefixLength}, and requestedCIDR has the length ${cidr.length}`);
    if (cidr.length === 0) return problem('requestedCIDR', 'a length of 0 cannot be claimed');
    prefixLength = cidr.length;
    wanted = canonical(cidr);
  }
  if (prefixLength === undefined) return problem('prefixLength', 'is required unless requestedCIDR is given');
  return {
    ok: true,
    claim: {
      count: spec.count ?? 1,
      ipFamily,
      ...(poolRef ? { poolRef: poolRefOf(poolRef) } : {}),
      ...(poolSelector ? { poolSelector: selectorOf(poolSelector) } : {}),
      prefixLength,
      reclaimPolicy: spec.reclaimPolicy ?? 'Delete',
      ...(wanted === undefined ? {} : { requestedCIDR: wanted }),
      ...(ttlSeconds === undefined ? {} : { ttlSeconds }),
    },
  };
}

/** SHA-256 of the canonical JSON of a claim, as 64 hex digits. */
export function claimHash(claim: NormalClaim): string {
  return sha256Hex(canonicalJson(claim));
}

export function poolRefOf({ name, projectRef }: PoolRef): PoolRef {
  return { name, ...(projectRef ? { projectRef: { name: projectRef.name } } : {}) };
}

function selectorOf({ matchLabels, matchExpressions, projectRef }: PoolSelector): PoolSelector {
  const expressions = (matchExpressions ?? [])
    .map(expressionOf)
    .sort((a, b) => compare(canonicalJson(a), canonicalJson(b)));
  return {
    ...(matchLabels && Object.keys(matchLabels).length > 0 ? { matchLabels } : {}),
    ...(expressions.length > 0 ? { matchExpressions: expressions } : {}),
    ...(projectRef ? { projectRef: { name: projectRef.name } } : {}),
  };
}

function expressionOf({ key, operator, values }: MatchExpression): MatchExpression {
  const sorted = [...new Set(values ?? [])].sort(compare);
  return { key, operator, ...(sorted.length > 0 ? { values: sorted } : {}) };
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
