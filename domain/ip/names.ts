import { sha256Hex } from '../canonical.ts';

/** Name of the allocation of a claim: the same for every life of it. */
export function allocationName(namespace: string, claim: string): string {
  return `alloc-${sha256Hex(`${namespace}/${claim}`).slice(0, 16)}`;
}

/** Name of one member of a batch, from 0. */
export function memberName(claim: string, index: number): string {
  return `${claim}-${index}`;
}
