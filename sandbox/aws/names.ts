import { randomBytes, randomInt } from 'node:crypto';

/** The hosted zone that an alias to an ALB of the region names; documented by AWS, see shared facts `aws.md`, section 2. */
export const ELB_ZONE_IDS: Readonly<Record<string, string>> = {
  'us-east-1': 'Z35SXDOTRQ7X7K',
  'us-east-2': 'Z3AADJGX6KTTL2',
  'us-west-1': 'Z368ELLRRE2KJ0',
  'us-west-2': 'Z1H1FL5HABSF5',
  'ca-central-1': 'ZQSVJUPU6J1EY',
  'sa-east-1': 'Z2P70J7HTTTPLU',
  'eu-west-1': 'Z32O12XQLNTSW2',
  'eu-west-2': 'ZHURV8PSTC4K8',
  'eu-west-3': 'Z3Q77PNBQS71R4',
  'eu-central-1': 'Z215JYRZR1TBD5',
  'eu-north-1': 'Z23TAZ6LKFMNIO',
  'ap-northeast-1': 'Z14GRHDCWA56QT',
  'ap-northeast-2': 'ZWKZPGTI48KDX',
  'ap-south-1': 'ZP97RAFLXTNZK',
  'ap-southeast-1': 'Z1LMS91P8CMLE5',
  'ap-southeast-2': 'Z1GM3OXH4ZPM65',
};

/** The zone id for balancers of a region; regions outside the table get one of the sandbox's own. */
export const elbZoneId = (region: string) =>
  ELB_ZONE_IDS[region] ?? `ZSANDBOX${region.toUpperCase().replaceAll('-', '')}`;

/** The one VPC of the sandbox. */
export const SANDBOX_VPC = 'vpc-0a1b2c3d4e5f60718';

const hex = () => randomBytes(8).toString('hex');
const arn = (region: string, account: string, resource: string) =>
  `arn:aws:elasticloadbalancing:${region}:${account}:${resource}`;

export const loadBalancerArn = (region: string, account: string, name: string) =>
  arn(region, account, `loadbalancer/app/${name}/${hex()}`);
export const listenerArn = (balancerArn: string) => `${balancerArn.replace(':loadbalancer/', ':listener/')}/${hex()}`;
export const ruleArn = (ofListener: string) => `${ofListener.replace(':listener/', ':listener-rule/')}/${hex()}`;
export const targetGroupArn = (region: string, account: string, name: string) =>
  arn(region, account, `targetgroup/${name}/${hex()}`);
export const certificateArn = (region: string, account: string) => {
  const id = hex() + hex();
  const groups = [id.slice(0, 8), id.slice(8, 12), id.slice(12, 16), id.slice(16, 20), id.slice(20)];
  return `arn:aws:acm:${region}:${account}:certificate/${groups.join('-')}`;
};

/** A fresh DNS name of a balancer; internal ones carry a prefix, as on AWS. */
export function balancerDnsName(region: string, name: string, scheme: 'internet-facing' | 'internal'): string {
  const suffix = randomInt(100_000_000, 2_147_483_647);
  return `${scheme === 'internal' ? 'internal-' : ''}${name}-${suffix}.${region}.elb.amazonaws.com`;
}

export type ResourceKind = 'load balancer' | 'listener' | 'rule' | 'target group';

/** What an ELBv2 ARN points to, undefined when it is none. */
export function arnKind(value: string): ResourceKind | undefined {
  const resource = /^arn:aws:elasticloadbalancing:[a-z0-9-]+:\d{12}:([a-z-]+)\/.+$/.exec(value)?.[1];
  if (resource === 'loadbalancer') return 'load balancer';
  if (resource === 'listener') return 'listener';
  if (resource === 'listener-rule') return 'rule';
  if (resource === 'targetgroup') return 'target group';
  return undefined;
}

const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789';

/** A Route 53 id: one letter and 20 capitals and digits. */
export const dnsId = (letter: 'Z' | 'C') =>
  letter + Array.from({ length: 20 }, () => LETTERS.charAt(randomInt(LETTERS.length))).join('');

/** Domain of a certificate of which nobody said any: it covers no host. */
export const NO_DOMAIN = 'sandbox.invalid';
