import type { ObjectModifiers } from '../modifiers.ts';

/** Inputs of the scope room. Values are as a caller sends them; defaults are filled in by the worker. */

export type Visibility = 'public' | 'private';
export type Scheme = 'internet-facing' | 'internal';
export type DnsType = 'route53' | 'external_dns';

/** The four slugs that names, labels and domains are made from. Each 1-63 of `[a-z0-9-]`. */
export interface ScopeSlugs {
  account: string;
  namespace: string;
  application: string;
  scope: string;
}

/** Name of an AWS region, also of the sovereign clouds (`eusc-de-east-1`). */
export const AWS_REGION = /^[a-z]{2,4}(-[a-z]+)+-\d+$/;

/** Id of a hosted zone, also as Route 53 itself prints it, or empty for none. Not its ARN. */
export const HOSTED_ZONE_ID = /^(?:(?:\/hostedzone\/)?[A-Z0-9]{1,32})?$/;

/** Ids of Route 53 hosted zones. `null` and the empty string mean "none". */
export interface HostedZoneIds {
  public?: string | null | undefined;
  private?: string | null | undefined;
}

/** Knobs that a scope may set for itself; they outrank the platform's and the worker's. `null` and `''` count as not set. */
export interface ScopeKnobs {
  balancerPublicName?: string | null | undefined;
  balancerPrivateName?: string | null | undefined;
  additionalPublicBalancers?: string[] | null | undefined;
  additionalPrivateBalancers?: string[] | null | undefined;
  /** Non-default rules per balancer, over all listeners. */
  albMaxCapacity?: number | string | null | undefined;
  albMaxTargetGroups?: number | string | null | undefined;
  albMaxListeners?: number | string | null | undefined;
  domainName?: string | null | undefined;
  privateDomainName?: string | null | undefined;
  /** Whether the account slug is part of the generated domain. */
  applicationDomain?: boolean | null | undefined;
  gatewayPublicName?: string | null | undefined;
  gatewayPrivateName?: string | null | undefined;
  /** For what is made for the scope: a keeper Ingress, a DNSEndpoint, the objects of its deployments. */
  objectModifiers?: ObjectModifiers | null | undefined;
}

/** Knobs that a platform may set for all its scopes. */
export interface PlatformKnobs extends ScopeKnobs {
  namespace?: string | null | undefined;
  autocreateEnabled?: boolean | null | undefined;
  autocreateNamePrefix?: string | null | undefined;
  /** Seconds a run waits for a balancer to become active. */
  autocreateTimeoutSeconds?: number | string | null | undefined;
  region?: string | null | undefined;
  hostedZones?: HostedZoneIds | null | undefined;
}

/** Configuration documents of the platform as they are: the first is of the scope, the others of the platform. */
export interface ProviderDocuments {
  'scope-configurations'?: Record<string, unknown> | null | undefined;
  'container-orchestration'?: Record<string, unknown> | null | undefined;
  'cloud-providers'?: Record<string, unknown> | null | undefined;
}

export interface ScopeCreationInput {
  /** 1-24 of `[a-z0-9-]`, alphanumeric at both ends. */
  scopeId: string;
  slugs: ScopeSlugs;
  /** `key=id:key=id:...`; the ids of account, namespace and application become labels. */
  nrn?: string | undefined;
  environment?: string | undefined;
  /** `internal` is accepted for `private`. */
  visibility: Visibility | 'internal';
  region?: string | undefined;
  dnsType?: DnsType | '' | undefined;
  /** Absent or `To be defined`: generated from the slugs. */
  domain?: string | undefined;
  additionalDomains?: string[] | undefined;
  hostedZones?: HostedZoneIds | undefined;
  kubernetes?: { namespace?: string | undefined; createIfMissing?: boolean | undefined } | undefined;
  networking?: { scope?: ScopeKnobs | undefined; platform?: PlatformKnobs | undefined } | undefined;
  /** Read only by a worker with the preset `nullplatform`; a value given explicitly at the same level outranks it. */
  providers?: ProviderDocuments | undefined;
  /** Reads and decides only; nothing is made. */
  dryRun?: boolean | undefined;
}

export interface ScopeDeletionInput {
  scopeId: string;
  /** Also ends an open rollout and removes its objects. */
  force?: boolean | undefined;
  /** Remove the records of a scope that the ledger does not know; needs `domain`, `region` and `hostedZones`. */
  adopt?: boolean | undefined;
  domain?: string | undefined;
  region?: string | undefined;
  hostedZones?: HostedZoneIds | undefined;
}

/** The placeholder that some platforms send for a domain that is not chosen yet. */
export const DOMAIN_PLACEHOLDER = 'To be defined';
