import type { Failure, InvalidField } from '../../contract/failures.ts';
import type { IpFailureReason, IpFailureType } from '../../contract/ip/failures.ts';

/** The one place where a status that the allocator answers becomes a failure (specs: IP claims, section 5.3). */

/** `detail` of a refusal, as the functions document it; `reason` is the reason of the failure. */
export type Detail = Readonly<Record<string, unknown>> & { reason?: string };

/** What was asked for, for words: `claim team-a/db`, `pool acme/net`. */
export interface Asked {
  subject: string;
  owner: string;
}

interface PoolName {
  owner: string;
  name: string;
}

export function ipFailure<Type extends IpFailureType>(
  type: Type,
  reason: IpFailureReason<Type>,
  message: string,
  details: Record<string, unknown> = {},
): Failure {
  return { type, message, details: { ...details, reason } };
}

/** Wrong fields, each by its path. */
export function invalid(fields: readonly InvalidField[], reason: IpFailureReason<'InvalidInput'> = 'Schema'): Failure {
  const message = fields.map(({ path, message }) => (path === '' ? message : `${path}: ${message}`)).join('; ');
  return ipFailure('InvalidInput', reason, message, { fields, paths: fields.map(({ path }) => path) });
}

/** The same fields, seen from the whole input. */
export function below(parent: string, fields: readonly InvalidField[]): InvalidField[] {
  return fields.map(({ path, message }) => ({ path: `${parent}.${path}`, message }));
}

export function refusal(status: string, detail: Detail, asked: Asked): Failure {
  const make = makers[`${status}/${detail.reason ?? ''}`] ?? makers[status] ?? unknownStatus(status);
  return make(detail, asked);
}

type Maker = (detail: Detail, asked: Asked) => Failure;

const makers: Readonly<Record<string, Maker>> = {
  'conflict/SpecDiffers': (detail, { subject }) =>
    ipFailure(
      'ClaimConflict',
      'SpecDiffers',
      `${subject} is held with another spec. Release it first, or use another name.`,
      pick(detail, 'name', 'heldUid'),
    ),
  'conflict/PartialBatch': (detail, { subject }) =>
    ipFailure(
      'ClaimConflict',
      'PartialBatch',
      `of ${subject} some members are held (${list(detail.held, detail.retained)}) and some are not (${list(detail.missing)}). Release those, or use another name.`,
      pick(detail, 'held', 'retained', 'missing'),
    ),
  'conflict/RetainedMismatch': (detail, { subject }) =>
    ipFailure(
      'ClaimConflict',
      'RetainedMismatch',
      `${subject} has a retained block that was asked for otherwise: ${mismatches(detail.fields)}. Ask for the same again, or purge the retained block.`,
      pick(detail, 'name', 'fields'),
    ),
  'conflict/PoolConflict': (_, { subject }) =>
    ipFailure('PoolConflict', 'SpecDiffers', `${subject} exists with another spec. Change it, or use another name.`),
  stale: (detail) =>
    ipFailure(
      'ClaimConflict',
      'StaleRequest',
      'this request was answered before, and its claim has been released since. Ask again with a new request id.',
      pick(detail, 'uid'),
    ),
  not_found: (detail, { subject, owner }) => {
    const pool = detail.pool as PoolName | undefined;
    const words = pool ? `owner ${pool.owner} has no pool ${pool.name}` : `${subject} does not exist`;
    return ipFailure('NotFound', 'PoolNotFound', `${words}. Check the name, or name its owner in projectRef.`, {
      owner,
    });
  },
  gone: (_, { subject, owner }) =>
    ipFailure('NotFound', 'PoolNotFound', `${subject} was there for this request and has been deleted since`, {
      owner,
    }),
  no_pool_match: (_, { owner }) =>
    ipFailure('NotFound', 'NoPoolMatch', `no pool that ${owner} may use matches the selector`, { owner }),
  forbidden: (detail, { owner }) =>
    ipFailure(
      'Forbidden',
      'NotPermitted',
      `pool ${poolWords(detail.pool)} is not shared with ${owner}. Ask its owner for a grant.`,
      pick(detail, 'pool'),
    ),
  family_mismatch: (detail) =>
    ipFailure(
      'InvalidInput',
      'FamilyMismatch',
      `${detail.requested} is asked for and pool ${poolWords(detail.pool)} is ${detail.actual}`,
      pick(detail, 'requested', 'actual', 'pool'),
    ),
  'out_of_bounds/OutsidePool': (detail) =>
    ipFailure(
      'OutOfBounds',
      'OutsidePool',
      `${detail.requested} is outside of ${rangeWords(detail)}`,
      pick(detail, 'requested', 'range', 'ranges', 'pool'),
    ),
  out_of_bounds: (detail) =>
    ipFailure(
      'OutOfBounds',
      'PrefixLength',
      `/${detail.requested} is out of bounds: ${boundsWords(detail)}`,
      pick(detail, 'requested', 'min', 'max', 'ranges', 'pool'),
    ),
  exhausted: (detail, { subject }) => {
    const pools = (detail.pools ?? []) as (PoolName & { largestFree: number | null })[];
    const blocks = Number(detail.count ?? 1) > 1 ? `${detail.count} free blocks` : 'a free block';
    const where = pools.length > 0 ? ` in ${pools.map((pool) => `${pool.owner}/${pool.name}`).join(', ')}` : '';
    const largest = detail.largestFree == null ? 'nothing is free' : `the largest free block is /${detail.largestFree}`;
    return ipFailure(
      'PoolExhausted',
      'NoFreeBlock',
      `${subject}: there is no room for ${blocks} of length /${detail.wanted}${where} (${largest}). Release blocks, or wait with waitSeconds.`,
      { ...pick(detail, 'wanted', 'count', 'largestFree'), pools: pools.map(({ owner, name }) => ({ owner, name })) },
    );
  },
  address_taken: (detail) =>
    ipFailure(
      'ClaimConflict',
      'AddressTaken',
      `${detail.requested} is taken${holderWords(detail.holder)}. Ask for another block, or for none in particular.`,
      pick(detail, 'requested', 'pool', 'holder'),
    ),
  address_reserved: (detail) =>
    ipFailure(
      'ClaimConflict',
      'AddressReserved',
      `${detail.requested} is reserved. Ask for another block, or for none in particular.`,
      pick(detail, 'requested', 'pool'),
    ),
  overlap: (detail, { subject }) => {
    const other = detail.other as (PoolName & { cidr: string }) | undefined;
    return ipFailure(
      'PoolOverlap',
      'Overlap',
      `${subject} (${detail.cidr}) overlaps pool ${poolWords(other)} (${other?.cidr}). Choose another CIDR, or set allowOverlap.`,
      pick(detail, 'cidr', 'other'),
    );
  },
  in_use: (detail, { subject }) =>
    ipFailure(
      'PoolInUse',
      'NotEmpty',
      `${subject} holds ${counted(detail.claims, 'claim')}, ${counted(detail.retained, 'retained block')} and ${counted(detail.children, 'child pool')}${list(detail.childNames) && ` (${list(detail.childNames)})`}. Release and delete them first.`,
      pick(detail, 'claims', 'retained', 'children', 'childNames'),
    ),
  immutable: (detail) =>
    invalid(
      [{ path: `change.spec.${detail.field}`, message: 'cannot be changed: delete the pool and make another' }],
      'ImmutableField',
    ),
  invalid: (detail) => {
    const paths = (detail.paths ?? []) as { path: string; message: string }[];
    return invalid(
      paths.map(({ path, message }) => ({ path: path.startsWith('spec') ? path : `spec.${path}`, message })),
    );
  },
  no_lease: (_, { subject }) => invalid([{ path: 'uid', message: `${subject} has no lease that could be renewed` }]),
  expired: (detail, { subject }) =>
    ipFailure('NotFound', 'LeaseExpired', `the lease of ${subject} is over. Claim again.`, pick(detail, 'uid')),
  unknown: (_, { subject }) => ipFailure('NotFound', 'ClaimNotFound', `${subject} is not known`),
  drift: ({ line }) => {
    const kept = line === undefined ? 'nothing was changed' : `line ${line} was not imported, other rows may have been`;
    return ipFailure(
      'Internal',
      'Drift',
      `the free list of the pool contradicts its allocations; ${kept}. Run "groundwork ip verify", then again with --rebuild.`,
    );
  },
};

