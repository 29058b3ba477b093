import { createHash } from 'node:crypto';
import type { Action, Condition, Listener, LoadBalancer } from './model.ts';
import { certificateArn, listenerArn, NO_DOMAIN, ruleArn } from './names.ts';
import type { ListenerSeed, RuleSeed } from './seed-schema.ts';
import { type Builder, readTime, seedTargetGroup } from './seed-target-groups.ts';

const TO_HTTPS: Action = {
  type: 'redirect',
  protocol: 'HTTPS',
  port: '443',
  host: '#{host}',
  path: '/#{path}',
  query: '#{query}',
  statusCode: 'HTTP_301',
};
const NOT_FOUND: Action = { type: 'fixed-response', statusCode: '404', contentType: 'text/plain' };

/** Adds a listener with its default rule and its other rules. */
export function seedListener(builder: Builder, balancer: LoadBalancer, seed: ListenerSeed): void {
  const { tables } = builder;
  const arn = seed.arn ?? listenerArn(balancer.arn);
  const listener: Listener = {
    arn,
    loadBalancerArn: balancer.arn,
    port: seed.port,
    protocol: seed.protocol,
    ...(seed.protocol === 'HTTPS'
      ? { sslPolicy: seed.sslPolicy ?? 'ELBSecurityPolicy-2016-08', certificateArn: certificateOf(builder, seed) }
      : {}),
    extraCertificateArns: seed.extraCertificates ?? [],
    visibleAt: readTime(seed.visibleTime),
    tags: seed.tags ?? {},
  };
  tables.listeners.set(arn, listener);
  const defaultArn = seed.defaultRuleArn ?? ruleArn(arn);
  tables.rules.set(defaultArn, {
    arn: defaultArn,
    listenerArn: arn,
    loadBalancerArn: balancer.arn,
    priority: 'default',
    conditions: [],
    actions: seed.defaultActions ?? [seed.redirect ? TO_HTTPS : NOT_FOUND],
    visibleAt: listener.visibleAt,
    tags: seed.defaultRuleTags ?? {},
  });
  const rules =
    typeof seed.rules === 'number' ? syntheticRules(builder, balancer, listener, seed.rules) : (seed.rules ?? []);
  seedRules(builder, balancer, listener, rules);
}

function seedRules(builder: Builder, balancer: LoadBalancer, listener: Listener, rules: readonly RuleSeed[]): void {
  const { tables, problems, region } = builder;
  const at = `regions.${region}.loadBalancers.${balancer.name}.listeners.${listener.port}`;
  const taken = new Set<number>();
  let previous = 0;
  for (const [index, seed] of rules.entries()) {
    const priority = seed.priority ?? previous + 1;
    if (taken.has(priority)) problems.push(`${at}.rules.${index}: priority ${priority} is taken`);
    taken.add(priority);
    previous = priority;
    const conditions = seed.conditions ?? [
      ...conditionOf('host-header', seed.host),
      ...conditionOf('path-pattern', seed.path),
    ];
    if (conditions.length === 0) problems.push(`${at}.rules.${index}: needs a host, a path or conditions`);
    const arn = seed.arn ?? ruleArn(listener.arn);
    tables.rules.set(arn, {
      arn,
      listenerArn: listener.arn,
      loadBalancerArn: balancer.arn,
      priority,
      conditions,
      actions: seed.actions ?? [forwardOf(builder, seed, `${at}.rules.${index}`)],
      visibleAt: readTime(seed.visibleTime),
      tags: seed.tags ?? {},
    });
  }
}

const conditionOf = (field: Condition['field'], values: string | string[] | undefined): Condition[] =>
  values === undefined ? [] : [{ field, values: typeof values === 'string' ? [values] : values }];

function forwardOf(builder: Builder, seed: RuleSeed, at: string): Action {
  const weights = seed.targetGroups ?? (seed.targetGroup === undefined ? {} : { [seed.targetGroup]: 1 });
  if (Object.keys(weights).length === 0) builder.problems.push(`${at}: needs a target group or actions`);
  return {
    type: 'forward',
    targetGroups: Object.entries(weights).map(([name, weight]) => ({ arn: groupNamed(builder, name), weight })),
  };
}

const groupNamed = (builder: Builder, name: string): string =>
  builder.groupArns.get(name) ?? seedTargetGroup(builder, { name }).arn;

/** So many rules that each forward one host to a group of one healthy target. */
function syntheticRules(builder: Builder, balancer: LoadBalancer, listener: Listener, count: number): RuleSeed[] {
  const prefix = createHash('sha256').update(balancer.name).digest('hex').slice(0, 8);
  return Array.from({ length: count }, (_, index) => {
    const number = String(index + 1).padStart(3, '0');
    const id = `10.${listener.port % 200}.${Math.floor(index / 250)}.${(index % 250) + 1}`;
    const group = seedTargetGroup(builder, {
      name: `synthetic-${prefix}-${listener.port}-${number}`,
      targets: [{ id }],
    });
    const actions: RuleSeed['actions'] = [{ type: 'forward', targetGroups: [{ arn: group.arn, weight: 1 }] }];
    return { host: `synthetic-${number}.${balancer.name}.example.com`, actions };
  });
}

function certificateOf({ tables, region, state, problems }: Builder, seed: ListenerSeed): string {
  for (const arn of [seed.certificate ?? [], seed.extraCertificates ?? []].flat()) {
    if (!tables.certificates.has(arn)) problems.push(`regions.${region}.certificates: there is none with ARN ${arn}`);
  }
  const arn = seed.certificate ?? [...tables.certificates.keys()][0] ?? certificateArn(region, state.accountId);
  if (!tables.certificates.has(arn)) tables.certificates.set(arn, { arn, domains: [NO_DOMAIN] });
  return arn;
}
