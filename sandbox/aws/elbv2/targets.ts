import { isIP } from 'node:net';
import { AwsError, validationError } from '../errors.ts';
import { presentTargets, targetHealth } from '../lifecycle.ts';
import type { Target, TargetGroup, TargetHealth } from '../model.ts';
import type { Params } from '../query.ts';
import type { XmlValue } from '../xml.ts';
import { type ActionHandler, getTargetGroup, look } from './context.ts';
import { checkBalancerQuotas, usage } from './quotas.ts';
import { deregistrationDelay } from './target-group-attributes.ts';

interface TargetName {
  id: string;
  port: number;
  availabilityZone: string | undefined;
}

/** Registering a target again changes nothing; one that drains starts anew. */
export const registerTargets: ActionHandler = (context, params) => {
  const { tables, moment, limits } = context;
  const group = getTargetGroup(context, params.required('TargetGroupArn'));
  const present = presentTargets(group, moment.now);
  const staying = new Map(
    present.filter((target) => target.goneAt === undefined).map((target) => [keyOf(target), target]),
  );
  for (const name of readTargets(params, group)) {
    requireTarget(group, name);
    if (staying.has(keyOf(name))) continue;
    const zone = name.availabilityZone === undefined ? {} : { availabilityZone: name.availabilityZone };
    staying.set(keyOf(name), { id: name.id, port: name.port, ...zone, registeredAt: moment.now });
  }
  const most = limits['targets-per-target-group'];
  if (staying.size > most)
    throw new AwsError(
      'TooManyTargets',
      `The maximum number of targets in target group '${group.arn}' has been reached: ${most}`,
    );
  const draining = present.filter((target) => target.goneAt !== undefined && !staying.has(keyOf(target)));
  tables.targetGroups.set(group.arn, { ...group, targets: [...staying.values(), ...draining] });
  for (const balancer of usage(tables).get(group.arn) ?? []) checkBalancerQuotas(context, balancer);
  return {};
};

/** Targets of a group in use drain first; deregistering an absent one succeeds. */
export const deregisterTargets: ActionHandler = (context, params) => {
  const { tables, moment } = context;
  const group = getTargetGroup(context, params.required('TargetGroupArn'));
  const leaving = new Set(readTargets(params, group).map(keyOf));
  const goneAt = moment.after(group.inUseSince === undefined ? 0 : deregistrationDelay(context, group));
  const targets = presentTargets(group, moment.now)
    .map((target) => (leaving.has(keyOf(target)) && target.goneAt === undefined ? { ...target, goneAt } : target))
    .filter((target) => target.goneAt === undefined || target.goneAt > moment.now);
  tables.targetGroups.set(group.arn, { ...group, targets });
  return {};
};

export const describeTargetHealth: ActionHandler = (context, params) => {
  const { tables, moment, healthWaitMs } = context;
  const group = look(context, tables.targetGroups, 'target group', params.required('TargetGroupArn'));
  const present = presentTargets(group, moment.now);
  const asked = params.list('Targets') === undefined ? present : readTargets(params, group);
  return {
    TargetHealthDescriptions: asked.map((name) => {
      const target = present.find((each) => keyOf(each) === keyOf(name));
      return targetXml(group, name, target ? targetHealth(group, target, moment.now, healthWaitMs) : NOT_REGISTERED);
    }),
  };
};

const NOT_REGISTERED: TargetHealth = {
  state: 'unused',
  reason: 'Target.NotRegistered',
  description: 'Target is not registered to the target group',
};

const keyOf = (target: { id: string; port: number }) => `${target.id}:${target.port}`;

function readTargets(params: Params, group: TargetGroup): TargetName[] {
  const list = params.list('Targets') ?? [];
  if (list.length === 0) throw validationError('At least one target must be specified');
  return list.map((target) => ({
    id: target.required('Id'),
    port: target.integer('Port', 1, 65_535) ?? group.port,
    availabilityZone: target.text('AvailabilityZone'),
  }));
}

function requireTarget(group: TargetGroup, { id }: TargetName): void {
  if (group.targetType === 'ip' && isIP(id) === 0)
    throw validationError(`The IP address '${id}' is not a valid IPv4 or IPv6 address`);
  if (group.targetType === 'instance' && !/^i-[0-9a-f]{8,17}$/.test(id))
    throw new AwsError('InvalidTarget', `The following targets are not valid instances: '${id}'`);
}

const targetXml = (group: TargetGroup, target: TargetName | Target, health: TargetHealth): XmlValue => ({
  Target: { Id: target.id, Port: target.port, AvailabilityZone: target.availabilityZone },
  HealthCheckPort: group.healthCheck.port === 'traffic-port' ? String(target.port) : group.healthCheck.port,
  TargetHealth: { State: health.state, Reason: health.reason, Description: health.description },
});
