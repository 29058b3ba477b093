import {
  type Action,
  AddTagsCommand,
  DescribeListenerCertificatesCommand,
  DescribeListenersCommand,
  DescribeLoadBalancersCommand,
  DescribeRulesCommand,
  DescribeTagsCommand,
  type Listener,
  type Rule,
} from '@aws-sdk/client-elastic-load-balancing-v2';
import { normalizeHost } from '../../domain/scope/hosts.ts';
import type { AwsClients } from './clients.ts';
import { AwsCallError } from './errors.ts';

/** Complete readings of balancers: every page, and nothing is called absent that was not answered. */

export interface ListedBalancer {
  name: string;
  arn: string;
  dnsName?: string;
  canonicalHostedZoneId?: string;
  scheme: string;
  state: 'provisioning' | 'active' | 'active_impaired' | 'failed';
}

export interface BalancerDetails {
  rules: number;
  hosts: string[];
  listeners: { port: number; protocol: string }[];
  /**
   * Target groups that a rule or a listener's default action sends to: a target group belongs to the one balancer that
   * routes to it, so these are all that count against the quota, and no region-wide list is needed.
   */
  targetGroups: number;
  /** Certificates of HTTPS listeners besides the default one; present only when asked for. */
  certificates?: number;
}

export const PAGE_SIZE = 400;

/** All application load balancers of a region. */
export async function listLoadBalancers(aws: AwsClients, region: string): Promise<ListedBalancer[]> {
  const permission = 'elasticloadbalancing:DescribeLoadBalancers';
  const pages = await everyPage((Marker) =>
    aws.sendElb(permission, undefined, (abortSignal) =>
      aws.elb(region).send(new DescribeLoadBalancersCommand({ PageSize: PAGE_SIZE, Marker }), { abortSignal }),
    ),
  );
  return pages
    .flatMap((page) => required(page.LoadBalancers, permission))
    .filter((balancer) => balancer.Type === 'application')
    .map((balancer) => ({
      name: required(balancer.LoadBalancerName, permission),
      arn: required(balancer.LoadBalancerArn, permission),
      ...(balancer.DNSName ? { dnsName: balancer.DNSName } : {}),
      ...(balancer.CanonicalHostedZoneId ? { canonicalHostedZoneId: balancer.CanonicalHostedZoneId } : {}),
      scheme: required(balancer.Scheme, permission),
      state: required(balancer.State?.Code, permission),
    }));
}

/** Listeners, non-default rules and their hosts of one balancer; undefined when AWS says that it does not exist. */
export async function readBalancer(
  aws: AwsClients,
  region: string,
  arn: string,
  withCertificates: boolean,
): Promise<BalancerDetails | undefined> {
  try {
    const listeners = await describeListeners(aws, region, arn);
    const rules: Rule[] = [];
    const targetGroups = new Set<string>();
    let certificates = 0;
    for (const listener of listeners) {
      const listenerArn = required(listener.ListenerArn, 'elasticloadbalancing:DescribeListeners');
      const all = await describeRules(aws, region, listenerArn);
      rules.push(...all.filter((rule) => rule.IsDefault === false));
      for (const actions of [listener.DefaultActions, ...all.map(({ Actions }) => Actions)])
        for (const arn of (actions ?? []).flatMap(targetsOfAction)) targetGroups.add(arn);
      if (withCertificates && listener.Protocol === 'HTTPS')
        certificates += await countCertificates(aws, region, listenerArn);
    }
    return {
      rules: rules.length,
      hosts: [...new Set(rules.flatMap(hostsOfRule))].sort(),
      listeners: listeners.map(({ Port, Protocol }) => ({ port: Port ?? 0, protocol: Protocol ?? '' })),
      targetGroups: targetGroups.size,
      ...(withCertificates ? { certificates } : {}),
    };
  } catch (error) {
    if (isBalancerGone(error)) return undefined;
    throw error;
  }
}

/** The hosts of each non-default rule of a balancer over all listeners; undefined when AWS says that it does not exist. */
export async function readRuleHosts(aws: AwsClients, region: string, arn: string): Promise<string[][] | undefined> {
  try {
    const rules: Rule[] = [];
    for (const { ListenerArn } of await describeListeners(aws, region, arn)) {
      const listener = required(ListenerArn, 'elasticloadbalancing:DescribeListeners');
      rules.push(...(await describeRules(aws, region, listener)).filter((rule) => rule.IsDefault === false));
    }
    return rules.map(hostsOfRule);
  } catch (error) {
    if (isBalancerGone(error)) return undefined;
    throw error;
  }
}

/** A listener that vanishes while it is read is no vanished balancer: that is read again. */
function isBalancerGone(error: unknown): boolean {
  return error instanceof AwsCallError && error.code === 'LoadBalancerNotFound';
}

/** AWS takes at most so many ARNs in one question for tags. */
const TAGS_AT_ONCE = 20;

