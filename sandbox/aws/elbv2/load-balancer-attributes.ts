import { validationError } from '../errors.ts';
import type { LoadBalancer } from '../model.ts';
import type { Params } from '../query.ts';
import type { XmlValue } from '../xml.ts';
import { type ActionHandler, getLoadBalancer, look } from './context.ts';
import { mergeAttributes } from './settings.ts';

/** The attributes of an ALB and their defaults, from the ModifyLoadBalancerAttributes documentation. */
const DEFAULTS: Readonly<Record<string, string>> = {
  'access_logs.s3.bucket': '',
  'access_logs.s3.enabled': 'false',
  'access_logs.s3.prefix': '',
  'client_keep_alive.seconds': '3600',
  'connection_logs.s3.bucket': '',
  'connection_logs.s3.enabled': 'false',
  'connection_logs.s3.prefix': '',
  'deletion_protection.enabled': 'false',
  'idle_timeout.timeout_seconds': '60',
  'ipv6.deny_all_igw_traffic': 'false',
  'load_balancing.cross_zone.enabled': 'true',
  'routing.http.desync_mitigation_mode': 'defensive',
  'routing.http.drop_invalid_header_fields.enabled': 'false',
  'routing.http.preserve_host_header.enabled': 'false',
  'routing.http.x_amzn_tls_version_and_cipher_suite.enabled': 'false',
  'routing.http.xff_client_port.enabled': 'false',
  'routing.http.xff_header_processing.mode': 'append',
  'routing.http2.enabled': 'true',
  'waf.fail_open.enabled': 'false',
  'zonal_shift.config.enabled': 'false',
};

export const attributesOf = (balancer: LoadBalancer) => ({ ...DEFAULTS, ...balancer.attributes });

export const describeLoadBalancerAttributes: ActionHandler = (context, params) => {
  const arn = params.required('LoadBalancerArn');
  return attributesXml(attributesOf(look(context, context.tables.loadBalancers, 'load balancer', arn)));
};

export const modifyLoadBalancerAttributes: ActionHandler = (context, params) => {
  const balancer = getLoadBalancer(context, params.required('LoadBalancerArn'));
  const attributes = mergeAttributes(balancer.attributes, readAttributes(params), DEFAULTS, 'Load balancer');
  const changed = { ...balancer, attributes };
  context.tables.loadBalancers.set(balancer.arn, changed);
  return attributesXml(attributesOf(changed));
};

export function readAttributes(params: Params): [key: string, value: string][] {
  const list = params.list('Attributes') ?? [];
  if (list.length === 0) throw validationError('At least one attribute must be specified');
  return list.map((attribute) => [attribute.required('Key'), attribute.text('Value') ?? '']);
}

export const attributesXml = (attributes: Readonly<Record<string, string>>): XmlValue => ({
  Attributes: Object.entries(attributes).map(([Key, Value]) => ({ Key, Value })),
});
