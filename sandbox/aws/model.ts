import type { LimitName } from './limits.ts';

/*
 * The state of the endpoint. Every record is immutable: a mutation replaces it in its table, so a copy of the tables is
 * a snapshot. Times are epoch milliseconds of the machine's clock; what depends on time is computed when it is read.
 */

export type Tags = Readonly<Record<string, string>>;
export type Scheme = 'internet-facing' | 'internal';
export type BalancerState = 'provisioning' | 'active' | 'active_impaired' | 'failed';

export interface LoadBalancer {
  readonly arn: string;
  readonly name: string;
  readonly scheme: Scheme;
  readonly vpcId: string;
  readonly subnets: readonly string[];
  readonly securityGroups: readonly string[];
  readonly ipAddressType: string;
  readonly dnsName: string;
  readonly canonicalHostedZoneId: string;
  readonly createdAt: number;
  readonly visibleAt: number;
  /** `provisioning` until `settlesAt`, `settlesAs` from then on. */
  readonly settlesAt: number;
  readonly settlesAs: BalancerState;
  readonly stateReason?: string;
  /** Only those that differ from the defaults. */
  readonly attributes: Tags;
  readonly tags: Tags;
}

export interface Listener {
  readonly arn: string;
  readonly loadBalancerArn: string;
  readonly port: number;
  readonly protocol: 'HTTP' | 'HTTPS';
  readonly sslPolicy?: string;
  readonly certificateArn?: string;
  readonly extraCertificateArns: readonly string[];
  readonly visibleAt: number;
  readonly tags: Tags;
}

export interface WeightedTargetGroup {
  readonly arn: string;
  readonly weight: number;
}

export type Action =
  | {
      readonly type: 'forward';
      readonly order?: number;
      readonly targetGroups: readonly WeightedTargetGroup[];
      readonly stickinessSeconds?: number;
    }
  | {
      readonly type: 'redirect';
      readonly order?: number;
      readonly protocol: string;
      readonly port: string;
      readonly host: string;
      readonly path: string;
      readonly query: string;
      readonly statusCode: string;
    }
  | {
      readonly type: 'fixed-response';
      readonly order?: number;
      readonly statusCode: string;
      readonly contentType?: string;
      readonly messageBody?: string;
    };

export interface Condition {
  readonly field: 'host-header' | 'path-pattern' | 'http-header' | 'http-request-method' | 'query-string' | 'source-ip';
  /** For `query-string` a value is `key=value` or `value`. */
  readonly values: readonly string[];
  readonly httpHeaderName?: string;
}

/** A listener rule; the default action of a listener is its rule of priority `default`. */
export interface Rule {
  readonly arn: string;
  readonly listenerArn: string;
  readonly loadBalancerArn: string;
  readonly priority: number | 'default';
  readonly conditions: readonly Condition[];
  readonly actions: readonly Action[];
  readonly visibleAt: number;
  readonly tags: Tags;
}

export interface HealthCheck {
  readonly enabled: boolean;
  readonly protocol: string;
  readonly port: string;
  readonly path: string;
  readonly intervalSeconds: number;
  readonly timeoutSeconds: number;
  readonly healthyThreshold: number;
  readonly unhealthyThreshold: number;
  readonly matcher: string;
}

export interface TargetHealth {
  readonly state: 'initial' | 'healthy' | 'unhealthy' | 'unused' | 'draining' | 'unavailable';
  readonly reason?: string;
  readonly description?: string;
}

export interface Target {
  readonly id: string;
  readonly port: number;
  readonly availabilityZone?: string;
  readonly registeredAt: number;
  /** Deregistered: `draining` until this time, then gone. */
  readonly goneAt?: number;
  /** Set by hand; replaces the computed health while the target is registered and its group is in use. */
  readonly health?: TargetHealth;
}

export interface TargetGroup {
  readonly arn: string;
  readonly name: string;
  readonly protocol: string;
  readonly protocolVersion: string;
  readonly port: number;
  readonly vpcId: string;
  readonly targetType: 'instance' | 'ip';
  readonly ipAddressType: string;
  readonly healthCheck: HealthCheck;
  readonly attributes: Tags;
  readonly visibleAt: number;
  /** Since when an action refers to the group; absent while none does. */
  readonly inUseSince?: number;
  readonly targets: readonly Target[];
  readonly tags: Tags;
}

/** A certificate of the small ACM-like store. */
export interface Certificate {
  readonly arn: string;
  readonly domains: readonly string[];
}

/** All of one region. */
export interface RegionTables {
  readonly loadBalancers: Map<string, LoadBalancer>;
  readonly listeners: Map<string, Listener>;
  readonly rules: Map<string, Rule>;
  readonly targetGroups: Map<string, TargetGroup>;
  readonly certificates: Map<string, Certificate>;
  readonly limits: Map<LimitName, number>;
  /** How balancers that do not exist yet will settle, by name. */
  readonly plannedStates: Map<string, BalancerState>;
}

export interface RecordSet {
  /** Canonical: lower case, octal escapes, trailing dot. */
  readonly name: string;
  readonly type: string;
  readonly setIdentifier?: string;
  readonly weight?: number;
  readonly ttl?: number;
  readonly values?: readonly string[];
  readonly alias?: { readonly zoneId: string; readonly dnsName: string; readonly evaluateTargetHealth: boolean };
}

export interface HostedZone {
  readonly id: string;
  readonly name: string;
  readonly private: boolean;
  readonly vpcs: readonly { readonly id: string; readonly region: string }[];
  readonly callerReference: string;
  readonly comment?: string;
  /** By record key; the map is replaced as a whole by a change batch. */
  readonly records: ReadonlyMap<string, RecordSet>;
  /** Until then a further change batch is answered with `PriorRequestNotComplete`. */
  readonly busyUntil: number;
  readonly tags: Tags;
}

export interface Change {
  readonly id: string;
  readonly submittedAt: number;
  readonly syncedAt: number;
  readonly comment?: string;
}

/** Route 53, which is global. */
export interface DnsTables {
  readonly zones: Map<string, HostedZone>;
  readonly changes: Map<string, Change>;
}
