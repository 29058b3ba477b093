import { type IpPoolChangeInput, type IpPoolChangeResult, immutablePoolFields } from '../../contract/ip/change.ts';
import type { IpPoolCreationResult, IpPoolDeletionResult } from '../../contract/ip/pool.ts';
import {
  ipPoolChangeInputSchema,
  ipPoolCreationInputSchema,
  ipPoolDeletionInputSchema,
} from '../../contract/schemas/ip.ts';
import { normalisePool, poolHash } from '../../domain/ip/pool.ts';
import { splitRanges } from '../../domain/ip/reservations.ts';
import { beating } from '../signal.ts';
import { call, workflowId } from './call.ts';
import type { IpDependencies } from './dependencies.ts';
import { below, type Detail, invalid, refusal } from './refusals.ts';
import { failed, parsed, type WithWaiters } from './release.ts';
import { ownPoolView } from './views.ts';

/** Making, changing and removing pools: one call of the database each. */

interface CreateRow {
  status: string;
  replayed: boolean;
  spec_hash: Buffer | null;
  detail: Detail | null;
}

/**
 * Makes a pool. Running it twice is harmless: the second call finds the pool with the same spec hash. When that has been deleted
 * meanwhile, it finds that the same `run` made or met it, and makes no other.
 */
export async function createPool(
  deps: IpDependencies,
  { input, run }: { input: unknown; run: string },
): Promise<IpPoolCreationResult> {
  const { owner, actor, name, labels = {}, spec } = parsed(deps, ipPoolCreationInputSchema, input);
  const normal = normalisePool(spec);
  if (!normal.ok) throw failed(deps, invalid(below('spec', normal.problems), normal.reason));
  const { pool } = normal;
  deps.metrics?.attempt('pool-create', undefined);
  const specHash = poolHash(pool, labels);
  const [row] = await call<CreateRow>(deps, 'ipam_pool_create', [
    owner,
    name,
    pool.cidr ?? null,
    pool.parentPoolRef?.projectRef?.name ?? null,
    pool.parentPoolRef?.name ?? null,
    pool.prefixLength ?? null,
    pool.requestedCIDR ?? null,
    pool.minPrefixLength ?? null,
    pool.maxPrefixLength ?? null,
    pool.strategy,
    pool.visibility,
    pool.cooldownSeconds ?? deps.settings.cooldownSeconds,
    pool.retentionSeconds ?? null,
    JSON.stringify(labels),
    pool.allowOverlap,
    pool.reservations ? JSON.stringify(pool.reservations) : null,
    Buffer.from(specHash, 'hex'),
    actor ?? null,
    run,
  ]);
  if (row?.status !== 'created') throw refused(deps, row, owner, name);
  return { pool: await ownPoolView(deps, owner, name), replayed: row.replayed, specHash };
}

interface DeleteRow {
  status: string;
  cidr: string | null;
  waiters: string[] | null;
  detail: Detail | null;
}

/**
 * Removes a pool that holds nothing. Running it twice is harmless: a repeat by the same `run` finds its own event or answer and
 * answers as before, whatever has that name now; for any other run a pool that is gone is an answer, too.
 */
export async function deletePool(
  deps: IpDependencies,
  { input, run }: { input: unknown; run: string },
): Promise<WithWaiters<IpPoolDeletionResult>> {
  const { owner, actor, name } = parsed(deps, ipPoolDeletionInputSchema, input);
  deps.metrics?.attempt('pool-delete', undefined);
  const [row] = await call<DeleteRow>(deps, 'ipam_pool_delete', [owner, name, actor ?? null, run]);
  if (row?.status === 'not_found') return { result: { owner, name, deleted: false }, waiters: [] };
  if (row?.status !== 'deleted') throw refused(deps, row, owner, name);
  const cidr = row.cidr ? { allocatedCIDR: row.cidr } : {};
  return { result: { owner, name, deleted: true, ...cidr }, waiters: row.waiters ?? [] };
}

type Change<Kind extends IpPoolChangeInput['change']['kind']> = Extract<IpPoolChangeInput['change'], { kind: Kind }>;

interface ChangeRow {
  status: string;
  before: Record<string, unknown> | null;
  after: Record<string, unknown> | null;
  waiters: string[] | null;
  detail: Detail | null;
}

/**
 * Changes settings and labels. Running it twice is harmless: a repeat by the same `run` finds its own event or answer and leaves
 * alone what others may have changed since.
 */
