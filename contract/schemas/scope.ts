import { z } from 'zod';
import { HOSTED_ZONE_ID, type ScopeCreationInput, type ScopeDeletionInput } from '../scope/input.ts';
import type { InventoryInput } from '../scope/retirement.ts';

/** What a caller may send. Unknown fields are ignored, so that callers and workers can be upgraded one after the other. */

export const slug = z
  .string()
  .regex(/^[a-z0-9-]{1,63}$/, 'must be 1 to 63 of a-z, 0-9 and "-"')
  .describe('1 to 63 of a-z, 0-9 and "-"');

export const scopeIdSchema = z
  .string()
  .regex(
    /^[a-z0-9](?:[a-z0-9-]{0,22}[a-z0-9])?$/,
    'must be 1 to 24 of a-z, 0-9 and "-", beginning and ending with a letter or digit',
  )
  .describe('Business key of the scope; part of the workflow id');

const text = z.string().nullish();
const names = z.array(z.string()).nullish();
const threshold = z.union([z.number(), z.string()]).nullish();
const flag = z.boolean().nullish();
const document = z.record(z.string(), z.unknown()).nullish();

const texts = z.record(z.string(), z.string()).nullish();
const modifier = z.object({ labels: texts, annotations: texts });
export const objectModifiers = z
  .object({
    global: modifier.nullish(),
    service: modifier.nullish(),
    ingress: modifier.nullish(),
    deployment: modifier
      .extend({ tolerations: z.array(z.record(z.string(), z.unknown())).nullish(), nodeselector: texts })
      .nullish(),
    secret: modifier.nullish().describe('Has no effect: Groundwork makes no Secrets'),
    pdb: modifier.nullish(),
  })
  .describe('Labels and annotations that are added to objects, by kind');

const hostedZone = z
  .string()
  .regex(HOSTED_ZONE_ID, 'must be the id of a hosted zone, such as Z0123456789ABCDEFGHIJ')
  .nullish();
export const hostedZones = z
  .object({ public: hostedZone, private: hostedZone })
  .describe('Ids of the Route 53 hosted zones');

export const scopeKnobs = z.object({
  balancerPublicName: text,
  balancerPrivateName: text,
  additionalPublicBalancers: names,
  additionalPrivateBalancers: names,
  albMaxCapacity: threshold.describe('Most non-default rules per balancer, over all listeners'),
  albMaxTargetGroups: threshold,
  albMaxListeners: threshold,
  domainName: text,
  privateDomainName: text,
  applicationDomain: flag.describe('Whether the account slug is part of the generated domain'),
  gatewayPublicName: text,
  gatewayPrivateName: text,
  objectModifiers: objectModifiers.nullish(),
});

export const platformKnobs = scopeKnobs.extend({
  namespace: text,
  autocreateEnabled: flag,
  autocreateNamePrefix: text,
  autocreateTimeoutSeconds: threshold.describe('How long a balancer may take to become active; at most a day'),
  region: text,
  hostedZones: hostedZones.nullish(),
});

export const scopeCreationInputSchema = z
  .object({
    scopeId: scopeIdSchema,
    slugs: z.object({ account: slug, namespace: slug, application: slug, scope: slug }),
    nrn: z.string().optional(),
    environment: z.string().max(63, 'must be at most 63 characters').optional(),
    visibility: z.enum(['public', 'private', 'internal']).describe('"internal" means "private"'),
    region: z.string().optional(),
    dnsType: z
      .enum(['route53', 'external_dns', ''], {
        error: 'must be "route53" or "external_dns" (Azure DNS is not supported yet)',
      })
      .optional(),
    domain: z.string().optional().describe('Generated from the slugs when absent or "To be defined"'),
    additionalDomains: z.array(z.string()).optional(),
    hostedZones: hostedZones.optional(),
    kubernetes: z.object({ namespace: z.string().optional(), createIfMissing: z.boolean().optional() }).optional(),
    networking: z.object({ scope: scopeKnobs.optional(), platform: platformKnobs.optional() }).optional(),
    providers: z
      .object({
        'scope-configurations': document,
        'container-orchestration': document,
        'cloud-providers': document,
      })
      .optional()
      .describe('Documents of the platform; read only by a worker with the preset nullplatform'),
    dryRun: z.boolean().optional(),
  })
  .meta({ title: 'ScopeCreationInput' }) satisfies z.ZodType<ScopeCreationInput>;

/** A rule between fields, checked also when other fields are wrong, so that everything wrong is named at once. */
const requiredWithAdopt = (field: 'domain' | 'region' | 'hostedZones') =>
  z.refine<ScopeDeletionInput>((input) => input.adopt !== true || input[field] !== undefined, {
    path: [field],
    message: 'is required together with adopt',
    when: ({ value }) => typeof value === 'object' && value !== null,
  });

export const scopeDeletionInputSchema = z
  .object({
    scopeId: scopeIdSchema,
    force: z.boolean().optional().describe('Also ends an open rollout and removes its objects'),
    adopt: z.boolean().optional().describe('Removes the records of a scope that the ledger does not know'),
    domain: z.string().optional(),
    region: z.string().optional(),
    hostedZones: hostedZones.optional(),
  })
  .check(requiredWithAdopt('domain'), requiredWithAdopt('region'), requiredWithAdopt('hostedZones'))
  .meta({
    title: 'ScopeDeletionInput',
    if: { properties: { adopt: { const: true } }, required: ['adopt'] },
    // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema
    then: { required: ['domain', 'region', 'hostedZones'] },
  }) satisfies z.ZodType<ScopeDeletionInput>;

export const inventoryInputSchema = z
  .object({
    what: z.enum(['balancers', 'drift']),
    page: z
      .string()
      .regex(/^\d{1,18}$/, 'must be the "next" of another page')
      .exactOptional()
      .describe('The "next" of the page before; absent for the first'),
  })
  .meta({ title: 'InventoryInput' }) satisfies z.ZodType<InventoryInput>;
