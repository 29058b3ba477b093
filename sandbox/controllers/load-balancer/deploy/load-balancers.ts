import {
  CreateLoadBalancerCommand,
  DeleteLoadBalancerCommand,
  DescribeLoadBalancerAttributesCommand,
  type LoadBalancer,
  ModifyLoadBalancerAttributesCommand,
} from '@aws-sdk/client-elastic-load-balancing-v2';
import type { LoadBalancerSpec } from '../model/stack.ts';
import { call, type Elb, hasCode } from './aws.ts';
import { type TagStore, tagList } from './tags.ts';

/** What the later steps need of the balancer. */
export interface DeployedLoadBalancer {
  arn: string;
  hostname: string;
  created: boolean;
}

/** Brings the balancers of a stack to the wanted one, or to none. A changed scheme replaces; what goes is deleted before anything is created. */
export async function deployLoadBalancer(
  elb: Elb,
  tags: TagStore,
  wanted: LoadBalancerSpec | undefined,
  actual: readonly LoadBalancer[],
): Promise<DeployedLoadBalancer | undefined> {
  const kept = wanted && actual.find(({ Scheme, Type }) => Scheme === wanted.scheme && Type === 'application');
  for (const balancer of actual) if (balancer !== kept) await deleteLoadBalancer(elb, balancer.LoadBalancerArn ?? '');
  if (!wanted) return undefined;
  const balancer = kept ?? (await createLoadBalancer(elb, wanted));
  const arn = balancer.LoadBalancerArn ?? '';
  if (kept) await tags.reconcile(arn, wanted.tags);
  await modifyAttributes(elb, arn, wanted.attributes);
  return { arn, hostname: balancer.DNSName ?? '', created: kept === undefined };
}

async function createLoadBalancer(elb: Elb, wanted: LoadBalancerSpec): Promise<LoadBalancer> {
  const answer = await call('CreateLoadBalancer', () =>
    elb.send(
      new CreateLoadBalancerCommand({
        Name: wanted.name,
        Type: 'application',
        Scheme: wanted.scheme,
        IpAddressType: wanted.ipAddressType,
        Subnets: wanted.subnets,
        ...(wanted.securityGroups.length > 0 ? { SecurityGroups: wanted.securityGroups } : {}),
        Tags: tagList(wanted.tags),
      }),
    ),
  );
  const balancer = answer.LoadBalancers?.[0];
  if (!balancer?.LoadBalancerArn) throw new Error('CreateLoadBalancer answered without a load balancer');
  return balancer;
}

/** Deletes a balancer with its listeners and rules; deletion protection is switched off when it is in the way. */
async function deleteLoadBalancer(elb: Elb, arn: string): Promise<void> {
  const remove = () =>
    call('DeleteLoadBalancer', () => elb.send(new DeleteLoadBalancerCommand({ LoadBalancerArn: arn })));
  try {
    await remove();
  } catch (error) {
    if (!hasCode(error, 'OperationNotPermitted')) throw error;
    const Attributes = [{ Key: 'deletion_protection.enabled', Value: 'false' }];
    await call('ModifyLoadBalancerAttributes', () =>
      elb.send(new ModifyLoadBalancerAttributesCommand({ LoadBalancerArn: arn, Attributes })),
    );
    await remove();
  }
}

async function modifyAttributes(elb: Elb, arn: string, wanted: Record<string, string>): Promise<void> {
  if (Object.keys(wanted).length === 0) return;
  const answer = await call('DescribeLoadBalancerAttributes', () =>
    elb.send(new DescribeLoadBalancerAttributesCommand({ LoadBalancerArn: arn })),
  );
  const actual = new Map((answer.Attributes ?? []).map(({ Key, Value }) => [Key, Value]));
  const changed = Object.entries(wanted).filter(([key, value]) => actual.get(key) !== value);
  if (changed.length === 0) return;
  const Attributes = changed.map(([Key, Value]) => ({ Key, Value }));
  await call('ModifyLoadBalancerAttributes', () =>
    elb.send(new ModifyLoadBalancerAttributesCommand({ LoadBalancerArn: arn, Attributes })),
  );
}
