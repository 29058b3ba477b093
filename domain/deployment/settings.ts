import type { DeploymentKnobs } from '../../contract/deployment/input.ts';
import type { ScopeSettings } from '../scope/settings.ts';

/** All in seconds unless said otherwise; fractions are allowed, so that a sandbox runs minutes as milliseconds. */
export interface DeploymentTimings {
  /** What one attempt of a call to AWS or Kubernetes may take without a sign of life: after it another worker takes over. */
  callTimeout: number;
  /** Between two looks at instances, rules, targets and objects that go. */
  pollInterval: number;
  /** How long a gate waits until the balancer agrees. */
  reconcileTimeout: number;
  removalTimeout: number;
  /** How long a side without traffic is kept; absent: the longest deregistration delay of its target groups. */
  drainSeconds?: number;
  /** Least time that new targets may take to become healthy; absent: twice the check period and a minute. */
  targetHealthTimeout?: number;
  /** How long a side with traffic may be unhealthy before the rollout reacts. */
  unhealthyTolerance: number;
  /** Share of the gaining side's ready pods that must be healthy targets; percent. */
  healthyPercent: number;
  /** How long a rollback tries each of its steps. */
  compensationTimeout: number;
  /** How long a read that fails is repeated. */
  readPatience: number;
  /** Grace of a restarted instance, and how long its end is awaited. */
  restartGraceSeconds: number;
  restartTimeout: number;
  /** Events after which a rollout goes on in a new history while traffic holds, whatever the server suggests. */
  historyLimit: number;
}

export const defaultDeploymentTimings: DeploymentTimings = {
  callTimeout: 60,
  pollInterval: 10,
  reconcileTimeout: 120,
  removalTimeout: 300,
  unhealthyTolerance: 30,
  healthyPercent: 100,
  compensationTimeout: 900,
  readPatience: 300,
  restartGraceSeconds: 30,
  restartTimeout: 60,
  historyLimit: 2_000,
};

/** Everything the deployment room takes from the worker's configuration. */
export interface DeploymentSettings {
  scope: ScopeSettings;
  /** Worker-level values of the knobs that scope and platform may set. */
  knobs: DeploymentKnobs;
  timings: DeploymentTimings;
  /** The preset's containers run as user 0, as its convention does; otherwise users are the images' own. */
  runAsRoot: boolean;
}
