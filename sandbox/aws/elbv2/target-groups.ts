import { AwsError, validationError } from '../errors.ts';
import type { HealthCheck, TargetGroup } from '../model.ts';
import { targetGroupArn } from '../names.ts';
import type { Params } from '../query.ts';
import type { XmlValue } from '../xml.ts';
import {
  type ActionHandler,
  type Context,
  getTargetGroup,
  look,
  notFound,
  requireArn,
  visibleItems,
} from './context.ts';
import { page } from './paging.ts';
import { usage } from './quotas.ts';
import { requireName } from './settings.ts';
import { carries, readTags } from './tags.ts';

export const DEFAULT_HEALTH_CHECK: HealthCheck = {
  enabled: true,
  protocol: 'HTTP',
  port: 'traffic-port',
  path: '/',
  intervalSeconds: 30,
  timeoutSeconds: 5,
  healthyThreshold: 5,
  unhealthyThreshold: 2,
  matcher: '200',
};

export const createTargetGroup: ActionHandler = (context, params) => {
  const { tables, moment, lifecycle, limits, region, accountId } = context;
  const wanted = readSettings(params);
  const tags = readTags(params);
  const existing = [...tables.targetGroups.values()].find((group) => group.name === wanted.name);
  if (existing) {
    const same = Object.entries(wanted).every(
      ([key, value]) => JSON.stringify(value) === JSON.stringify(existing[key as keyof typeof wanted]),
    );
    if (!same || !carries(existing.tags, tags)) {
      throw new AwsError(
        'DuplicateTargetGroupName',
        `A target group with the same name '${wanted.name}' exists, but with different settings`,
      );
    }
    return { TargetGroups: [groupXml(existing, usage(tables))] };
  }
  if (tables.targetGroups.size >= limits['target-groups']) {
    throw new AwsError(
      'TooManyTargetGroups',
      `The maximum number of target groups has been reached: ${tables.targetGroups.size} in ${region}`,
    );
  }
  const group: TargetGroup = {
    ...wanted,
    arn: targetGroupArn(region, accountId, wanted.name),
    attributes: {},
    visibleAt: moment.after(lifecycle.visibilityDelaySeconds),
    targets: [],
    tags: tags ?? {},
  };
  tables.targetGroups.set(group.arn, group);
  return { TargetGroups: [groupXml(group, usage(tables))] };
};

export const describeTargetGroups: ActionHandler = (context, params) => {
  const users = usage(context.tables);
  const chosen = select(context, params, users);
  const scope = `target-groups/${params.text('LoadBalancerArn') ?? ''}`;
  const { items, marker } = page(params, scope, chosen, (group) => group.arn);
  return { TargetGroups: items.map((group) => groupXml(group, users)), NextMarker: marker };
};

function select(context: Context, params: Params, users: Map<string, Set<string>>): TargetGroup[] {
  const arns = params.texts('TargetGroupArns') ?? [];
  const names = params.texts('Names') ?? [];
  const balancer = params.text('LoadBalancerArn');
  const given = [arns.length > 0, names.length > 0, balancer !== undefined].filter(Boolean).length;
  if (given > 1) throw validationError('Only one of load balancer ARN, target group ARNs and names can be specified');
  const { tables } = context;
  if (balancer !== undefined) look(context, tables.loadBalancers, 'load balancer', balancer);
  for (const arn of arns) look(context, tables.targetGroups, 'target group', arn);
  const visible = visibleItems(context, tables.targetGroups);
  if (names.some((name) => !visible.some((group) => group.name === name))) throw notFound('target group');
  if (balancer !== undefined) return visible.filter((group) => users.get(group.arn)?.has(balancer));
  return given === 0 ? visible : visible.filter((group) => arns.includes(group.arn) || names.includes(group.name));
}

export const modifyTargetGroup: ActionHandler = (context, params) => {
  const group = getTargetGroup(context, params.required('TargetGroupArn'));
  const changed = { ...group, healthCheck: readHealthCheck(params, group.healthCheck) };
  context.tables.targetGroups.set(group.arn, changed);
  return { TargetGroups: [groupXml(changed, usage(context.tables))] };
};

