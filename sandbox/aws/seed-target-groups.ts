import { DEFAULT_HEALTH_CHECK } from './elbv2/target-groups.ts';
import type { RegionTables, TargetGroup } from './model.ts';
import { SANDBOX_VPC, targetGroupArn } from './names.ts';
import type { TargetGroupSeed } from './seed-schema.ts';
import type { AwsState } from './state.ts';

/** Everything that the builders of one region share. */
export interface Builder {
  readonly state: AwsState;
  readonly region: string;
  readonly tables: RegionTables;
  /** ARNs of the target groups by name. */
  readonly groupArns: Map<string, string>;
  /** What contradicts itself in the seed, one line each. */
  readonly problems: string[];
}

/** Epoch milliseconds of a time in a seed; one that is left out was long ago. */
export const readTime = (time: string | undefined) => (time === undefined ? 0 : Date.parse(time));

/** Adds a target group; the name must be free. */
export function seedTargetGroup(
  { tables, groupArns, region, state, problems }: Builder,
  seed: TargetGroupSeed,
): TargetGroup {
  const { name, arn = targetGroupArn(region, state.accountId, seed.name), port = 80 } = seed;
  if (groupArns.has(name)) {
    problems.push(`regions.${region}.targetGroups: there are two named ${name}`);
  }
  const { visibleTime, inUseSince, targets = [], tags = {}, attributes = {}, healthCheck } = seed;
  const group: TargetGroup = {
    arn,
    name,
    protocol: seed.protocol ?? 'HTTP',
    protocolVersion: seed.protocolVersion ?? 'HTTP1',
    port,
    vpcId: seed.vpcId ?? SANDBOX_VPC,
    targetType: seed.targetType ?? 'ip',
    ipAddressType: seed.ipAddressType ?? 'ipv4',
    healthCheck: { ...DEFAULT_HEALTH_CHECK, ...(healthCheck as Partial<TargetGroup['healthCheck']>) },
    attributes,
    visibleAt: readTime(visibleTime),
    ...(inUseSince === undefined ? {} : { inUseSince: readTime(inUseSince) }),
    targets: targets.map(({ registeredTime, goneTime, ...target }) => ({
      port,
      ...target,
      registeredAt: readTime(registeredTime),
      ...(goneTime === undefined ? {} : { goneAt: readTime(goneTime) }),
    })),
    tags,
  };
  tables.targetGroups.set(arn, group);
  groupArns.set(name, arn);
  return group;
}
