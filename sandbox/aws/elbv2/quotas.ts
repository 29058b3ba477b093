import { AwsError } from '../errors.ts';
import { presentTargets } from '../lifecycle.ts';
import type { RegionTables, Rule } from '../model.ts';
import type { Context } from './context.ts';

/** The target groups that a rule's actions name. */
export const groupsOf = (rule: Rule): string[] =>
  rule.actions.flatMap((action) => (action.type === 'forward' ? action.targetGroups.map((group) => group.arn) : []));

/** Which balancers use each target group, through any listener's default action or rule. */
export function usage(tables: RegionTables): Map<string, Set<string>> {
  const users = new Map<string, Set<string>>();
  for (const rule of tables.rules.values()) {
    for (const arn of groupsOf(rule)) {
      const balancers = users.get(arn) ?? new Set();
      users.set(arn, balancers.add(rule.loadBalancerArn));
    }
  }
  return users;
}

/** Checks a balancer after its rules in the draft have changed. Throwing drops the draft. */
export function checkBalancerQuotas({ tables, limits, moment }: Context, balancerArn: string): void {
  const rules = [...tables.rules.values()].filter((rule) => rule.loadBalancerArn === balancerArn);
  const mostRules = limits['rules-per-application-load-balancer'];
  if (rules.filter((rule) => rule.priority !== 'default').length > mostRules) {
    throw new AwsError(
      'TooManyRules',
      `The maximum number of rules on load balancer '${balancerArn}' has been reached: ${mostRules}`,
    );
  }
  const groups = new Set(rules.flatMap(groupsOf));
  const mostGroups = limits['target-groups-per-application-load-balancer'];
  if (groups.size > mostGroups) {
    throw new AwsError(
      'TooManyUniqueTargetGroupsPerLoadBalancer',
      `The maximum number of unique target groups on load balancer '${balancerArn}' has been reached: ${mostGroups}`,
    );
  }
  const users = usage(tables);
  for (const arn of groups) {
    if ((users.get(arn)?.size ?? 0) > 1) {
      throw new AwsError(
        'TargetGroupAssociationLimit',
        `The target group '${arn}' cannot be associated with more than one load balancer`,
      );
    }
  }
  const mostTargets = limits['targets-per-application-load-balancer'];
  let targets = 0;
  for (const arn of groups) {
    const group = tables.targetGroups.get(arn);
    if (group) targets += presentTargets(group, moment.now).filter((target) => target.goneAt === undefined).length;
  }
  if (targets > mostTargets)
    throw new AwsError(
      'TooManyTargets',
      `The maximum number of targets on load balancer '${balancerArn}' has been reached: ${mostTargets}`,
    );
}

/** Notes for each target group since when it is used, which starts and ends its health checks. */
export function refreshUse(tables: RegionTables, now: number): void {
  const users = usage(tables);
  for (const group of tables.targetGroups.values()) {
    const used = users.has(group.arn);
    if (used === (group.inUseSince !== undefined)) continue;
    const { inUseSince: _, ...rest } = group;
    tables.targetGroups.set(group.arn, used ? { ...rest, inUseSince: now } : rest);
  }
}
