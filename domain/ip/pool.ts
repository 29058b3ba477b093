import { canonicalJson } from '../../contract/canonical.ts';
import type { IpPoolSpec, IpStrategy, IpVisibility, PoolRef } from '../../contract/ip/pool.ts';
import { sha256Hex } from '../canonical.ts';
import { canonical, parseCidr } from './cidr.ts';
import { familyOf, type Problems, poolRefOf, problem, readBlock } from './request.ts';
import { splitRanges } from './reservations.ts';

/** What a pool's spec asks for, in the one form in which equal specs are equal. */
export interface NormalPool {
  cidr?: string;
  parentPoolRef?: PoolRef;
  prefixLength?: number;
  requestedCIDR?: string;
  minPrefixLength?: number;
  maxPrefixLength?: number;
  strategy: IpStrategy;
  visibility: IpVisibility;
  /** Absent: the worker's setting, which is no part of the spec. */
  cooldownSeconds?: number;
  retentionSeconds?: number;
  allowOverlap: boolean;
  reservations?: { unitPrefixLength?: number; leading?: number; trailing?: number; cidrs?: string[] };
}

/** Fills in what follows from the spec alone. `spec` has passed the schema. */
export function normalisePool(spec: IpPoolSpec): { ok: true; pool: NormalPool } | Problems {
  const { allocation, cooldownSeconds, retentionSeconds } = spec;
  const place = spec.parentPoolRef === undefined ? rootOf(spec) : childOf(spec, spec.parentPoolRef);
  if (!place.ok) return place;
  const reserved = reservationsOf(spec);
  if (!reserved.ok) return reserved;
  return {
    ok: true,
    pool: {
      ...place.fields,
      ...(allocation?.minPrefixLength === undefined ? {} : { minPrefixLength: allocation.minPrefixLength }),
      ...(allocation?.maxPrefixLength === undefined ? {} : { maxPrefixLength: allocation.maxPrefixLength }),
      strategy: allocation?.strategy ?? 'FirstFit',
      visibility: spec.visibility ?? 'consumer',
      ...(cooldownSeconds === undefined ? {} : { cooldownSeconds }),
      ...(retentionSeconds === undefined ? {} : { retentionSeconds }),
      allowOverlap: spec.allowOverlap ?? false,
      ...reserved.fields,
    },
  };
}

/** SHA-256 of what makes two creations the same, as 64 hex digits. */
export function poolHash(pool: NormalPool, labels: Readonly<Record<string, string>>): string {
  return sha256Hex(canonicalJson({ ...pool, labels }));
}

type Fields<K extends keyof NormalPool> = { ok: true; fields: Pick<NormalPool, K> } | Problems;

/** A root's CIDR may be written with host bits: it is the block that they lie in. */
function rootOf({ cidr: text = '', ipFamily }: IpPoolSpec): Fields<'cidr'> {
  const cidr = parseCidr(text);
  if (!cidr) return problem('cidr', `invalid CIDR "${text}": write it as address/length`);
  if (ipFamily === familyOf(cidr)) return { ok: true, fields: { cidr: canonical(cidr) } };
  return problem('ipFamily', `is ${ipFamily}, and ${text} is ${familyOf(cidr)}`, 'FamilyMismatch');
}

function childOf(spec: IpPoolSpec, parent: PoolRef): Fields<'parentPoolRef' | 'prefixLength' | 'requestedCIDR'> {
  const { prefixLength, requestedCIDR } = spec;
  const length = prefixLength === undefined ? {} : { prefixLength };
  if (requestedCIDR === undefined) return { ok: true, fields: { parentPoolRef: poolRefOf(parent), ...length } };
  const block = readBlock('requestedCIDR', requestedCIDR);
  if (!block.ok) return block;
  if (block.cidr.length !== prefixLength)
    return problem('requestedCIDR', `has the length ${block.cidr.length}, and prefixLength is ${prefixLength}`);
  return { ok: true, fields: { parentPoolRef: poolRefOf(parent), ...length, requestedCIDR: canonical(block.cidr) } };
}

function reservationsOf({ reservations }: IpPoolSpec): Fields<'reservations'> {
  if (reservations === undefined) return { ok: true, fields: {} };
  const { unitPrefixLength, leading, trailing, ranges } = reservations;
  const split = splitRanges(ranges ?? [], 'reservations.ranges');
  if (!split.ok) return { ...split, reason: 'Schema' };
  return {
    ok: true,
    fields: {
      reservations: {
        ...(unitPrefixLength === undefined ? {} : { unitPrefixLength }),
        ...(leading ? { leading } : {}),
        ...(trailing ? { trailing } : {}),
        ...(split.cidrs.length > 0 ? { cidrs: split.cidrs } : {}),
      },
    },
  };
}
