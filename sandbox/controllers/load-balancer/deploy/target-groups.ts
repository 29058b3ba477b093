import {
  CreateTargetGroupCommand,
  DeleteTargetGroupCommand,
  DescribeTargetGroupAttributesCommand,
  ModifyTargetGroupAttributesCommand,
  ModifyTargetGroupCommand,
  type TargetGroup,
} from '@aws-sdk/client-elastic-load-balancing-v2';
import { TAG_RESOURCE, type TargetGroupSpec } from '../model/stack.ts';
import { call, type Elb } from './aws.ts';
import { type TagStore, tagList } from './tags.ts';

/** A target group of the stack as AWS has it. */
export interface ActualTargetGroup {
  arn: string;
  tags: Record<string, string>;
  group: TargetGroup;
}

export interface TargetGroupPlan {
  matched: { spec: TargetGroupSpec; actual: ActualTargetGroup }[];
  missing: TargetGroupSpec[];
  /** To be deleted once no rule refers to them. */
  surplus: ActualTargetGroup[];
}

/** Which target groups stay, are missing, or go. One whose name, protocol, type or port changed is replaced. Pure. */
export function planTargetGroups(
  specs: readonly TargetGroupSpec[],
  actual: readonly ActualTargetGroup[],
): TargetGroupPlan {
  const rest = new Set(actual);
  const plan: TargetGroupPlan = { matched: [], missing: [], surplus: [] };
  for (const spec of specs) {
    const found = [...rest].find(
      (candidate) => candidate.tags[TAG_RESOURCE] === spec.id && isSame(spec, candidate.group),
    );
    if (found) {
      rest.delete(found);
      plan.matched.push({ spec, actual: found });
    } else plan.missing.push(spec);
  }
  plan.surplus = [...rest];
  return plan;
}

function isSame(spec: TargetGroupSpec, group: TargetGroup): boolean {
  return (
    group.TargetGroupName === spec.name &&
    group.Protocol === spec.protocol &&
    group.TargetType === spec.targetType &&
    group.Port === spec.port
  );
}

export async function createTargetGroup(elb: Elb, spec: TargetGroupSpec, vpcId: string): Promise<string> {
  const answer = await call('CreateTargetGroup', () =>
    elb.send(
      new CreateTargetGroupCommand({
        Name: spec.name,
        Protocol: spec.protocol,
        ProtocolVersion: spec.protocolVersion,
        Port: spec.port,
        VpcId: vpcId,
        TargetType: spec.targetType,
        ...healthCheck(spec),
        Tags: tagList(spec.tags),
      }),
    ),
  );
  const arn = answer.TargetGroups?.[0]?.TargetGroupArn;
  if (arn === undefined) throw new Error('CreateTargetGroup answered without a target group');
  await modifyAttributes(elb, arn, spec);
  return arn;
}

/** Repairs health check, declared attributes and tags of an existing target group. */
export async function updateTargetGroup(
  elb: Elb,
  tags: TagStore,
  spec: TargetGroupSpec,
  actual: ActualTargetGroup,
): Promise<void> {
  const { arn, group } = actual;
  await tags.reconcile(arn, spec.tags);
  const { healthCheck: wanted } = spec;
  const equal =
    group.HealthCheckPath === wanted.path &&
    group.HealthCheckPort === wanted.port &&
    group.HealthCheckProtocol === wanted.protocol &&
    group.HealthCheckIntervalSeconds === wanted.intervalSeconds &&
    group.HealthCheckTimeoutSeconds === wanted.timeoutSeconds &&
    group.HealthyThresholdCount === wanted.healthyThreshold &&
    group.UnhealthyThresholdCount === wanted.unhealthyThreshold &&
    group.Matcher?.HttpCode === wanted.successCodes;
  if (!equal) {
    await call('ModifyTargetGroup', () =>
      elb.send(new ModifyTargetGroupCommand({ TargetGroupArn: arn, ...healthCheck(spec) })),
    );
  }
  await modifyAttributes(elb, arn, spec);
}

export async function deleteTargetGroup(elb: Elb, arn: string): Promise<void> {
  await call('DeleteTargetGroup', () => elb.send(new DeleteTargetGroupCommand({ TargetGroupArn: arn })));
}

function healthCheck({ healthCheck: check }: TargetGroupSpec) {
  return {
    HealthCheckPath: check.path,
    HealthCheckPort: check.port,
    HealthCheckProtocol: check.protocol,
    HealthCheckIntervalSeconds: check.intervalSeconds,
    HealthCheckTimeoutSeconds: check.timeoutSeconds,
    HealthyThresholdCount: check.healthyThreshold,
    UnhealthyThresholdCount: check.unhealthyThreshold,
    Matcher: { HttpCode: check.successCodes },
  };
}

async function modifyAttributes(elb: Elb, arn: string, spec: TargetGroupSpec): Promise<void> {
  const wanted = Object.entries(spec.attributes);
  if (wanted.length === 0) return;
  const answer = await call('DescribeTargetGroupAttributes', () =>
    elb.send(new DescribeTargetGroupAttributesCommand({ TargetGroupArn: arn })),
  );
  const actual = new Map((answer.Attributes ?? []).map(({ Key, Value }) => [Key, Value]));
  const changed = wanted.filter(([key, value]) => actual.get(key) !== value);
  if (changed.length === 0) return;
  const Attributes = changed.map(([Key, Value]) => ({ Key, Value }));
  await call('ModifyTargetGroupAttributes', () =>
    elb.send(new ModifyTargetGroupAttributesCommand({ TargetGroupArn: arn, Attributes })),
  );
}
