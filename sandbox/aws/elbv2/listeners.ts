import { AwsError, validationError } from '../errors.ts';
import type { Action, Listener, RegionTables, Rule } from '../model.ts';
import { listenerArn, ruleArn } from '../names.ts';
import type { Params } from '../query.ts';
import type { XmlValue } from '../xml.ts';
import { actionXml, readActions } from './actions.ts';
import {
  type ActionHandler,
  type Context,
  getListener,
  getLoadBalancer,
  look,
  rulesOf,
  visibleItems,
} from './context.ts';
import { requireCertificate } from './listener-certificates.ts';
import { page } from './paging.ts';
import { checkBalancerQuotas } from './quotas.ts';
import { carries, readTags } from './tags.ts';

const DEFAULT_SSL_POLICY = 'ELBSecurityPolicy-2016-08';

export const createListener: ActionHandler = (context, params) => {
  const { tables, moment, lifecycle } = context;
  const balancer = getLoadBalancer(context, params.required('LoadBalancerArn'));
  const wanted = readTransport(context, params, undefined);
  const actions = readActions(context, params.list('DefaultActions') ?? []);
  const tags = readTags(params);
  const siblings = [...tables.listeners.values()].filter((listener) => listener.loadBalancerArn === balancer.arn);
  const existing = siblings.find((listener) => listener.port === wanted.port);
  if (existing) {
    if (
      !sameTransport(existing, wanted) ||
      !sameActions(defaultRule(tables, existing).actions, actions) ||
      !carries(existing.tags, tags)
    ) {
      throw new AwsError(
        'DuplicateListener',
        `A listener already exists on port ${wanted.port} for this load balancer '${balancer.arn}'`,
      );
    }
    return { Listeners: [listenerXml(tables, existing)] };
  }
  const most = context.limits['listeners-per-application-load-balancer'];
  if (siblings.length >= most)
    throw new AwsError(
      'TooManyListeners',
      `The maximum number of listeners on load balancer '${balancer.arn}' has been reached: ${most}`,
    );
  const visibleAt = moment.after(lifecycle.visibilityDelaySeconds);
  const listener: Listener = {
    ...wanted,
    arn: listenerArn(balancer.arn),
    loadBalancerArn: balancer.arn,
    extraCertificateArns: [],
    visibleAt,
    tags: tags ?? {},
  };
  tables.listeners.set(listener.arn, listener);
  putDefaultRule(context, {
    arn: ruleArn(listener.arn),
    listenerArn: listener.arn,
    loadBalancerArn: balancer.arn,
    priority: 'default',
    conditions: [],
    actions,
    visibleAt,
    tags: {},
  });
  return { Listeners: [listenerXml(tables, listener)] };
};

export const describeListeners: ActionHandler = (context, params) => {
  const arns = params.texts('ListenerArns') ?? [];
  const balancer = params.text('LoadBalancerArn');
  if (arns.length > 0 === (balancer !== undefined))
    throw validationError('Either a load balancer ARN or listener ARNs must be specified');
  if (balancer !== undefined) look(context, context.tables.loadBalancers, 'load balancer', balancer);
  for (const arn of arns) look(context, context.tables.listeners, 'listener', arn);
  const chosen = visibleItems(context, context.tables.listeners).filter((listener) =>
    balancer === undefined ? arns.includes(listener.arn) : listener.loadBalancerArn === balancer,
  );
  const { items, marker } = page(params, `listeners/${balancer ?? ''}`, chosen, (listener) => listener.arn);
  return { Listeners: items.map((listener) => listenerXml(context.tables, listener)), NextMarker: marker };
};

export const modifyListener: ActionHandler = (context, params) => {
  const { tables } = context;
  const listener = getListener(context, params.required('ListenerArn'));
  const { sslPolicy: _, certificateArn: __, ...rest } = listener;
  const changed: Listener = { ...rest, ...readTransport(context, params, listener) };
  const twin = [...tables.listeners.values()].find(
    (each) =>
      each.loadBalancerArn === listener.loadBalancerArn && each.port === changed.port && each.arn !== listener.arn,
  );
  if (twin)
    throw new AwsError(
      'DuplicateListener',
      `A listener already exists on port ${changed.port} for this load balancer '${listener.loadBalancerArn}'`,
    );
  tables.listeners.set(listener.arn, changed);
  const actions = params.list('DefaultActions');
  if (actions) putDefaultRule(context, { ...defaultRule(tables, listener), actions: readActions(context, actions) });
  return { Listeners: [listenerXml(tables, changed)] };
};