function unknownStatus(status: string): Maker {
  return () =>
    ipFailure('Internal', 'Constraint', `the allocator answered ${status}, which this version does not know`);
}

function pick(detail: Detail, ...names: string[]): Record<string, unknown> {
  return Object.fromEntries(names.filter((name) => detail[name] !== undefined).map((name) => [name, detail[name]]));
}

function list(...names: unknown[]): string {
  return names.flatMap((some) => (Array.isArray(some) ? some : [])).join(', ');
}

function counted(count: unknown, what: string): string {
  return `${Number(count ?? 0)} ${what}${Number(count ?? 0) === 1 ? '' : 's'}`;
}

function poolWords(pool: unknown): string {
  const { owner, name } = (pool ?? {}) as Partial<PoolName>;
  return `${owner}/${name}`;
}

function holderWords(holder: unknown): string {
  const { owner, namespace, name, cidr, purpose } = (holder ?? {}) as Record<string, string | undefined>;
  if (cidr === undefined) return '';
  return ` by ${purpose ?? 'claim'} ${[owner, namespace, name].filter(Boolean).join('/')} (${cidr})`;
}

function rangeWords({ range, ranges, pool }: Detail): string {
  if (range !== undefined) return `${range}${pool ? ` of pool ${poolWords(pool)}` : ''}`;
  return `${list(ranges) || 'every pool that matches'}`;
}

function boundsWords({ min, max, pool, ranges }: Detail): string {
  if (min !== undefined) return `${pool ? `pool ${poolWords(pool)}` : 'the pool'} gives /${min} to /${max}`;
  const each = Array.isArray(ranges)
    ? ranges.map((one) => (typeof one === 'string' ? one : `/${one.min} to /${one.max}`))
    : [];
  return each.length > 0 ? `the pools that match give ${each.join(', ')}` : 'no pool that matches gives it';
}

function mismatches(fields: unknown): string {
  const given = (Array.isArray(fields) ? fields : []) as { field: string; retained: unknown; requested: unknown }[];
  return given
    .map(
      ({ field, retained, requested }) =>
        `${field} was ${JSON.stringify(retained)} and is ${JSON.stringify(requested)} now`,
    )
    .join('; ');
}
