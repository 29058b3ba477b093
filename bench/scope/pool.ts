import { randomBytes } from 'node:crypto';
import type { ScopeCreationInput } from '../../contract/scope/input.ts';
import type { AwsSeed, LoadBalancerSeed } from '../../sandbox/aws/seed-schema.ts';

/** The region that the benchmark works on: two-listener balancers, both hosted zones, a certificate for the base domain. */

export const REGION = 'us-east-1';
export const PUBLIC_ZONE = 'ZBENCHPUBLIC';
export const PRIVATE_ZONE = 'ZBENCHPRIVATE';
export const DOMAIN = 'apps.example.com';
/** Non-default rules that each balancer holds from the start, and up to which the worker fills one by default. */
export const SEEDED_RULES = 10;
export const MOST_RULES = 75;

/** How many hosted zones a scope has a record in. */
export type Zones = 'two zones' | 'one zone';

export const publicBalancers = (count: number) =>
  Array.from({ length: count }, (_, index) => `bench-public-${String(index + 1).padStart(2, '0')}`);

export const PRIVATE_BALANCER = 'bench-private-01';

/** A region with so many public balancers and a private one that holds `privateRules`. */
export function seedOf(balancers: readonly string[], privateRules = SEEDED_RULES): AwsSeed {
  return {
    regions: {
      [REGION]: {
        certificates: [{ domains: [`*.${DOMAIN}`] }],
        loadBalancers: [
          ...balancers.map((name) => balancer(name, 'internet-facing', SEEDED_RULES)),
          balancer(PRIVATE_BALANCER, 'internal', privateRules),
        ],
      },
    },
    hostedZones: [
      { id: PUBLIC_ZONE, name: 'example.com', private: false },
      { id: PRIVATE_ZONE, name: 'example.com', private: true },
    ],
  };
}

function balancer(name: string, scheme: 'internet-facing' | 'internal', rules: number): LoadBalancerSeed {
  return {
    name,
    scheme,
    listeners: [
      { port: 80, protocol: 'HTTP', redirect: true },
      { port: 443, protocol: 'HTTPS', rules },
    ],
  };
}

/** Requests for so many new scopes. A threshold is set with autocreation only: without it the pool has room. */
export function requests(
  count: number,
  pool: {
    readonly balancers: readonly string[];
    readonly visibility?: 'public' | 'private';
    readonly zones?: Zones;
    readonly autocreateAbove?: number;
  },
): ScopeCreationInput[] {
  const { balancers, visibility = 'public', zones = 'two zones', autocreateAbove } = pool;
  const [base, ...additional] = balancers;
  const names =
    visibility === 'public'
      ? { balancerPublicName: base, additionalPublicBalancers: additional }
      : { balancerPrivateName: base, additionalPrivateBalancers: additional };
  return Array.from({ length: count }, () => {
    const id = `bench-${randomBytes(6).toString('hex')}`;
    return {
      scopeId: id,
      slugs: { account: 'acme', namespace: 'payments', application: 'api', scope: id },
      visibility,
      // A zone named twice is one zone: the worker's own setting would add the other.
      hostedZones: { public: PUBLIC_ZONE, private: zones === 'two zones' ? PRIVATE_ZONE : PUBLIC_ZONE },
      networking: {
        scope: { ...names, ...(autocreateAbove === undefined ? {} : { albMaxCapacity: autocreateAbove }) },
        ...(autocreateAbove === undefined ? {} : { platform: { autocreateEnabled: true } }),
      },
    };
  });
}
