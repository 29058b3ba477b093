import { AwsError, validationError } from '../errors.ts';
import { balancerState } from '../lifecycle.ts';
import type { LoadBalancer, RegionTables } from '../model.ts';
import { balancerDnsName, elbZoneId, loadBalancerArn, SANDBOX_VPC } from '../names.ts';
import type { Params } from '../query.ts';
import type { XmlValue } from '../xml.ts';
import {
  type ActionHandler,
  type Context,
  getLoadBalancer,
  look,
  notFound,
  requireArn,
  visibleItems,
} from './context.ts';
import { attributesOf } from './load-balancer-attributes.ts';
import { page } from './paging.ts';
import { requireName, sameSet } from './settings.ts';
import { carries, readTags } from './tags.ts';

const DEFAULT_SECURITY_GROUP = 'sg-0default000000000';
const ITEMS_PER_DESCRIBE = 20;

export const createLoadBalancer: ActionHandler = (context, params) => {
  const { tables, moment, lifecycle, region, accountId } = context;
  const wanted = readSettings(params);
  const existing = [...tables.loadBalancers.values()].find((balancer) => balancer.name === wanted.name);
  if (existing) {
    if (!sameSettings(existing, wanted) || !carries(existing.tags, wanted.tags)) {
      throw new AwsError(
        'DuplicateLoadBalancerName',
        `A load balancer with the same name '${wanted.name}' exists, but with different settings`,
      );
    }
    return { LoadBalancers: [balancerXml(existing, moment.now)] };
  }
  if (tables.loadBalancers.size >= context.limits['application-load-balancers']) {
    throw new AwsError(
      'TooManyLoadBalancers',
      `The maximum number of load balancers has been reached: ${tables.loadBalancers.size} in ${region}`,
    );
  }
  const balancer: LoadBalancer = {
    ...wanted,
    tags: wanted.tags ?? {},
    arn: loadBalancerArn(region, accountId, wanted.name),
    vpcId: SANDBOX_VPC,
    dnsName: balancerDnsName(region, wanted.name, wanted.scheme),
    canonicalHostedZoneId: elbZoneId(region),
    createdAt: moment.now,
    visibleAt: moment.after(lifecycle.visibilityDelaySeconds),
    settlesAt: moment.after(lifecycle.provisioningSeconds),
    settlesAs: tables.plannedStates.get(wanted.name) ?? 'active',
    attributes: {},
  };
  tables.plannedStates.delete(wanted.name);
  tables.loadBalancers.set(balancer.arn, balancer);
  return { LoadBalancers: [balancerXml(balancer, moment.now)] };
};

export const describeLoadBalancers: ActionHandler = (context, params) => {
  const arns = params.texts('LoadBalancerArns') ?? [];
  const names = params.texts('Names') ?? [];
  if (arns.length > 0 && names.length > 0)
    throw validationError('Load balancer names and ARNs cannot be specified at the same time');
  if (arns.length + names.length > ITEMS_PER_DESCRIBE) {
    throw validationError(
      `At most ${ITEMS_PER_DESCRIBE} load balancers can be specified, got ${arns.length + names.length}`,
    );
  }
  const { items, marker } = page(params, 'load-balancers', select(context, arns, names), (balancer) => balancer.arn);
  return { LoadBalancers: items.map((balancer) => balancerXml(balancer, context.moment.now)), NextMarker: marker };
};

/** The balancers asked for; one that is missing fails the whole call. */
function select(context: Context, arns: string[], names: string[]): LoadBalancer[] {
  for (const arn of arns) look(context, context.tables.loadBalancers, 'load balancer', arn);
  const visible = visibleItems(context, context.tables.loadBalancers);
  const missing = names.filter((name) => !visible.some((balancer) => balancer.name === name));
  if (missing.length > 0) throw notFound('load balancer', `Load balancers '[${missing.join(', ')}]' not found`);
  if (arns.length + names.length === 0) return visible;
  return visible.filter((balancer) => arns.includes(balancer.arn) || names.includes(balancer.name));
}

/** Succeeds for an absent balancer; takes listeners and rules along, leaves target groups. */
export const deleteLoadBalancer: ActionHandler = ({ tables }, params) => {
  const arn = params.required('LoadBalancerArn');
  requireArn('load balancer', arn);
  const balancer = tables.loadBalancers.get(arn);
  if (balancer === undefined) return {};
  if (attributesOf(balancer)['deletion_protection.enabled'] === 'true') {
    throw new AwsError(
      'OperationNotPermitted',
      `Load balancer '${arn}' cannot be deleted because deletion protection is enabled`,
    );
  }
  removeBalancer(tables, arn);
  return {};
};

