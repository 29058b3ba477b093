import { refreshUse } from './elbv2/quotas.ts';
import { isLimitName } from './limits.ts';
import type { LoadBalancer } from './model.ts';
import { balancerDnsName, certificateArn, elbZoneId, loadBalancerArn, SANDBOX_VPC } from './names.ts';
import { seedDns } from './seed-dns.ts';
import { seedListener } from './seed-listeners.ts';
import { type AwsSeed, type LoadBalancerSeed, type RegionSeed, readSeed } from './seed-schema.ts';
import { type Builder, readTime, seedTargetGroup } from './seed-target-groups.ts';
import { type AwsState, emptyRegion } from './state.ts';

/** Replaces the whole state by what a seed or a dump says. Throws an `Error` with one line per problem and changes nothing then. */
export function applySeed(state: AwsState, json: unknown): void {
  const seed: AwsSeed = readSeed(json);
  const problems: string[] = [];
  const regions = new Map(
    Object.entries(seed.regions ?? {}).map(([region, content]) => {
      const builder: Builder = { state, region, tables: emptyRegion(), groupArns: new Map(), problems };
      seedRegion(builder, content);
      return [region, builder.tables];
    }),
  );
  const dns = seedDns(seed, problems);
  if (problems.length > 0) throw new Error(problems.join('\n'));
  state.replace(regions, dns);
}

function seedRegion(builder: Builder, seed: RegionSeed): void {
  const { tables, region, problems, state } = builder;
  for (const [name, max] of Object.entries(seed.limits ?? {})) {
    if (isLimitName(name)) tables.limits.set(name, max);
    else problems.push(`regions.${region}.limits.${name}: unknown limit`);
  }
  for (const { arn = certificateArn(region, state.accountId), domains } of seed.certificates ?? []) {
    tables.certificates.set(arn, { arn, domains });
  }
  for (const [name, balancerState] of Object.entries(seed.plannedStates ?? {}))
    tables.plannedStates.set(name, balancerState);
  for (const group of seed.targetGroups ?? []) seedTargetGroup(builder, group);
  for (const balancer of seed.loadBalancers ?? []) seedBalancer(builder, balancer);
  // Only groups that the seed does not date itself start to be in use here, long ago.
  refreshUse(tables, 0);
}

function seedBalancer(builder: Builder, seed: LoadBalancerSeed): void {
  const { tables, region, problems, state } = builder;
  const { name, scheme = 'internet-facing', listeners = [] } = seed;
  if ([...tables.loadBalancers.values()].some((balancer) => balancer.name === name)) {
    problems.push(`regions.${region}.loadBalancers: there are two named ${name}`);
  }
  const moment = state.moment();
  const createdAt = seed.createdTime === undefined ? moment.now : readTime(seed.createdTime);
  const settled = { settlesAt: createdAt, settlesAs: seed.state ?? 'active' };
  const provisioning = { settlesAt: moment.after(state.lifecycle.provisioningSeconds), settlesAs: 'active' as const };
  const balancer: LoadBalancer = {
    arn: seed.arn ?? loadBalancerArn(region, state.accountId, name),
    name,
    scheme,
    vpcId: seed.vpcId ?? SANDBOX_VPC,
    subnets: seed.subnets ?? ['subnet-0a', 'subnet-0b'],
    securityGroups: seed.securityGroups ?? ['sg-0default000000000'],
    ipAddressType: seed.ipAddressType ?? 'ipv4',
    dnsName: seed.dnsName ?? balancerDnsName(region, name, scheme),
    canonicalHostedZoneId: seed.canonicalHostedZoneId ?? elbZoneId(region),
    createdAt,
    visibleAt: readTime(seed.visibleTime),
    ...(seed.settles
      ? { settlesAt: readTime(seed.settles.time), settlesAs: seed.settles.as }
      : seed.state === 'provisioning'
        ? provisioning
        : settled),
    ...(seed.stateReason === undefined ? {} : { stateReason: seed.stateReason }),
    attributes: seed.attributes ?? {},
    tags: seed.tags ?? {},
  };
  tables.loadBalancers.set(balancer.arn, balancer);
  const ports = listeners.map((listener) => listener.port);
  if (new Set(ports).size < ports.length)
    problems.push(`regions.${region}.loadBalancers.${name}: two listeners have the same port`);
  for (const listener of listeners) seedListener(builder, balancer, listener);
}
