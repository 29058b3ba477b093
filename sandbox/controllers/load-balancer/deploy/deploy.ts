import type { LoadBalancer } from '@aws-sdk/client-elastic-load-balancing-v2';
import { type Stack, TAG_CLUSTER, TAG_RESOURCE, TAG_STACK, type TargetGroupSpec } from '../model/stack.ts';
import { type Elb, loadBalancers, targetGroups } from './aws.ts';
import { deployListeners } from './listeners.ts';
import { deployLoadBalancer } from './load-balancers.ts';
import { deployRules } from './rules.ts';
import type { TagStore, Tags } from './tags.ts';
import {
  type ActualTargetGroup,
  createTargetGroup,
  deleteTargetGroup,
  planTargetGroups,
  updateTargetGroup,
} from './target-groups.ts';

export interface DeployContext {
  elb: Elb;
  tags: TagStore;
  cluster: string;
  vpcId: string;
  /** Waits of the simulation, before the first listener and before the first rule are created. */
  beforeListeners: () => Promise<void>;
  beforeRules: () => Promise<void>;
  /** Binds Pods to the target groups, and unbinds those of target groups that go, which are then deleted. */
  bind: (bound: { arn: string; spec: TargetGroupSpec }[], unbound: string[]) => Promise<void>;
}

/**
 * Brings AWS to the stack. What is there is found by tags alone; every step compares before it acts. The order is that of the real controller: target groups that are
 * missing, balancer, listeners, rules, bindings, and last the target groups that nothing refers to any more. Returns the host name, undefined without a balancer.
 */
export async function deployStack(context: DeployContext, stack: Stack): Promise<string | undefined> {
  const { elb, tags } = context;
  const owned = (all: Tags | undefined) => all?.[TAG_CLUSTER] === context.cluster && all[TAG_STACK] === stack.group;
  const plan = planTargetGroups(stack.targetGroups, await ownTargetGroups(elb, tags, owned));
  const arns = new Map<string, string>();
  for (const { spec, actual } of plan.matched) {
    arns.set(spec.id, actual.arn);
    await updateTargetGroup(elb, tags, spec, actual);
  }
  for (const spec of plan.missing) arns.set(spec.id, await createTargetGroup(elb, spec, context.vpcId));

  const actual = await ownLoadBalancers(elb, tags, owned);
  const balancer = await deployLoadBalancer(elb, tags, stack.loadBalancer, actual);
  if (balancer) {
    const { listeners } = stack;
    const deployed = await deployListeners(elb, tags, balancer.arn, listeners, arns, context.beforeListeners);
    for (const { port, rules } of listeners) {
      const arn = deployed.get(port);
      if (arn !== undefined) await deployRules(elb, tags, arn, rules, arns, context.beforeRules);
    }
  }

  const bound = stack.targetGroups.flatMap((spec) => {
    const arn = arns.get(spec.id);
    return arn === undefined ? [] : [{ arn, spec }];
  });
  const surplus = plan.surplus.map(({ arn }) => arn);
  await context.bind(bound, surplus);
  for (const arn of surplus) await deleteTargetGroup(elb, arn);
  return balancer?.hostname;
}

async function ownTargetGroups(
  elb: Elb,
  tags: TagStore,
  owned: (tags: Tags | undefined) => boolean,
): Promise<ActualTargetGroup[]> {
  const all = (await targetGroups(elb)).flatMap((group) =>
    group.TargetGroupArn ? [{ arn: group.TargetGroupArn, group }] : [],
  );
  const tagged = await tags.of(all.map(({ arn }) => arn));
  return all.flatMap(({ arn, group }) => {
    const found = tagged.get(arn);
    return found && owned(found) ? [{ arn, group, tags: found }] : [];
  });
}

async function ownLoadBalancers(
  elb: Elb,
  tags: TagStore,
  owned: (tags: Tags | undefined) => boolean,
): Promise<LoadBalancer[]> {
  const all = await loadBalancers(elb);
  const tagged = await tags.of(all.flatMap(({ LoadBalancerArn }) => LoadBalancerArn ?? []));
  return all.filter(({ LoadBalancerArn }) => {
    const found = tagged.get(LoadBalancerArn ?? '');
    return owned(found) && found?.[TAG_RESOURCE] === 'LoadBalancer';
  });
}
