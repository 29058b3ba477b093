import { z } from 'zod';
import { AWS_REGION } from '../../contract/scope/input.ts';

/*
 * The state of the endpoint as JSON, for people and for dumps. A person writes the few fields that matter; a dump writes
 * all of them. Times are ISO 8601; a field for a time that is left out means "long ago".
 */

const tags = z.record(z.string(), z.string());
const time = z.iso.datetime({ precision: 3 });
const balancerState = z.enum(['provisioning', 'active', 'active_impaired', 'failed']);
const weight = z.int().min(0).max(999);
const port = z.int().min(1).max(65_535);

const condition = z.strictObject({
  field: z.enum(['host-header', 'path-pattern', 'http-header', 'http-request-method', 'query-string', 'source-ip']),
  values: z.array(z.string()).min(1),
  httpHeaderName: z.string().exactOptional(),
});

const action = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('forward'),
    order: z.int().exactOptional(),
    targetGroups: z.array(z.strictObject({ arn: z.string(), weight })).min(1),
    stickinessSeconds: z.int().exactOptional(),
  }),
  z.strictObject({
    type: z.literal('redirect'),
    order: z.int().exactOptional(),
    protocol: z.string(),
    port: z.string(),
    host: z.string(),
    path: z.string(),
    query: z.string(),
    statusCode: z.string(),
  }),
  z.strictObject({
    type: z.literal('fixed-response'),
    order: z.int().exactOptional(),
    statusCode: z.string(),
    contentType: z.string().exactOptional(),
    messageBody: z.string().exactOptional(),
  }),
]);

const rule = z.strictObject({
  arn: z.string().exactOptional(),
  /** Default: one after the rule before. */
  priority: z.int().min(1).max(50_000).exactOptional(),
  host: z.union([z.string(), z.array(z.string())]).exactOptional(),
  path: z.union([z.string(), z.array(z.string())]).exactOptional(),
  /** In place of `host` and `path`. */
  conditions: z.array(condition).exactOptional(),
  /** The name of one target group; made when there is none of that name. */
  targetGroup: z.string().exactOptional(),
  /** Weights by name, in place of `targetGroup`. */
  targetGroups: z.record(z.string(), weight).exactOptional(),
  /** In place of both. */
  actions: z.array(action).min(1).exactOptional(),
  visibleTime: time.exactOptional(),
  tags: tags.exactOptional(),
});

const listener = z.strictObject({
  arn: z.string().exactOptional(),
  port,
  protocol: z.enum(['HTTP', 'HTTPS']),
  /** Redirects everything to HTTPS on 443; otherwise the default action is a fixed 404. */
  redirect: z.boolean().exactOptional(),
  defaultActions: z.array(action).min(1).exactOptional(),
  defaultRuleArn: z.string().exactOptional(),
  defaultRuleTags: tags.exactOptional(),
  sslPolicy: z.string().exactOptional(),
  /** Default for HTTPS: the first certificate of the region, which is made when there is none. */
  certificate: z.string().exactOptional(),
  extraCertificates: z.array(z.string()).exactOptional(),
  /** A number makes that many rules, each with its own host and target group. */
  rules: z.union([z.int().min(0).max(10_000), z.array(rule)]).exactOptional(),
  visibleTime: time.exactOptional(),
  tags: tags.exactOptional(),
});

const loadBalancer = z.strictObject({
  name: z.string().min(1).max(32),
  arn: z.string().exactOptional(),
  scheme: z.enum(['internet-facing', 'internal']).exactOptional(),
  /** Default `active`; `provisioning` without `settles` begins its time of provisioning now. */
  state: balancerState.exactOptional(),
  stateReason: z.string().exactOptional(),
  settles: z.strictObject({ time, as: balancerState }).exactOptional(),
  dnsName: z.string().exactOptional(),
  canonicalHostedZoneId: z.string().exactOptional(),
  vpcId: z.string().exactOptional(),
  subnets: z.array(z.string()).exactOptional(),
  securityGroups: z.array(z.string()).exactOptional(),
  ipAddressType: z.string().exactOptional(),
  createdTime: time.exactOptional(),
  visibleTime: time.exactOptional(),
  attributes: tags.exactOptional(),
  tags: tags.exactOptional(),
  listeners: z.array(listener).exactOptional(),
});

