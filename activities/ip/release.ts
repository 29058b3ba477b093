import { ApplicationFailure } from '@temporalio/common';
import type { z } from 'zod';
import type { Failure } from '../../contract/failures.ts';
import type { IpReleaseResult, IpRenewalResult } from '../../contract/ip/claim.ts';
import { readWith } from '../../contract/schemas/fields.ts';
import { ipReleaseInputSchema, ipRenewalInputSchema } from '../../contract/schemas/ip.ts';
import { call, workflowId } from './call.ts';
import type { IpDependencies } from './dependencies.ts';
import { type Detail, invalid, ipFailure, refusal } from './refusals.ts';

/** What a change answers, and the runs that wait for what it freed. */
export interface WithWaiters<Result> {
  result: Result;
  waiters: string[];
}

interface ReleaseRow {
  status: IpReleaseResult['outcome'];
  namespace: string;
  name: string;
  cidr: string;
  pool_owner: string;
  pool_name: string;
  waiters: string[] | null;
}

/**
 * Ends the life of a claim. Running it twice is harmless: the second call finds that life over, and the uid never lives
 * again. The outcome of a repeat is `already`; it too names who waits, because the first answer may be lost.
 */
export async function releaseAddress(
  deps: IpDependencies,
  { input: given }: { input: unknown },
): Promise<WithWaiters<IpReleaseResult>> {
  refuseAllocationName(deps, given);
  const { owner, uid, mode, actor } = parsed(deps, ipReleaseInputSchema, given);
  deps.metrics?.attempt('release', undefined);
  const [row] = await call<ReleaseRow>(deps, 'ipam_release', [
    uid,
    owner,
    mode ?? 'Policy',
    actor ?? null,
    workflowId(),
  ]);
  const outcome = row?.status ?? 'unknown';
  const waiters = row?.waiters ?? [];
  if (!row || outcome === 'already' || outcome === 'unknown') return { result: { uid, outcome }, waiters };
  const { namespace, name, cidr, pool_owner, pool_name } = row;
  const claim = { namespace, name, allocatedCIDR: cidr, pool: { owner: pool_owner, name: pool_name } };
  return { result: { uid, outcome, claim }, waiters };
}

/** A caller that names the allocation means the block; what it may end is the claim. */
function refuseAllocationName(deps: IpDependencies, given: unknown): void {
  const { uid } = (given ?? {}) as { uid?: unknown };
  if (typeof uid !== 'string' || !uid.startsWith('alloc-')) return;
  const message = `${uid} is an allocation, which is managed by its claim; release the claim`;
  throw failed(deps, ipFailure('InvalidInput', 'NotAClaim', message, { fields: [{ path: 'uid', message }] }));
}

interface RenewRow {
  status: string;
  expires_at: Date | null;
  detail: Detail | null;
}

/** Moves the end of a lease. Running it twice moves it to a moment later than the first call did, by the time between. */
export async function renewLease(deps: IpDependencies, { input: given }: { input: unknown }): Promise<IpRenewalResult> {
  const { owner, uid, ttlSeconds, actor } = parsed(deps, ipRenewalInputSchema, given);
  deps.metrics?.attempt('renew', undefined);
  const [row] = await call<RenewRow>(deps, 'ipam_renew', [uid, owner, ttlSeconds ?? null, actor ?? null, workflowId()]);
  if (row?.status === 'renewed' && row.expires_at) return { uid, expiresAt: row.expires_at.toISOString() };
  throw failed(deps, refusal(row?.status ?? 'unknown', { ...row?.detail, uid }, { subject: `claim ${uid}`, owner }));
}

/** The input, or `InvalidInput` with the path of every wrong field. `judged`: as of `readWith`. */
export function parsed<T>(deps: IpDependencies, schema: z.ZodType<T>, given: unknown, judged?: string): T {
  const reading = readWith(schema, given, judged);
  if (reading.ok) return reading.value;
  throw failed(deps, invalid(reading.fields));
}

/** A refusal as the end of an activity, counted. */
export function failed(deps: IpDependencies, { type, message, details }: Failure): ApplicationFailure {
  deps.metrics?.failure(type, String(details?.reason ?? ''));
  return ApplicationFailure.create({ type, message, nonRetryable: true, details: [details ?? {}] });
}