/** Succeeds for an absent group: its only documented error is `ResourceInUse`. */
export const deleteTargetGroup: ActionHandler = ({ tables }, params) => {
  const arn = params.required('TargetGroupArn');
  requireArn('target group', arn);
  if (usage(tables).has(arn))
    throw new AwsError('ResourceInUse', `Target group '${arn}' is currently in use by a listener or a rule`);
  tables.targetGroups.delete(arn);
  return {};
};

function readSettings(params: Params) {
  const name = requireName(params.required('Name'), 'target group');
  const targetType = params.oneOf('TargetType', ['instance', 'ip', 'lambda', 'alb']) ?? 'instance';
  if (targetType !== 'instance' && targetType !== 'ip')
    throw new AwsError(
      'InvalidConfigurationRequest',
      `The sandbox serves target types instance and ip, not '${targetType}'`,
    );
  const protocol = params.oneOf('Protocol', ['HTTP', 'HTTPS']);
  const port = params.integer('Port', 1, 65_535);
  const vpcId = params.text('VpcId');
  if (!protocol || port === undefined || !vpcId)
    throw validationError('A protocol, a port and a VPC ID must be specified');
  const protocolVersion = params.oneOf('ProtocolVersion', ['HTTP1', 'HTTP2', 'GRPC']) ?? 'HTTP1';
  const ipAddressType = params.oneOf('IpAddressType', ['ipv4', 'ipv6']) ?? 'ipv4';
  return {
    name,
    targetType,
    protocol,
    protocolVersion,
    port,
    vpcId,
    ipAddressType,
    healthCheck: readHealthCheck(params, DEFAULT_HEALTH_CHECK),
  };
}

function readHealthCheck(params: Params, present: HealthCheck): HealthCheck {
  const matcher = params.child('Matcher');
  const check = {
    enabled: params.boolean('HealthCheckEnabled') ?? present.enabled,
    protocol: params.oneOf('HealthCheckProtocol', ['HTTP', 'HTTPS']) ?? present.protocol,
    port: params.text('HealthCheckPort') ?? present.port,
    path: params.bounded('HealthCheckPath', 1024) ?? present.path,
    intervalSeconds: params.integer('HealthCheckIntervalSeconds', 5, 300) ?? present.intervalSeconds,
    timeoutSeconds: params.integer('HealthCheckTimeoutSeconds', 2, 120) ?? present.timeoutSeconds,
    healthyThreshold: params.integer('HealthyThresholdCount', 2, 10) ?? present.healthyThreshold,
    unhealthyThreshold: params.integer('UnhealthyThresholdCount', 2, 10) ?? present.unhealthyThreshold,
    matcher: matcher?.text('HttpCode') ?? matcher?.text('GrpcCode') ?? present.matcher,
  };
  if (check.timeoutSeconds >= check.intervalSeconds)
    throw validationError(
      `Health check timeout '${check.timeoutSeconds}' must be smaller than the interval '${check.intervalSeconds}'`,
    );
  if (!check.path.startsWith('/')) throw validationError(`Health check path '${check.path}' must begin with '/'`);
  return check;
}

function groupXml(group: TargetGroup, users: Map<string, Set<string>>): XmlValue {
  const { healthCheck } = group;
  return {
    TargetGroupArn: group.arn,
    TargetGroupName: group.name,
    Protocol: group.protocol,
    Port: group.port,
    VpcId: group.vpcId,
    HealthCheckProtocol: healthCheck.protocol,
    HealthCheckPort: healthCheck.port,
    HealthCheckEnabled: healthCheck.enabled,
    HealthCheckIntervalSeconds: healthCheck.intervalSeconds,
    HealthCheckTimeoutSeconds: healthCheck.timeoutSeconds,
    HealthyThresholdCount: healthCheck.healthyThreshold,
    UnhealthyThresholdCount: healthCheck.unhealthyThreshold,
    HealthCheckPath: healthCheck.path,
    Matcher: group.protocolVersion === 'GRPC' ? { GrpcCode: healthCheck.matcher } : { HttpCode: healthCheck.matcher },
    LoadBalancerArns: [...(users.get(group.arn) ?? [])],
    TargetType: group.targetType,
    ProtocolVersion: group.protocolVersion,
    IpAddressType: group.ipAddressType,
  };
}
