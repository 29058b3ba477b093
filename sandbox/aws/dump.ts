import { rulesOf } from './elbv2/context.ts';
import { balancerState, presentTargets } from './lifecycle.ts';
import type { HostedZone, Listener, LoadBalancer, RegionTables, Rule, TargetGroup } from './model.ts';
import { NO_DOMAIN } from './names.ts';
import { sortedRecords } from './route53/record-sets.ts';
import type {
  AwsSeed,
  HostedZoneSeed,
  ListenerSeed,
  LoadBalancerSeed,
  RegionSeed,
  RuleSeed,
  TargetGroupSeed,
} from './seed-schema.ts';
import type { AwsState } from './state.ts';

/** The whole state as a seed that restores it. */
export function dumpState(state: AwsState): AwsSeed {
  const { now } = state.moment();
  const regions = state.regionNames().map((name) => [name, dumpRegion(state.region(name), now)] as const);
  const dns = state.dns();
  return structuredClone({
    regions: Object.fromEntries(regions.filter(([, region]) => Object.keys(region).length > 0)),
    hostedZones: [...dns.zones.values()].map((zone) => dumpZone(zone, now)),
    changes: [...dns.changes.values()].map(({ id, submittedAt, syncedAt, ...rest }) => ({
      id,
      submittedTime: showTime(submittedAt),
      syncedTime: showTime(syncedAt),
      ...rest,
    })),
  }) as AwsSeed;
}

const showTime = (time: number) => new Date(time).toISOString();

/** A moment matters to a dump only while it is ahead. */
const ahead = <Field extends string>(field: Field, time: number, now: number) =>
  (time > now ? { [field]: showTime(time) } : {}) as { [field in Field]?: string };

function dumpRegion(tables: RegionTables, now: number): RegionSeed {
  const region = {
    limits: Object.fromEntries(tables.limits),
    certificates: certificatesOf(tables),
    plannedStates: Object.fromEntries(tables.plannedStates),
    targetGroups: [...tables.targetGroups.values()].map((group) => dumpTargetGroup(group, now)),
    loadBalancers: [...tables.loadBalancers.values()].map((balancer) => dumpBalancer(tables, balancer, now)),
  };
  return Object.fromEntries(Object.entries(region).filter(([, content]) => Object.keys(content).length > 0));
}

/** Listeners keep a certificate that somebody took away from them; a seed with listeners has to name it. */
function certificatesOf({ certificates, listeners }: RegionTables): { arn: string; domains: string[] }[] {
  const there = [...certificates.values()].map(({ arn, domains }) => ({ arn, domains: [...domains] }));
  const used = [...listeners.values()].flatMap(({ certificateArn, extraCertificateArns }) => [
    ...(certificateArn ? [certificateArn] : []),
    ...extraCertificateArns,
  ]);
  const gone = [...new Set(used)].filter((arn) => !certificates.has(arn));
  return [...there, ...gone.map((arn) => ({ arn, domains: [NO_DOMAIN] }))];
}

function dumpBalancer(tables: RegionTables, balancer: LoadBalancer, now: number): LoadBalancerSeed {
  const { createdAt, visibleAt, settlesAt, settlesAs, ...rest } = balancer;
  const unsettled = now < settlesAt || settlesAs === 'provisioning';
  const listeners = [...tables.listeners.values()].filter((listener) => listener.loadBalancerArn === balancer.arn);
  return {
    ...rest,
    subnets: [...rest.subnets],
    securityGroups: [...rest.securityGroups],
    state: balancerState(balancer, now),
    ...(unsettled ? { settles: { time: showTime(settlesAt), as: settlesAs } } : {}),
    createdTime: showTime(createdAt),
    ...ahead('visibleTime', visibleAt, now),
    listeners: listeners.map((listener) => dumpListener(tables, listener, now)),
  };
}

function dumpListener(tables: RegionTables, listener: Listener, now: number): ListenerSeed {
  const { loadBalancerArn: _, certificateArn, extraCertificateArns, visibleAt, ...rest } = listener;
  const rules = rulesOf(tables, listener.arn);
  const fallback = rules.find((rule) => rule.priority === 'default');
  return {
    ...rest,
    ...(certificateArn === undefined ? {} : { certificate: certificateArn }),
    extraCertificates: [...extraCertificateArns],
    ...(fallback
      ? {
          defaultRuleArn: fallback.arn,
          defaultRuleTags: fallback.tags,
          defaultActions: fallback.actions as ListenerSeed['defaultActions'] & object,
        }
      : {}),
    rules: rules.filter((rule) => rule !== fallback).map((rule) => dumpRule(rule, now)),
    ...ahead('visibleTime', visibleAt, now),
  };
}

function dumpRule(rule: Rule, now: number): RuleSeed {
  const { arn, priority, conditions, actions, tags, visibleAt } = rule;
  return {
    arn,
    priority: Number(priority),
    conditions: conditions as RuleSeed['conditions'] & object,
    actions: actions as RuleSeed['actions'] & object,
    tags,
    ...ahead('visibleTime', visibleAt, now),
  };
}

function dumpTargetGroup(group: TargetGroup, now: number): TargetGroupSeed {
  const { visibleAt, inUseSince, targets: _, ...rest } = group;
  return {
    ...(rest as TargetGroupSeed),
    ...(inUseSince === undefined ? {} : { inUseSince: showTime(inUseSince) }),
    ...ahead('visibleTime', visibleAt, now),
    targets: presentTargets(group, now).map(({ registeredAt, goneAt, ...target }) => ({
      ...target,
      registeredTime: showTime(registeredAt),
      ...(goneAt === undefined ? {} : { goneTime: showTime(goneAt) }),
    })),
  };
}

function dumpZone(zone: HostedZone, now: number): HostedZoneSeed {
  const { records: _, busyUntil, vpcs, ...rest } = zone;
  return {
    ...rest,
    vpcs: vpcs.map((vpc) => ({ ...vpc })),
    ...ahead('busyUntil', busyUntil, now),
    records: sortedRecords(zone).map(({ record }) => record as NonNullable<HostedZoneSeed['records']>[number]),
  };
}