export async function changePool(
  deps: IpDependencies,
  { input, run }: { input: unknown; run: string },
): Promise<WithWaiters<IpPoolChangeResult>> {
  const { owner, actor, name, change } = parsed(deps, ipPoolChangeInputSchema, input);
  const { spec = {}, labels } = change as Change<'settings'>;
  const fixed = immutablePoolFields.find((field) => spec[field] !== undefined);
  if (fixed) throw refused(deps, { status: 'immutable', detail: { field: fixed } }, owner, name);
  const { allocation, ...rest } = spec;
  const changes = { ...rest, ...allocation, ...(labels ? { labels } : {}) };
  deps.metrics?.attempt('pool-change', undefined);
  const [row] = await call<ChangeRow>(deps, 'ipam_pool_change', [
    owner,
    name,
    JSON.stringify(changes),
    actor ?? null,
    run,
  ]);
  if (row?.status !== 'changed' && row?.status !== 'unchanged') throw refused(deps, row, owner, name);
  const { before, after } = row;
  const changed = Object.keys(after ?? {})
    .filter((key) => JSON.stringify(before?.[key]) !== JSON.stringify(after?.[key]))
    .map((key) => `${key}: ${shown(before?.[key])} => ${shown(after?.[key])}`);
  return {
    result: { kind: 'settings', pool: await ownPoolView(deps, owner, name), changed },
    waiters: row.waiters ?? [],
  };
}

interface ReserveRow {
  status: string;
  changed: string | string[] | null;
  waiters: string[] | null;
  detail: Detail | null;
}

/** Reserves ranges, or gives them back. Running it twice is harmless: a repeat by the same `run` finds its own event or answer. */
export async function reserveRanges(
  deps: IpDependencies,
  { input, run }: { input: unknown; run: string },
): Promise<WithWaiters<IpPoolChangeResult>> {
  const { owner, actor, name, change } = parsed(deps, ipPoolChangeInputSchema, input);
  const { kind, ranges } = change as Change<'reserve' | 'unreserve'>;
  const split = splitRanges(ranges);
  if (!split.ok) throw failed(deps, invalid(below('change', split.problems)));
  deps.metrics?.attempt(kind, undefined);
  const remove = kind === 'unreserve';
  const args = [owner, name, split.cidrs, remove, actor ?? null, run];
  const [row] = await call<ReserveRow>(deps, 'ipam_reserve', args);
  if (!row || !['reserved', 'unreserved', 'unchanged'].includes(row.status)) throw refused(deps, row, owner, name);
  const words = remove ? 'reserved => free' : 'free => reserved';
  const changed = texts(row.changed).map((cidr) => `${cidr}: ${words}`);
  return { result: { kind, pool: await ownPoolView(deps, owner, name), changed }, waiters: row.waiters ?? [] };
}

/**
 * Lets another owner use a shared pool, or no longer. Running it twice is harmless: a repeat by the same `run` finds its own event or
 * answer, and gives no access that was taken back since.
 */
export async function setGrant(
  deps: IpDependencies,
  { input, run }: { input: unknown; run: string },
): Promise<WithWaiters<IpPoolChangeResult>> {
  const { owner, actor, name, change } = parsed(deps, ipPoolChangeInputSchema, input);
  const { kind, grantee } = change as Change<'grant' | 'revoke'>;
  deps.metrics?.attempt(kind, undefined);
  const args = [owner, name, grantee, kind === 'grant', actor ?? null, run];
  const [row] = await call<{ status: string; detail: Detail | null }>(deps, 'ipam_grant_set', args);
  if (!row || !['granted', 'revoked', 'unchanged'].includes(row.status)) throw refused(deps, row, owner, name);
  const words = kind === 'grant' ? 'no grant => granted' : 'granted => no grant';
  const changed = row.status === 'unchanged' ? [] : [`${grantee}: ${words}`];
  return { result: { kind, pool: await ownPoolView(deps, owner, name), changed }, waiters: [] };
}

interface RebuildRow {
  status: string;
  removed: string | string[] | null;
  added: string | string[] | null;
  detail?: Detail | null;
}

/** Makes the free list again as pool minus allocations. Running it twice is harmless: the second list is the first. */
export async function rebuildPool(
  deps: IpDependencies,
  { input }: { input: unknown },
): Promise<WithWaiters<IpPoolChangeResult>> {
  const { owner, actor, name } = parsed(deps, ipPoolChangeInputSchema, input);
  deps.metrics?.attempt('rebuild', undefined);
  const args = [owner, name, actor ?? null, workflowId()];
  const [row] = await beating(() => call<RebuildRow>(deps, 'ipam_rebuild', args, deps.patientDatabase));
  if (!row || !['rebuilt', 'unchanged'].includes(row.status)) throw refused(deps, row, owner, name);
  const changed = [
    ...texts(row.removed).map((cidr) => `${cidr}: in the free list => not in it`),
    ...texts(row.added).map((cidr) => `${cidr}: not in the free list => in it`),
  ];
  return { result: { kind: 'rebuild', pool: await ownPoolView(deps, owner, name), changed }, waiters: [] };
}

function refused(
  deps: IpDependencies,
  row: { status: string; detail?: Detail | null } | undefined,
  owner: string,
  name: string,
): Error {
  return failed(deps, refusal(row?.status ?? 'nothing', row?.detail ?? {}, { subject: `pool ${name}`, owner }));
}

/** `cidr[]` arrives as text when the driver does not know the type. */
function texts(array: string | string[] | null): string[] {
  if (Array.isArray(array)) return array;
  return array === null || array === '{}' ? [] : array.slice(1, -1).split(',');
}

function shown(value: unknown): string {
  if (value === null || value === undefined) return 'none';
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}
