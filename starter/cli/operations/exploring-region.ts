import type { AwsSeed } from '../../../sandbox/aws/seed-schema.ts';

/** The AWS region of `groundwork sandbox up`, and the worker settings that go with it. */

const DOMAIN = 'apps.example.com';
const PUBLIC_ZONE = 'ZPUBLIC';
const PRIVATE_ZONE = 'ZPRIVATE';
const PUBLIC_BALANCER = 'k8s-groundwork-public';
const PRIVATE_BALANCER = 'k8s-groundwork-private';

/** One public and one private balancer with room, a certificate for the base domain, and a zone of each kind. */
export function exploringRegion(region: string): AwsSeed {
  return {
    regions: {
      [region]: {
        certificates: [{ domains: [`*.${DOMAIN}`] }],
        loadBalancers: [balancer(PUBLIC_BALANCER, 'internet-facing', 60), balancer(PRIVATE_BALANCER, 'internal', 10)],
      },
    },
    hostedZones: [
      { id: PUBLIC_ZONE, name: 'example.com', private: false },
      { id: PRIVATE_ZONE, name: 'example.com', private: true },
    ],
  };
}

function balancer(name: string, scheme: 'internet-facing' | 'internal', rules: number) {
  return {
    name,
    scheme,
    listeners: [
      { port: 80, protocol: 'HTTP' as const, redirect: true },
      { port: 443, protocol: 'HTTPS' as const, rules },
    ],
  };
}

/** Settings of a worker in that region; its polling keeps pace with the sandbox's time. Deadlines stay as they are. */
export function exploringSettings(region: string, timeScale: number): Record<string, string> {
  const seconds = (simulated: number) => String(Number((simulated * timeScale).toPrecision(3)));
  return {
    GROUNDWORK_REGION: region,
    GROUNDWORK_DOMAIN_NAME: DOMAIN,
    GROUNDWORK_HOSTED_ZONE_PUBLIC: PUBLIC_ZONE,
    GROUNDWORK_HOSTED_ZONE_PRIVATE: PRIVATE_ZONE,
    GROUNDWORK_BALANCER_PUBLIC_NAME: PUBLIC_BALANCER,
    GROUNDWORK_BALANCER_PRIVATE_NAME: PRIVATE_BALANCER,
    GROUNDWORK_AUTOCREATE_ENABLED: 'true',
    GROUNDWORK_OBSERVATION_MAX_AGE: seconds(30),
    GROUNDWORK_POLL_INTERVAL: seconds(10),
    GROUNDWORK_DNS_POLL_INTERVAL: seconds(5),
    GROUNDWORK_RETIREMENT_INTERVAL: seconds(900),
    GROUNDWORK_RETIREMENT_GRACE: seconds(86_400),
    GROUNDWORK_FAILED_GRACE: seconds(900),
    GROUNDWORK_DEPLOYMENT_POLL_INTERVAL: seconds(10),
    GROUNDWORK_DEPLOYMENT_UNHEALTHY_TOLERANCE: seconds(30),
    // The delay of the target groups that the load balancer controller makes.
    GROUNDWORK_DEPLOYMENT_DRAIN_SECONDS: seconds(300),
  };
}
