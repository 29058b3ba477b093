import {
  DescribeListenersCommand,
  DescribeRulesCommand,
  DescribeTagsCommand,
  DescribeTargetGroupAttributesCommand,
  DescribeTargetHealthCommand,
  type Rule,
  type TargetHealthStateEnum,
} from '@aws-sdk/client-elastic-load-balancing-v2';
import { normalizeHost } from '../../domain/scope/hosts.ts';
import type { AwsClients } from './clients.ts';
import { AwsCallError } from './errors.ts';
import { everyPage, PAGE_SIZE, required } from './load-balancers.ts';

/** How a balancer routes at this moment, completely: every listener asked for, every page, nothing remembered but tags. */

export interface ListenerReading {
  port: number;
  arn: string;
}

export interface ForwardTarget {
  targetGroupArn: string;
  /** Absent in AWS's answer: 1. */
  weight: number;
}

export interface RuleReading {
  hosts: string[];
  /** Undefined: the rule does not forward. */
  forward?: ForwardTarget[];
}

export async function readListeners(aws: AwsClients, region: string, balancerArn: string): Promise<ListenerReading[]> {
  const permission = 'elasticloadbalancing:DescribeListeners';
  const pages = await everyPage((Marker) =>
    aws.sendElb(permission, balancerArn, (abortSignal) =>
      aws
        .elb(region)
        .send(new DescribeListenersCommand({ LoadBalancerArn: balancerArn, PageSize: PAGE_SIZE, Marker }), {
          abortSignal,
        }),
    ),
  );
  return pages
    .flatMap((page) => required(page.Listeners, permission))
    .map(({ Port, ListenerArn }) => ({ port: required(Port, permission), arn: required(ListenerArn, permission) }));
}

/** All non-default rules of a listener. */
export async function readRules(aws: AwsClients, region: string, listenerArn: string): Promise<RuleReading[]> {
  const permission = 'elasticloadbalancing:DescribeRules';
  const pages = await everyPage((Marker) =>
    aws.sendElb(permission, listenerArn, (abortSignal) =>
      aws
        .elb(region)
        .send(new DescribeRulesCommand({ ListenerArn: listenerArn, PageSize: PAGE_SIZE, Marker }), { abortSignal }),
    ),
  );
  return pages
    .flatMap((page) => required(page.Rules, permission))
    .filter((rule) => rule.IsDefault !== true)
    .map((rule) => {
      const forward = forwardOf(rule);
      return { hosts: hostsOf(rule), ...(forward ? { forward } : {}) };
    });
}

function hostsOf(rule: Rule): string[] {
  return (rule.Conditions ?? [])
    .filter(({ Field }) => Field === 'host-header')
    .flatMap((condition) => condition.HostHeaderConfig?.Values ?? condition.Values ?? [])
    .map(normalizeHost);
}

function forwardOf(rule: Rule): ForwardTarget[] | undefined {
  const action = (rule.Actions ?? []).find(({ Type }) => Type === 'forward');
  if (!action) return undefined;
  const groups = action.ForwardConfig?.TargetGroups ?? [{ TargetGroupArn: action.TargetGroupArn }];
  return groups.map((group) => ({
    targetGroupArn: group.TargetGroupArn ?? '',
    weight: ('Weight' in group ? group.Weight : undefined) ?? 1,
  }));
}

/** The tag by which the controller says whose target group it is: `<namespace>/<ingress>-<service>:<port>`. */
const RESOURCE_TAG = 'ingress.k8s.aws/resource';

const MOST_ARNS = 20;

/** What each target group is made for, by ARN; a group without the tag has an empty text. Groups that are gone are left out. */
export async function readResourceTags(
  aws: AwsClients,
  region: string,
  arns: readonly string[],
): Promise<Record<string, string>> {
  const permission = 'elasticloadbalancing:DescribeTags';
  const tags: Record<string, string> = {};
  for (let from = 0; from < arns.length; from += MOST_ARNS) {
    const answer = await aws.sendElb(permission, undefined, (abortSignal) =>
      aws
        .elb(region)
        .send(new DescribeTagsCommand({ ResourceArns: arns.slice(from, from + MOST_ARNS) }), { abortSignal }),
    );
    for (const { ResourceArn, Tags } of required(answer.TagDescriptions, permission)) {
      tags[ResourceArn ?? ''] = Tags?.find(({ Key }) => Key === RESOURCE_TAG)?.Value ?? '';
    }
  }
  return tags;
}

/** How many targets of one group are in each state; undefined when the group is gone. */
export async function readTargetStates(
  aws: AwsClients,
  region: string,
  arn: string,
): Promise<Partial<Record<TargetHealthStateEnum, number>> | undefined> {
  const permission = 'elasticloadbalancing:DescribeTargetHealth';
  try {
    const answer = await aws.sendElb(permission, arn, (abortSignal) =>
      aws.elb(region).send(new DescribeTargetHealthCommand({ TargetGroupArn: arn }), { abortSignal }),
    );
    const states: Partial<Record<TargetHealthStateEnum, number>> = {};
    for (const { TargetHealth } of required(answer.TargetHealthDescriptions, permission)) {
      const state = required(TargetHealth?.State, permission);
      states[state] = (states[state] ?? 0) + 1;
    }
    return states;
  } catch (error) {
    if (error instanceof AwsCallError && error.kind === 'absent') return undefined;
    throw error;
  }
}

/** Seconds that connections of one group may still take after their target leaves; undefined when the group is gone. */
export async function readDeregistrationDelay(
  aws: AwsClients,
  region: string,
  arn: string,
): Promise<number | undefined> {
  const permission = 'elasticloadbalancing:DescribeTargetGroupAttributes';
  try {
    const answer = await aws.sendElb(permission, arn, (abortSignal) =>
      aws.elb(region).send(new DescribeTargetGroupAttributesCommand({ TargetGroupArn: arn }), { abortSignal }),
    );
    const delay = required(answer.Attributes, permission).find(
      ({ Key }) => Key === 'deregistration_delay.timeout_seconds',
    )?.Value;
    return Number(required(delay, permission));
  } catch (error) {
    if (error instanceof AwsCallError && error.kind === 'absent') return undefined;
    throw error;
  }
}
