import type { HostedZoneIds, PlatformKnobs } from '../../contract/scope/input.ts';

/** Values that follow the brand; each can also be set alone. */
export interface Brand {
  /** Label key, default namespace and first part of a keeper's name. */
  name: string;
  balancerPublicName: string;
  balancerPrivateName: string;
  autocreatePrefix: string;
  /** Base domain when none is configured; absent: a domain must be configured. */
  domainName?: string;
  /** Region when none is configured. */
  region?: string;
  /** Image of the sidecar in front of each port of a deployment when none is configured; absent: no sidecar. */
  trafficManagerImage?: string;
  /** Whether inputs may carry provider documents. */
  readsProviders?: boolean;
}

export type PresetName = 'groundwork' | 'nullplatform';

export const brands: Record<PresetName, Brand> = {
  groundwork: {
    name: 'groundwork',
    balancerPublicName: 'k8s-groundwork-public',
    balancerPrivateName: 'k8s-groundwork-private',
    autocreatePrefix: 'groundwork-auto-',
  },
  nullplatform: {
    name: 'nullplatform',
    balancerPublicName: 'k8s-nullplatform-internet-facing',
    balancerPrivateName: 'k8s-nullplatform-internal',
    autocreatePrefix: 'nullplatform-auto-',
    domainName: 'nullapps.io',
    region: 'us-east-1',
    trafficManagerImage: 'public.ecr.aws/nullplatform/k8s-traffic-manager',
    readsProviders: true,
  },
};

/** All in seconds; fractions are allowed, so that a sandbox runs minutes as milliseconds. */
export interface ScopeTimings {
  /** How old a shared observation may be when a decision uses it. */
  observationMaxAge: number;
  /** How long one run may observe for all others before another takes over. */
  observationLease: number;
  /** What one attempt of a call to AWS or Kubernetes may take: after it another worker takes over from one that died. */
  callTimeout: number;
  /** Between two looks at a balancer that is not ready. */
  pollInterval: number;
  /** How long a pool that cannot be read is read again. */
  readPatience: number;
  /** How long a scope held by another run is waited for. */
  busyPatience: number;
  dnsPollInterval: number;
  dnsSyncTimeout: number;
  dnsEndpointTimeout: number;
  /** How long each compensation retries before it is reported as left over. */
  compensationTimeout: number;
  /** Between two runs of `balancerRetirement`. */
  retirementInterval: number;
  /** How long a balancer that was active must be without a scope before it is retired. */
  retirementGrace: number;
  /** The same for one that never became active, and for what runs that ended left behind. */
  failedGrace: number;
}

export const defaultTimings: ScopeTimings = {
  observationMaxAge: 30,
  observationLease: 15,
  callTimeout: 30,
  pollInterval: 10,
  readPatience: 300,
  busyPatience: 60,
  dnsPollInterval: 5,
  dnsSyncTimeout: 300,
  dnsEndpointTimeout: 300,
  compensationTimeout: 900,
  retirementInterval: 900,
  retirementGrace: 86_400,
  failedGrace: 900,
};

/** Worker-level values of the knobs a scope or platform may also set, and those that only a worker has. */
export interface ScopeWorkerKnobs extends PlatformKnobs {
  dnsType?: string | undefined;
  createNamespaceIfMissing?: boolean | undefined;
  albMaxCertificates?: number | string | undefined;
  hostedZones?: HostedZoneIds | undefined;
}

/** Everything the scope room takes from the worker's configuration. */
export interface ScopeSettings {
  brand: Brand;
  knobs: ScopeWorkerKnobs;
  timings: ScopeTimings;
  /** How often a run whose balancer failed may decide again. */
  maxReplacements: number;
}