export const deleteListener: ActionHandler = (context, params) => {
  const { arn } = getListener(context, params.required('ListenerArn'));
  context.tables.listeners.delete(arn);
  for (const rule of rulesOf(context.tables, arn)) context.tables.rules.delete(rule.arn);
  return {};
};

function putDefaultRule(context: Context, rule: Rule): void {
  context.tables.rules.set(rule.arn, rule);
  checkBalancerQuotas(context, rule.loadBalancerArn);
}

/** Every listener has one; a listener without it is a broken state. */
function defaultRule(tables: RegionTables, listener: Listener): Rule {
  const rule = rulesOf(tables, listener.arn).at(-1);
  if (rule?.priority !== 'default') throw new Error(`listener ${listener.arn} has no default rule`);
  return rule;
}

/** Port, protocol, policy and default certificate; what is not given comes from the present listener. */
function readTransport(context: Context, params: Params, present: Listener | undefined): Transport {
  const port = params.integer('Port', 1, 65_535) ?? present?.port;
  const protocol =
    params.oneOf('Protocol', ['HTTP', 'HTTPS', 'TCP', 'TLS', 'UDP', 'TCP_UDP', 'GENEVE']) ?? present?.protocol;
  if (port === undefined || protocol === undefined) throw validationError('A port and a protocol must be specified');
  if (protocol !== 'HTTP' && protocol !== 'HTTPS')
    throw new AwsError('UnsupportedProtocol', `Protocol '${protocol}' is not supported by application load balancers`);
  const certificates = params.list('Certificates');
  if (protocol === 'HTTP') {
    if (certificates?.length || params.text('SslPolicy'))
      throw validationError('Certificates and an SSL policy cannot be specified for HTTP listeners');
    return { port, protocol };
  }
  const sslPolicy = params.text('SslPolicy') ?? present?.sslPolicy ?? DEFAULT_SSL_POLICY;
  if (!/^ELBSecurityPolicy-[A-Za-z0-9-]+$/.test(sslPolicy))
    throw new AwsError('SSLPolicyNotFound', `SSL policy '${sslPolicy}' not found`);
  if (certificates && certificates.length > 1)
    throw new AwsError('TooManyCertificates', 'Exactly one default certificate can be specified');
  const certificateArn = certificates?.[0]?.required('CertificateArn') ?? present?.certificateArn;
  if (certificateArn === undefined) throw validationError('A certificate must be specified for HTTPS listeners');
  requireCertificate(context.tables, certificateArn);
  return { port, protocol, sslPolicy, certificateArn };
}

type Transport = Pick<Listener, 'port' | 'protocol' | 'sslPolicy' | 'certificateArn'>;

const sameTransport = (one: Transport, other: Transport) =>
  one.protocol === other.protocol && one.sslPolicy === other.sslPolicy && one.certificateArn === other.certificateArn;

const sameActions = (one: readonly Action[], other: readonly Action[]) => signature(one) === signature(other);

/** Equal for actions that do the same: order numbers and the order of target groups do not count. */
const signature = (actions: readonly Action[]) =>
  JSON.stringify(
    actions.map(({ order: _, ...action }) =>
      Object.entries(
        action.type === 'forward'
          ? { ...action, targetGroups: action.targetGroups.map((group) => `${group.arn} ${group.weight}`).sort() }
          : action,
      ).sort(),
    ),
  );

export const listenerXml = (tables: RegionTables, listener: Listener): XmlValue => ({
  ListenerArn: listener.arn,
  LoadBalancerArn: listener.loadBalancerArn,
  Port: listener.port,
  Protocol: listener.protocol,
  Certificates: listener.certificateArn === undefined ? undefined : [{ CertificateArn: listener.certificateArn }],
  SslPolicy: listener.sslPolicy,
  DefaultActions: defaultRule(tables, listener).actions.map(actionXml),
});