const health = z.strictObject({
  state: z.enum(['initial', 'healthy', 'unhealthy', 'unused', 'draining', 'unavailable']),
  reason: z.string().exactOptional(),
  description: z.string().exactOptional(),
});

const target = z.strictObject({
  id: z.string(),
  port: port.exactOptional(),
  availabilityZone: z.string().exactOptional(),
  registeredTime: time.exactOptional(),
  goneTime: time.exactOptional(),
  health: health.exactOptional(),
});

const targetGroup = z.strictObject({
  name: z.string().min(1).max(32),
  arn: z.string().exactOptional(),
  protocol: z.enum(['HTTP', 'HTTPS']).exactOptional(),
  protocolVersion: z.string().exactOptional(),
  port: port.exactOptional(),
  vpcId: z.string().exactOptional(),
  targetType: z.enum(['instance', 'ip']).exactOptional(),
  ipAddressType: z.string().exactOptional(),
  healthCheck: z
    .strictObject({
      enabled: z.boolean(),
      protocol: z.string(),
      port: z.string(),
      path: z.string(),
      intervalSeconds: z.int(),
      timeoutSeconds: z.int(),
      healthyThreshold: z.int(),
      unhealthyThreshold: z.int(),
      matcher: z.string(),
    })
    .partial()
    .exactOptional(),
  attributes: tags.exactOptional(),
  visibleTime: time.exactOptional(),
  inUseSince: time.exactOptional(),
  targets: z.array(target).exactOptional(),
  tags: tags.exactOptional(),
});

const region = z.strictObject({
  limits: z.record(z.string(), z.int().min(0)).exactOptional(),
  certificates: z
    .array(z.strictObject({ arn: z.string().exactOptional(), domains: z.array(z.string()).min(1) }))
    .exactOptional(),
  plannedStates: z.record(z.string(), balancerState).exactOptional(),
  targetGroups: z.array(targetGroup).exactOptional(),
  loadBalancers: z.array(loadBalancer).exactOptional(),
});

const record = z.strictObject({
  name: z.string(),
  type: z.string(),
  setIdentifier: z.string().exactOptional(),
  weight: z.int().exactOptional(),
  /** Default 300, except for an alias. */
  ttl: z.int().exactOptional(),
  values: z.array(z.string()).exactOptional(),
  alias: z
    .strictObject({ zoneId: z.string(), dnsName: z.string(), evaluateTargetHealth: z.boolean().exactOptional() })
    .exactOptional(),
});

const hostedZone = z.strictObject({
  id: z
    .string()
    .regex(/^Z[A-Z0-9]{1,31}$/, 'must be a Z and capitals or digits')
    .exactOptional(),
  name: z.string(),
  private: z.boolean().exactOptional(),
  vpcs: z.array(z.strictObject({ id: z.string(), region: z.string() })).exactOptional(),
  callerReference: z.string().exactOptional(),
  comment: z.string().exactOptional(),
  busyUntil: time.exactOptional(),
  /** The zone's own NS and SOA are made when they are not among them. */
  records: z.array(record).exactOptional(),
  tags: tags.exactOptional(),
});

export const awsSeedSchema = z.strictObject({
  regions: z.record(z.string().regex(AWS_REGION, 'must be a region such as us-east-1'), region).exactOptional(),
  hostedZones: z.array(hostedZone).exactOptional(),
  changes: z
    .array(
      z.strictObject({ id: z.string(), submittedTime: time, syncedTime: time, comment: z.string().exactOptional() }),
    )
    .exactOptional(),
});

export type AwsSeed = z.infer<typeof awsSeedSchema>;
export type RegionSeed = z.infer<typeof region>;
export type LoadBalancerSeed = z.infer<typeof loadBalancer>;
export type ListenerSeed = z.infer<typeof listener>;
export type RuleSeed = z.infer<typeof rule>;
export type TargetGroupSeed = z.infer<typeof targetGroup>;
export type HostedZoneSeed = z.infer<typeof hostedZone>;

/** Reads JSON of unknown origin. Throws an `Error` with one line per wrong field. */
export function readSeed(json: unknown): AwsSeed {
  const result = awsSeedSchema.safeParse(json);
  if (result.success) return result.data;
  throw new Error(result.error.issues.map((issue) => `${issue.path.join('.') || 'seed'}: ${issue.message}`).join('\n'));
}
