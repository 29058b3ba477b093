import type { z } from 'zod';
import type { IpClaimInput, IpReleaseInput } from '../../contract/ip/claim.ts';
import { readWith } from '../../contract/schemas/fields.ts';
import { ipClaimInputSchema, ipReleaseInputSchema, MUTUALLY_EXCLUSIVE } from '../../contract/schemas/ip.ts';
import { InvalidInput } from '../errors.ts';

/** Inputs of the IP room before anything is started: wrong fields are told as the worker would tell them. */

export function checkedIp<T>(schema: z.ZodType<T>, given: unknown, judged?: string): T {
  const reading = readWith(schema, given, judged);
  if (reading.ok) return reading.value;
  const { fields } = reading;
  const exclusive = fields.length === 1 && fields[0]?.message === MUTUALLY_EXCLUSIVE;
  const reason = exclusive ? 'MutuallyExclusive' : 'Schema';
  const { message } = InvalidInput.of(fields);
  throw new InvalidInput(message, { reason, fields, paths: fields.map(({ path }) => path) });
}

export const checkIpClaim = (given: unknown): IpClaimInput => checkedIp(ipClaimInputSchema, given);

/** A caller that names the allocation means the block; what it may release is the claim. */
export function checkIpRelease(given: unknown): IpReleaseInput {
  const { uid } = (given ?? {}) as { uid?: unknown };
  if (typeof uid === 'string') refuseAllocationName(uid);
  return checkedIp(ipReleaseInputSchema, given);
}

/** `alloc-` and 16 hex digits is what the allocation of a claim is called. */
export function refuseAllocationName(name: string): void {
  if (!/^alloc-[0-9a-f]{16}$/.test(name)) return;
  const message = `${name} is an allocation, which is managed by its claim; release the claim`;
  throw new InvalidInput(message, { reason: 'NotAClaim', fields: [{ path: 'uid', message }] });
}
