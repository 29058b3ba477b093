import { AWS_REGION } from '../../../contract/scope/input.ts';
import { AwsError } from '../errors.ts';
import { Params } from '../query.ts';
import type { AwsState } from '../state.ts';
import type { BucketName } from '../throttle.ts';
import { xmlDocument } from '../xml.ts';
import { describeAccountLimits } from './account-limits.ts';
import type { ActionHandler, Context } from './context.ts';
import {
  addListenerCertificates,
  describeListenerCertificates,
  removeListenerCertificates,
} from './listener-certificates.ts';
import { createListener, deleteListener, describeListeners, modifyListener } from './listeners.ts';
import { describeLoadBalancerAttributes, modifyLoadBalancerAttributes } from './load-balancer-attributes.ts';
import {
  createLoadBalancer,
  deleteLoadBalancer,
  describeLoadBalancers,
  setSecurityGroups,
  setSubnets,
} from './load-balancers.ts';
import { refreshUse } from './quotas.ts';
import { createRule, deleteRule, describeRules, modifyRule, setRulePriorities } from './rules.ts';
import { addTags, describeTags, removeTags } from './tags.ts';
import { describeTargetGroupAttributes, modifyTargetGroupAttributes } from './target-group-attributes.ts';
import { createTargetGroup, deleteTargetGroup, describeTargetGroups, modifyTargetGroup } from './target-groups.ts';
import { deregisterTargets, describeTargetHealth, registerTargets } from './targets.ts';

export const ELB_VERSION = '2015-12-01';
export const ELB_NAMESPACE = `http://elasticloadbalancing.amazonaws.com/doc/${ELB_VERSION}/`;

const READS: Readonly<Record<string, ActionHandler>> = {
  DescribeAccountLimits: describeAccountLimits,
  DescribeListenerCertificates: describeListenerCertificates,
  DescribeListeners: describeListeners,
  DescribeLoadBalancerAttributes: describeLoadBalancerAttributes,
  DescribeLoadBalancers: describeLoadBalancers,
  DescribeRules: describeRules,
  DescribeTags: describeTags,
  DescribeTargetGroupAttributes: describeTargetGroupAttributes,
  DescribeTargetGroups: describeTargetGroups,
  DescribeTargetHealth: describeTargetHealth,
};

const WRITES: Readonly<Record<string, ActionHandler>> = {
  AddListenerCertificates: addListenerCertificates,
  AddTags: addTags,
  CreateListener: createListener,
  CreateLoadBalancer: createLoadBalancer,
  CreateRule: createRule,
  CreateTargetGroup: createTargetGroup,
  DeleteListener: deleteListener,
  DeleteLoadBalancer: deleteLoadBalancer,
  DeleteRule: deleteRule,
  DeleteTargetGroup: deleteTargetGroup,
  DeregisterTargets: deregisterTargets,
  ModifyListener: modifyListener,
  ModifyLoadBalancerAttributes: modifyLoadBalancerAttributes,
  ModifyRule: modifyRule,
  ModifyTargetGroup: modifyTargetGroup,
  ModifyTargetGroupAttributes: modifyTargetGroupAttributes,
  RegisterTargets: registerTargets,
  RemoveListenerCertificates: removeListenerCertificates,
  RemoveTags: removeTags,
  SetRulePriorities: setRulePriorities,
  SetSecurityGroups: setSecurityGroups,
  SetSubnets: setSubnets,
};

/** The throttling bucket of an action; unknown actions count as reads. */
export function elbBucket(action: string): BucketName {
  if (action === 'RegisterTargets' || action === 'DeregisterTargets') return 'elbTargets';
  return Object.hasOwn(WRITES, action) ? 'elbWrite' : 'elbRead';
}

/** Carries an ELBv2 action out and gives the document of its answer. With `stale` a read sees the state before the latest mutation. */
export function handleElb(
  state: AwsState,
  request: { action: string; region: string; form: URLSearchParams; requestId: string; stale: boolean },
): string {
  const { action, region } = request;
  if (!AWS_REGION.test(region))
    throw new AwsError('SignatureDoesNotMatch', `Credential should be scoped to a valid region, not '${region}'.`, 403);
  const params = Params.parse(request.form);
  const moment = state.moment();
  const contextOf = (tables: Context['tables']): Context => ({
    region,
    accountId: state.accountId,
    tables,
    moment,
    lifecycle: state.lifecycle,
    limits: state.limits(tables),
    healthWaitMs: state.clock.toRealMs(state.lifecycle.targetHealthSeconds),
  });
  const answer = (result: ReturnType<ActionHandler>) =>
    xmlDocument(`${action}Response`, ELB_NAMESPACE, {
      [`${action}Result`]: result,
      ResponseMetadata: { RequestId: request.requestId },
    });

  const read = Object.hasOwn(READS, action) ? READS[action] : undefined;
  if (read) return answer(read(contextOf(request.stale ? state.staleRegion(region) : state.region(region)), params));
  const write = Object.hasOwn(WRITES, action) ? WRITES[action] : undefined;
  if (!write) throw new AwsError('InvalidAction', `Could not find operation ${action} for version ${ELB_VERSION}`);
  return state.mutateRegion(region, (tables) => {
    const result = write(contextOf(tables), params);
    refreshUse(tables, moment.now);
    return answer(result);
  });
}
