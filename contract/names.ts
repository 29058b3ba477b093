/** The names that every layer, every caller and every operator shares. No other file spells them out. */

/** Field manager of every server-side apply, and the default brand. */
export const FIELD_MANAGER = 'groundwork';

export const taskQueues = {
  scopes: 'groundwork-scopes',
  deployments: 'groundwork-deployments',
  ip: 'groundwork-ip',
  workshops: 'groundwork-workshops',
} as const;

/** A room of the house, and so one task queue of the worker. */
export type Room = keyof typeof taskQueues;

/** Name of a room's task queue in an installation with a prefix of its own; the default prefix gives the names above. */
export function taskQueueName(prefix: string, room: Room): string {
  return `${prefix}${room}`;
}

export const workflowTypes = {
  scopeCreation: 'scopeCreation',
  scopeDeletion: 'scopeDeletion',
  balancerRetirement: 'balancerRetirement',
  balancerInventory: 'balancerInventory',
  provisionAutoscaler: 'provisionAutoscaler',
  workshopSweep: 'workshopSweep',
  deployment: 'deployment',
  deploymentDeletion: 'deploymentDeletion',
  instanceRestart: 'instanceRestart',
  diagnosis: 'diagnosis',

  ipClaim: 'ipClaim',
  ipRelease: 'ipRelease',
  ipRenewal: 'ipRenewal',
  ipPoolCreation: 'ipPoolCreation',
  ipPoolChange: 'ipPoolChange',
  ipPoolDeletion: 'ipPoolDeletion',
  ipInventory: 'ipInventory',
  ipSweep: 'ipSweep',
} as const;

/** Workflow ids are the kind and a business key: the id is what makes a repeated request join instead of act twice. */
export const workflowIds = {
  scopeCreation: (scopeId: string) => `scope-creation/${scopeId}`,
  scopePlan: (scopeId: string) => `scope-plan/${scopeId}`,
  scopeDeletion: (scopeId: string) => `scope-deletion/${scopeId}`,
  /** Of a rollout and of a deletion alike, so that one excludes the other. */
  deployment: (scopeId: string) => `deployment/${scopeId}`,
  balancerRetirement: () => 'balancer-retirement',
  balancerInventory: (page: string) => `balancer-inventory/${page}`,
  /** The lock of a provision: at most one open run per id. */
  provisionAutoscaler: (cluster: string, namespace: string, provision: string) =>
    `provision-autoscaler/${cluster}/${namespace}/${provision}`,
  /** Also the id of the Schedule that starts it. */
  workshopSweep: (cluster: string) => `workshop-sweep/${cluster}`,
  deploymentPlan: (scopeId: string) => `deployment-plan/${scopeId}`,
  instanceRestart: (scopeId: string, instanceId: string) => `instance-restart/${scopeId}/${instanceId}`,
  diagnosis: (scopeId: string, requestId: string) => `diagnosis/${scopeId}/${requestId}`,

  ipClaim: (owner: string, namespace: string, name: string) => `ip-claim/${owner}/${namespace}/${name}`,
  /** A dry run has an id of its own, so that it neither joins nor hinders the claim. */
  ipClaimPlan: (owner: string, namespace: string, name: string) => `ip-claim-plan/${owner}/${namespace}/${name}`,
  ipRelease: (uid: string) => `ip-release/${uid}`,
  ipRenewal: (uid: string, requestId: string) => `ip-renewal/${uid}/${requestId}`,
  ipPoolCreation: (owner: string, pool: string) => `ip-pool-creation/${owner}/${pool}`,
  ipPoolDeletion: (owner: string, pool: string) => `ip-pool-deletion/${owner}/${pool}`,
  ipPoolChange: (owner: string, pool: string, requestId: string) => `ip-pool-change/${owner}/${pool}/${requestId}`,
  ipInventory: (owner: string, requestId: string) => `ip-inventory/${owner}/${requestId}`,
} as const;

/** Ids of the Schedules; each starts runs under its own id and a time. */
export const scheduleIds = {
  balancerRetirement: 'balancer-retirement',
  ipSweep: 'ip-sweep',
} as const;

/** Id of a Schedule in an installation with a queue prefix of its own, so that two in one namespace do not share it. */
export function scheduleIdOf(prefix: string, id: string): string {
  return taskQueueName(prefix, 'scopes') === taskQueues.scopes ? id : `${prefix}${id}`;
}

/** Search attributes, all of type KEYWORD. `groundwork setup` and the sandbox register them. */
export const searchAttributeNames = [
  'ScopeId',
  'DeploymentId',
  'BalancerName',
  'PoolName',
  'WorkshopName',
  'WorkshopNamespace',
  'Environment',
  'Phase',
] as const;

export type SearchAttributeName = (typeof searchAttributeNames)[number];

/** Keys of the tags that mark a balancer as ours; `brand` is `groundwork` or the preset's. */
export function balancerTagKeys(brand: string) {
  return {
    managedBy: `${brand}:managed-by`,
    visibility: `${brand}:visibility`,
    createdByScope: `${brand}:created-by-scope-id`,
  } as const;
}

/** The value of the managed-by tag on an autocreated balancer. */
export const MANAGED_BY_AUTOCREATE = 'autocreate';

/** Label on every Kubernetes object that belongs to a scope. */
export const SCOPE_ID_LABEL = 'scope_id';

/** Label on every object of one side of a deployment, and on its pods. */
export const DEPLOYMENT_ID_LABEL = 'deployment_id';
