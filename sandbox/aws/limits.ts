/** The quotas of ELBv2 under the names that `DescribeAccountLimits` uses, with the defaults of a fresh account. */
export const DEFAULT_LIMITS = {
  'application-load-balancers': 50,
  'target-groups': 3000,
  'listeners-per-application-load-balancer': 50,
  /** Over all listeners together, default rules excluded. */
  'rules-per-application-load-balancer': 100,
  'target-groups-per-application-load-balancer': 100,
  'target-groups-per-action-on-application-load-balancer': 5,
  'targets-per-application-load-balancer': 1000,
  'targets-per-target-group': 1000,
  /** The default certificates excluded. */
  'certificates-per-application-load-balancer': 25,
  'condition-values-per-alb-rule': 5,
  'condition-wildcards-per-alb-rule': 6,
} as const;

export type LimitName = keyof typeof DEFAULT_LIMITS;
export type Limits = Readonly<Record<LimitName, number>>;

/** Tags per resource are no quota of the limits call and cannot be raised. */
export const TAGS_PER_RESOURCE = 50;

export const isLimitName = (name: string): name is LimitName => Object.hasOwn(DEFAULT_LIMITS, name);
