import { z } from 'zod';
import { ipFamilies, ipStrategies, ipVisibilities, type Reservations } from '../../ip/pool.ts';

/** Fields that several inputs of the IP room share (specs: IP claims, section 1). */

/** RFC 1123 label: nothing in it can be mistaken for a separator of a workflow id. */
const label = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;
const subdomain = /^(?=.{1,253}$)[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*$/;

export const dnsLabel = z
  .string()
  .regex(label, 'must be 1 to 63 of a-z, 0-9 and "-", beginning and ending with a letter or digit')
  .describe('DNS label');

export const dnsSubdomain = z
  .string()
  .regex(subdomain, 'must be a DNS subdomain: at most 253 of a-z, 0-9, "-" and "."')
  .describe('DNS subdomain');

export const actor = z
  .string()
  .max(200, 'must be at most 200 characters')
  .regex(/^[ -~\u00a0-\uffff]*$/, 'must not hold control characters')
  .optional()
  .describe('Person or program on whose word this is done, for the audit');

export const ipFamily = z.enum(ipFamilies);
export const strategy = z.enum(ipStrategies);
export const visibility = z.enum(ipVisibilities);

/** At most 43 characters: the longest address with its length. */
export const cidr = z.string().min(1, 'must not be empty').max(43, 'invalid CIDR');

const MOST_BITS = 128;
export const prefixLength = z
  .int('must be a whole number')
  .min(1, `must be 1 to 32, or to ${MOST_BITS} for IPv6`)
  .max(MOST_BITS, `must be 1 to 32, or to ${MOST_BITS} for IPv6`);

export const wholeSeconds = (least: number, most: number) =>
  z
    .int('must be a whole number of seconds')
    .min(least, `must be ${least} to ${most} seconds`)
    .max(most, `must be ${least} to ${most} seconds`);

export const count = (least: number, most: number) =>
  z.int('must be a whole number').min(least, `must be ${least} to ${most}`).max(most, `must be ${least} to ${most}`);

const projectRef = z.object({ name: dnsLabel }).optional().describe('Owner of the pool; absent: the asking owner');
export const poolRef = z.object({ name: dnsSubdomain, projectRef });

/** Kubernetes label syntax: an optional DNS prefix, then at most 63 characters. */
const labelKey = z
  .string()
  .regex(
    /^(?:(?=.{1,253}\/)[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?\/)?[A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$/,
    'must be a Kubernetes label key',
  );
const labelValue = z
  .string()
  .regex(/^(?:[A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?)?$/, 'must be a Kubernetes label value');
export const labels = z.record(labelKey, labelValue);

export const matchExpression = z.object({
  key: labelKey,
  operator: z.enum(['In', 'NotIn', 'Exists', 'DoesNotExist']),
  values: z.array(labelValue).max(64, 'must be at most 64 values').optional(),
});

export const poolSelector = z.object({
  matchLabels: labels.optional(),
  matchExpressions: z.array(matchExpression).max(32, 'must be at most 32 expressions').optional(),
  projectRef,
});

const range = z.string().min(1, 'must be a CIDR or first-last').max(90, 'must be a CIDR or first-last');
export const ranges = z.array(range).max(256, 'must be at most 256 ranges');

export const reservations = z.object({
  unitPrefixLength: prefixLength.optional(),
  leading: count(0, 65_536).optional(),
  trailing: count(0, 65_536).optional(),
  ranges: ranges.optional(),
}) satisfies z.ZodType<Reservations>;

export const allocationRules = z.object({
  minPrefixLength: prefixLength.optional(),
  maxPrefixLength: prefixLength.optional(),
  strategy: strategy.optional(),
});

export const uuid = z
  .string()
  .regex(/^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/, 'must be the uid of a claim')
  .describe('UUID in lower case');

/** Whether a value is an object: rules between fields are checked also when single fields are wrong, so that all are named. */
export const whenObject = { when: ({ value }: { value: unknown }) => typeof value === 'object' && value !== null };
