import type { TargetGroup } from '../model.ts';
import { type ActionHandler, type Context, getTargetGroup, look } from './context.ts';
import { attributesXml, readAttributes } from './load-balancer-attributes.ts';
import { mergeAttributes } from './settings.ts';

const DELAY = 'deregistration_delay.timeout_seconds';

/** The attributes of a target group of an ALB and their defaults, from the ModifyTargetGroupAttributes documentation. */
const defaults = ({ lifecycle }: Context): Record<string, string> => ({
  [DELAY]: String(lifecycle.deregistrationDelaySeconds),
  'load_balancing.algorithm.anomaly_mitigation': 'off',
  'load_balancing.algorithm.type': 'round_robin',
  'load_balancing.cross_zone.enabled': 'use_load_balancer_configuration',
  'slow_start.duration_seconds': '0',
  'stickiness.app_cookie.cookie_name': '',
  'stickiness.app_cookie.duration_seconds': '86400',
  'stickiness.enabled': 'false',
  'stickiness.lb_cookie.duration_seconds': '86400',
  'stickiness.type': 'lb_cookie',
  'target_group_health.dns_failover.minimum_healthy_targets.count': '1',
  'target_group_health.dns_failover.minimum_healthy_targets.percentage': 'off',
  'target_group_health.unhealthy_state_routing.minimum_healthy_targets.count': '1',
  'target_group_health.unhealthy_state_routing.minimum_healthy_targets.percentage': 'off',
});

export const describeTargetGroupAttributes: ActionHandler = (context, params) => {
  const group = look(context, context.tables.targetGroups, 'target group', params.required('TargetGroupArn'));
  return attributesXml({ ...defaults(context), ...group.attributes });
};

export const modifyTargetGroupAttributes: ActionHandler = (context, params) => {
  const group = getTargetGroup(context, params.required('TargetGroupArn'));
  const attributes = mergeAttributes(group.attributes, readAttributes(params), defaults(context), 'Target group');
  context.tables.targetGroups.set(group.arn, { ...group, attributes });
  return attributesXml({ ...defaults(context), ...attributes });
};

/** How long a target drains, in simulated seconds. */
export const deregistrationDelay = (context: Context, group: TargetGroup) =>
  Number(group.attributes[DELAY] ?? context.lifecycle.deregistrationDelaySeconds);
