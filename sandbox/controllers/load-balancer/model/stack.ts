/** The AWS resources that a group of Ingresses asks for. Everything that refers to another resource does so by its id in the stack, never by ARN. */
export interface Stack {
  group: string;
  /** Absent when the group has no member: then everything of the stack goes. */
  loadBalancer?: LoadBalancerSpec;
  listeners: ListenerSpec[];
  targetGroups: TargetGroupSpec[];
}

export interface LoadBalancerSpec {
  name: string;
  scheme: 'internal' | 'internet-facing';
  ipAddressType: 'ipv4' | 'dualstack';
  subnets: string[];
  securityGroups: string[];
  /** Only the declared attributes; others are left alone. */
  attributes: Record<string, string>;
  tags: Record<string, string>;
}

export interface ListenerSpec {
  port: number;
  protocol: 'HTTP' | 'HTTPS';
  /** The first is the default certificate. Empty for HTTP. */
  certificates: string[];
  sslPolicy?: string;
  defaultAction: ActionSpec;
  /** In priority order; the priority is the index plus one. */
  rules: RuleSpec[];
  tags: Record<string, string>;
}

export interface RuleSpec {
  conditions: ConditionSpec[];
  action: ActionSpec;
  tags: Record<string, string>;
}

export type ConditionSpec =
  | { field: 'host-header' | 'path-pattern' | 'http-request-method' | 'source-ip'; values: string[] }
  | { field: 'http-header'; name: string; values: string[] }
  | { field: 'query-string'; values: { key?: string; value: string }[] };

export type ActionSpec =
  | { type: 'fixed-response'; statusCode: string; contentType?: string; messageBody?: string }
  | { type: 'redirect'; statusCode: string; protocol: string; port: string; host: string; path: string; query: string }
  | { type: 'forward'; targets: ForwardTarget[]; stickinessSeconds?: number };

export interface ForwardTarget {
  /** The id of a target group of the stack, or the ARN of a foreign one. */
  targetGroup: string;
  /** Absent for the single target of a plain backend; AWS shows 1. */
  weight?: number;
}

export interface TargetGroupSpec {
  /** `<namespace>/<ingress>-<service>:<port>`: the value of the resource tag. */
  id: string;
  name: string;
  protocol: 'HTTP' | 'HTTPS';
  protocolVersion: string;
  port: number;
  targetType: 'ip' | 'instance';
  healthCheck: HealthCheckSpec;
  attributes: Record<string, string>;
  tags: Record<string, string>;
  /** Whose Pods are the targets. */
  binding: { namespace: string; service: string; port: number | string };
}

export interface HealthCheckSpec {
  path: string;
  port: string;
  protocol: 'HTTP' | 'HTTPS';
  intervalSeconds: number;
  timeoutSeconds: number;
  healthyThreshold: number;
  unhealthyThreshold: number;
  successCodes: string;
}

export const TAG_CLUSTER = 'elbv2.k8s.aws/cluster';
export const TAG_STACK = 'ingress.k8s.aws/stack';
export const TAG_RESOURCE = 'ingress.k8s.aws/resource';

/** The marks by which the controller finds what is its own. */
export function identityTags(cluster: string, group: string, resource: string): Record<string, string> {
  return { [TAG_CLUSTER]: cluster, [TAG_STACK]: group, [TAG_RESOURCE]: resource };
}
