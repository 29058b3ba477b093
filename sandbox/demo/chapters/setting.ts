import type { AwsSeed } from '../../aws/seed-schema.ts';
import type { Setting } from '../chapter.ts';

/** The company of the demo: one region, two public balancers, one private one, all but full. */

export const REGION = 'us-east-1';
export const PUBLIC_ZONE = 'ZEXAMPLEPUBLIC';
export const PRIVATE_ZONE = 'ZEXAMPLEPRIVATE';
export const INTERNAL_ZONE = 'ZINTERNAL';
export const FULL = 'k8s-groundwork-public';
export const NEARLY_FULL = 'k8s-groundwork-public-2';
export const PRIVATE = 'k8s-groundwork-private';
/** Empty, and the controller's own: versions are deployed behind it. */
export const SHOP = 'k8s-groundwork-shop';
export const DOMAIN = 'apps.example.com';
/** No certificate covers it. */
export const INTERNAL_DOMAIN = 'apps.internal.example';
/** Rules that the worker fills a balancer up to. */
export const MOST_RULES = 75;
export const NEARLY_FULL_RULES = 73;

const balancer = (name: string, scheme: 'internet-facing' | 'internal', rules: number) => ({
  name,
  scheme,
  listeners: [
    { port: 80, protocol: 'HTTP' as const, redirect: true },
    { port: 443, protocol: 'HTTPS' as const, rules },
  ],
});

const seed: AwsSeed = {
  regions: {
    [REGION]: {
      certificates: [{ domains: [`*.${DOMAIN}`] }],
      loadBalancers: [
        balancer(FULL, 'internet-facing', MOST_RULES),
        balancer(NEARLY_FULL, 'internet-facing', NEARLY_FULL_RULES),
        balancer(PRIVATE, 'internal', MOST_RULES),
        {
          ...balancer(SHOP, 'internet-facing', 0),
          tags: {
            'elbv2.k8s.aws/cluster': 'sandbox',
            'ingress.k8s.aws/stack': SHOP,
            'ingress.k8s.aws/resource': 'LoadBalancer',
          },
        },
      ],
    },
  },
  hostedZones: [
    { id: PUBLIC_ZONE, name: 'example.com', private: false },
    { id: PRIVATE_ZONE, name: 'example.com', private: true },
    { id: INTERNAL_ZONE, name: 'internal.example', private: true },
  ],
};

export const setting: Setting = {
  region: REGION,
  seed,
  zones: [PUBLIC_ZONE, PRIVATE_ZONE, INTERNAL_ZONE],
  worker: {
    GROUNDWORK_REGION: REGION,
    GROUNDWORK_DOMAIN_NAME: DOMAIN,
    GROUNDWORK_PRIVATE_DOMAIN_NAME: INTERNAL_DOMAIN,
    GROUNDWORK_HOSTED_ZONE_PUBLIC: PUBLIC_ZONE,
    GROUNDWORK_HOSTED_ZONE_PRIVATE: PRIVATE_ZONE,
    GROUNDWORK_BALANCER_PUBLIC_NAME: FULL,
    GROUNDWORK_ADDITIONAL_PUBLIC_BALANCERS: NEARLY_FULL,
    GROUNDWORK_BALANCER_PRIVATE_NAME: PRIVATE,
    GROUNDWORK_ALB_MAX_CAPACITY: String(MOST_RULES),
    GROUNDWORK_AUTOCREATE_ENABLED: 'true',
  },
};