/** Tags by ARN; one that vanished meanwhile is left out. */
export async function readTagsOf(
  aws: AwsClients,
  region: string,
  arns: readonly string[],
): Promise<Record<string, Record<string, string>>> {
  const permission = 'elasticloadbalancing:DescribeTags';
  const found: Record<string, Record<string, string>> = {};
  for (let from = 0; from < arns.length; from += TAGS_AT_ONCE) {
    const some = arns.slice(from, from + TAGS_AT_ONCE);
    try {
      const answer = await aws.sendElb(permission, some.length === 1 ? some[0] : undefined, (abortSignal) =>
        aws.elb(region).send(new DescribeTagsCommand({ ResourceArns: some }), { abortSignal }),
      );
      for (const { ResourceArn, Tags } of required(answer.TagDescriptions, permission))
        found[ResourceArn ?? ''] = Object.fromEntries((Tags ?? []).map(({ Key, Value }) => [Key ?? '', Value ?? '']));
    } catch (error) {
      if (!(error instanceof AwsCallError) || error.kind !== 'absent') throw error;
      if (some.length === 1) continue;
      // One that is gone fails the whole question: ask for each alone.
      for (const arn of some) Object.assign(found, await readTagsOf(aws, region, [arn]));
    }
  }
  return found;
}

/** Tags of one balancer; undefined when it does not exist. */
export async function readTags(
  aws: AwsClients,
  region: string,
  arn: string,
): Promise<Record<string, string> | undefined> {
  return (await readTagsOf(aws, region, [arn]))[arn];
}

/** Adds or overwrites tags of one balancer. Twice is harmless: equal keys are overwritten with equal values. */
export async function addTags(
  aws: AwsClients,
  region: string,
  arn: string,
  tags: Record<string, string>,
): Promise<void> {
  const Tags = Object.entries(tags).map(([Key, Value]) => ({ Key, Value }));
  await aws.sendElb('elasticloadbalancing:AddTags', arn, (abortSignal) =>
    aws.elb(region).send(new AddTagsCommand({ ResourceArns: [arn], Tags }), { abortSignal }),
  );
}

async function describeListeners(aws: AwsClients, region: string, arn: string): Promise<Listener[]> {
  const permission = 'elasticloadbalancing:DescribeListeners';
  const pages = await everyPage((Marker) =>
    aws.sendElb(permission, arn, (abortSignal) =>
      aws
        .elb(region)
        .send(new DescribeListenersCommand({ LoadBalancerArn: arn, PageSize: PAGE_SIZE, Marker }), { abortSignal }),
    ),
  );
  return pages.flatMap((page) => required(page.Listeners, permission));
}

async function describeRules(aws: AwsClients, region: string, arn: string): Promise<Rule[]> {
  const permission = 'elasticloadbalancing:DescribeRules';
  const pages = await everyPage((Marker) =>
    aws.sendElb(permission, arn, (abortSignal) =>
      aws
        .elb(region)
        .send(new DescribeRulesCommand({ ListenerArn: arn, PageSize: PAGE_SIZE, Marker }), { abortSignal }),
    ),
  );
  return pages.flatMap((page) => required(page.Rules, permission));
}

async function countCertificates(aws: AwsClients, region: string, arn: string): Promise<number> {
  const permission = 'elasticloadbalancing:DescribeListenerCertificates';
  const pages = await everyPage((Marker) =>
    aws.sendElb(permission, arn, (abortSignal) =>
      aws.elb(region).send(new DescribeListenerCertificatesCommand({ ListenerArn: arn, PageSize: PAGE_SIZE, Marker }), {
        abortSignal,
      }),
    ),
  );
  return pages.flatMap((page) => required(page.Certificates, permission)).filter(({ IsDefault }) => IsDefault !== true)
    .length;
}

function targetsOfAction({ TargetGroupArn, ForwardConfig }: Action): string[] {
  const weighted = (ForwardConfig?.TargetGroups ?? []).map((one) => one.TargetGroupArn);
  return [TargetGroupArn, ...weighted].filter((arn) => arn !== undefined);
}

function hostsOfRule(rule: Rule): string[] {
  return (rule.Conditions ?? [])
    .filter(({ Field }) => Field === 'host-header')
    .flatMap((condition) => condition.HostHeaderConfig?.Values ?? condition.Values ?? [])
    .map(normalizeHost);
}

export async function everyPage<Page extends { NextMarker?: string | undefined }>(
  ask: (marker: string | undefined) => Promise<Page>,
): Promise<Page[]> {
  const pages: Page[] = [];
  let marker: string | undefined;
  do {
    const page = await ask(marker);
    pages.push(page);
    marker = page.NextMarker || undefined;
  } while (marker !== undefined);
  return pages;
}

/** A missing list or field is an answer we do not understand: never an empty one. */
export function required<T>(value: T | undefined, permission: string): T {
  if (value === undefined)
    throw new AwsCallError('unknown', 'IncompleteAnswer', 'the answer lacks what was asked for', permission);
  return value;
}
