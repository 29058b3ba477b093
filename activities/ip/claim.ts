import type { Failure } from '../../contract/failures.ts';
import type { BoundClaim, IpClaimAnswer, IpClaimInput, ReclaimPolicy } from '../../contract/ip/claim.ts';
import { readWith } from '../../contract/schemas/fields.ts';
import { ipClaimInputSchema, MUTUALLY_EXCLUSIVE } from '../../contract/schemas/ip.ts';
import { allocationName, memberName } from '../../domain/ip/names.ts';
import { claimHash, type NormalClaim, normaliseClaim } from '../../domain/ip/request.ts';
import type { WaitTimings } from '../../domain/ip/settings.ts';
import { busy, call, workflowId } from './call.ts';
import type { IpDependencies } from './dependencies.ts';
import { below, type Detail, invalid, refusal } from './refusals.ts';

/** What a try to claim came to. Refusals are values: only the workflow makes them failures, for every caller the same. */
export type ClaimOutcome =
  | { kind: 'bound'; answer: IpClaimAnswer }
  | { kind: 'refused'; failure: Failure }
  | {
      kind: 'exhausted';
      failure: Failure;
      wait: { poolIds: number[]; pools: string[]; prefixLength: number; blocks: number; timings: WaitTimings };
    };

export interface ClaimTry {
  input: unknown;
  /** One for each member, minted before the first try. */
  uids: readonly string[];
  /** A refusal is the last word, and goes to the log of events. */
  final: boolean;
}

interface ClaimRow {
  status: string;
  claim_uid: string;
  name: string;
  cidr: string;
  family: 4 | 6;
  len: number;
  pool_owner: string;
  pool_name: string;
  reclaim: ReclaimPolicy;
  expires_at: Date | null;
  replayed: boolean;
  rebound: boolean;
  detail: Detail | null;
}

/** How often a pool that filled up between the look and the lock is passed over for another at once. */
const MOST_MOVES = 8;

/**
 * Claims in one call of the database. Running it twice is harmless: the second call finds the rows of its own uids and
 * answers as the first did.
 */
export async function claimAddress(deps: IpDependencies, given: ClaimTry): Promise<ClaimOutcome> {
  const reading = readWith(ipClaimInputSchema, given.input);
  if (!reading.ok) {
    deps.metrics?.attempt('claim', undefined);
    const exclusive = reading.fields.length === 1 && reading.fields[0]?.message === MUTUALLY_EXCLUSIVE;
    return refused(deps, invalid(reading.fields, exclusive ? 'MutuallyExclusive' : 'Schema'));
  }
  const input = reading.value;
  const normal = normaliseClaim(input.spec);
  if (!normal.ok) return refused(deps, invalid(below('spec', normal.problems), normal.reason));
  const hash = claimHash(normal.claim);
  deps.metrics?.attempt(input.dryRun ? 'dry-run' : 'claim', normal.claim.ipFamily === 'IPv4' ? 4 : 6);
  for (let moves = 0; moves < MOST_MOVES; moves += 1) {
    const rows = await call<ClaimRow>(deps, 'ipam_claim', argumentsOf(input, normal.claim, hash, given));
    const [first] = rows;
    if (first?.status === 'moved') continue;
    if (first?.status === 'bound') return { kind: 'bound', answer: answerOf(input, rows, first, hash) };
    const failure = refusal(first?.status ?? 'nothing', first?.detail ?? {}, {
      subject: `claim ${input.namespace}/${input.name}`,
      owner: input.owner,
    });
    if (first?.status !== 'exhausted') return refused(deps, failure);
    if (given.final) refused(deps, failure);
    return { kind: 'exhausted', failure, wait: waitOf(deps, normal.claim, first.detail ?? {}) };
  }
  throw busy(deps, 'Contention');
}

function refused(deps: IpDependencies, failure: Failure): ClaimOutcome {
  deps.metrics?.failure(failure.type, String(failure.details?.reason ?? ''));
  return { kind: 'refused', failure };
}

function argumentsOf(input: IpClaimInput, claim: NormalClaim, hash: string, { uids, final }: ClaimTry): unknown[] {
  const { poolRef, poolSelector } = claim;
  const { projectRef, ...selector } = poolSelector ?? {};
  const names =
    claim.count === 1 ? [input.name] : Array.from({ length: claim.count }, (_, index) => memberName(input.name, index));
  return [
    uids.slice(0, claim.count),
    input.owner,
    input.namespace,
    names,
    poolRef?.projectRef?.name ?? projectRef?.name ?? null,
    poolRef?.name ?? null,
    poolSelector ? JSON.stringify(selector) : null,
    claim.ipFamily === 'IPv4' ? 4 : 6,
    claim.prefixLength,
    claim.requestedCIDR ?? null,
    Buffer.from(hash, 'hex'),
    claim.reclaimPolicy,
    claim.ttlSeconds ?? null,
    input.dryRun ?? false,
    final,
    input.actor ?? null,
    workflowId(),
  ];
}

function answerOf(input: IpClaimInput, rows: readonly ClaimRow[], first: ClaimRow, hash: string): IpClaimAnswer {
  const members = rows.map(
    (row): BoundClaim => ({
      namespace: input.namespace,
      name: row.name,
      uid: row.claim_uid,
      allocatedCIDR: row.cidr,
      boundAllocationRef: { name: allocationName(input.namespace, row.name) },
      replayed: row.replayed,
      rebound: row.rebound,
      ...(row.expires_at ? { expiresAt: row.expires_at.toISOString() } : {}),
    }),
  );
  const [one] = members as [BoundClaim];
  return {
    ...one,
    name: input.name,
    phase: 'Bound',
    owner: input.owner,
    ipFamily: first.family === 4 ? 'IPv4' : 'IPv6',
    prefixLength: first.len,
    pool: { owner: first.pool_owner, name: first.pool_name },
    reclaimPolicy: first.reclaim,
    dryRun: input.dryRun ?? false,
    requestHash: hash,
    ...(rows.length > 1 ? { allocations: members } : {}),
  };
}

function waitOf(deps: IpDependencies, claim: NormalClaim, detail: Detail) {
  const pools = (detail.pools ?? []) as { id: number; owner: string; name: string }[];
  return {
    poolIds: pools.map(({ id }) => id),
    pools: pools.map(({ owner, name }) => `${owner}/${name}`),
    prefixLength: Number(detail.wanted ?? claim.prefixLength),
    blocks: claim.count,
    timings: deps.settings.wait,
  };
}

export interface CapacityWaitInput {
  poolIds: readonly number[];
  prefixLength: number;
  blocks: number;
  waitSeconds: number;
}

/** Enters this run in the list of waiters. Twice: the same rows. A lost answer leaves a row that the sweep drops. */
export async function awaitCapacity(deps: IpDependencies, input: CapacityWaitInput): Promise<void> {
  const { poolIds, prefixLength, blocks, waitSeconds } = input;
  await call(deps, 'ipam_wait', [[...poolIds], workflowId(), prefixLength, blocks, waitSeconds]);
}

/** Takes this run off the list of waiters. Twice: nothing is left to take off. */
export async function stopWaiting(deps: IpDependencies): Promise<void> {
  await call(deps, 'ipam_unwait', [workflowId()]);
}