function removeBalancer(tables: RegionTables, arn: string): void {
  tables.loadBalancers.delete(arn);
  for (const listener of [...tables.listeners.values()].filter((each) => each.loadBalancerArn === arn))
    tables.listeners.delete(listener.arn);
  for (const rule of [...tables.rules.values()].filter((each) => each.loadBalancerArn === arn))
    tables.rules.delete(rule.arn);
}

export const setSecurityGroups: ActionHandler = (context, params) => {
  const balancer = getLoadBalancer(context, params.required('LoadBalancerArn'));
  const securityGroups = readSecurityGroups(params);
  if (securityGroups === undefined || securityGroups.length === 0)
    throw new AwsError('InvalidSecurityGroup', 'At least one security group must be specified');
  context.tables.loadBalancers.set(balancer.arn, { ...balancer, securityGroups });
  return { SecurityGroupIds: securityGroups };
};

export const setSubnets: ActionHandler = (context, params) => {
  const balancer = getLoadBalancer(context, params.required('LoadBalancerArn'));
  const subnets = readSubnets(params);
  const ipAddressType = params.oneOf('IpAddressType', IP_ADDRESS_TYPES) ?? balancer.ipAddressType;
  context.tables.loadBalancers.set(balancer.arn, { ...balancer, subnets, ipAddressType });
  return { AvailabilityZones: zonesXml(balancer.arn, subnets), IpAddressType: ipAddressType };
};

const IP_ADDRESS_TYPES = ['ipv4', 'dualstack', 'dualstack-without-public-ipv4'] as const;

function readSettings(params: Params) {
  const name = requireName(params.required('Name'), 'load balancer');
  if (name.startsWith('internal-'))
    throw validationError(`The load balancer name '${name}' cannot begin with 'internal-'`);
  const type = params.oneOf('Type', ['application', 'network', 'gateway']) ?? 'application';
  if (type !== 'application')
    throw new AwsError(
      'InvalidConfigurationRequest',
      `The sandbox serves application load balancers only, not type '${type}'`,
    );
  return {
    name,
    scheme: params.oneOf('Scheme', ['internet-facing', 'internal']) ?? 'internet-facing',
    subnets: readSubnets(params),
    securityGroups: readSecurityGroups(params) ?? [DEFAULT_SECURITY_GROUP],
    ipAddressType: params.oneOf('IpAddressType', IP_ADDRESS_TYPES) ?? 'ipv4',
    tags: readTags(params),
  };
}

function sameSettings(one: LoadBalancer, other: ReturnType<typeof readSettings>): boolean {
  return (
    one.scheme === other.scheme &&
    one.ipAddressType === other.ipAddressType &&
    sameSet(one.subnets, other.subnets) &&
    sameSet(one.securityGroups, other.securityGroups)
  );
}

function readSubnets(params: Params): string[] {
  const mapped = params.list('SubnetMappings')?.map((mapping) => mapping.required('SubnetId')) ?? [];
  const subnets = [...(params.texts('Subnets') ?? []), ...mapped];
  const wrong = subnets.find((subnet) => !subnet.startsWith('subnet-'));
  if (wrong !== undefined) throw new AwsError('SubnetNotFound', `The subnet ID '${wrong}' does not exist`);
  if (new Set(subnets).size < subnets.length)
    throw new AwsError('InvalidSubnet', 'A subnet was specified more than once');
  if (subnets.length < 2)
    throw validationError('At least two subnets in two different Availability Zones must be specified');
  return subnets;
}

function readSecurityGroups(params: Params): string[] | undefined {
  const groups = params.texts('SecurityGroups');
  const wrong = groups?.find((group) => !group.startsWith('sg-'));
  if (wrong !== undefined) throw new AwsError('InvalidSecurityGroup', `The security group '${wrong}' does not exist`);
  return groups?.length ? groups : undefined;
}

function balancerXml(balancer: LoadBalancer, now: number): XmlValue {
  return {
    LoadBalancerArn: balancer.arn,
    DNSName: balancer.dnsName,
    CanonicalHostedZoneId: balancer.canonicalHostedZoneId,
    CreatedTime: new Date(balancer.createdAt),
    LoadBalancerName: balancer.name,
    Scheme: balancer.scheme,
    VpcId: balancer.vpcId,
    State: { Code: balancerState(balancer, now), Reason: balancer.stateReason },
    Type: 'application',
    AvailabilityZones: zonesXml(balancer.arn, balancer.subnets),
    SecurityGroups: balancer.securityGroups,
    IpAddressType: balancer.ipAddressType,
  };
}

/** The sandbox has no subnets of its own: zones are given out in the order in which the subnets are named. */
const zonesXml = (arn: string, subnets: readonly string[]): XmlValue =>
  subnets.map((SubnetId, index) => ({ ZoneName: `${arn.split(':')[3]}${'abcdef'.charAt(index % 6)}`, SubnetId }));
