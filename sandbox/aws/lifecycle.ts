import type { SimulatedClock } from '../clock.ts';
import type { BalancerState, Change, LoadBalancer, Target, TargetGroup, TargetHealth } from './model.ts';

/** How long things take, in simulated seconds. */
export interface Lifecycle {
  /** From creation of a balancer until it is active; default 120. */
  provisioningSeconds: number;
  /** From creation until a balancer, listener, rule or target group is seen by reads; default 0. */
  visibilityDelaySeconds: number;
  /** From a change of records until it is INSYNC; default 30. */
  dnsSyncSeconds: number;
  /** How long a zone refuses further change batches after one; default 0. */
  zoneBusySeconds: number;
  /** From registration in a used group until a target is healthy; default 10. */
  targetHealthSeconds: number;
  /** The default of the target group attribute `deregistration_delay.timeout_seconds`; default 300. */
  deregistrationDelaySeconds: number;
}

export const DEFAULT_LIFECYCLE: Readonly<Lifecycle> = {
  provisioningSeconds: 120,
  visibilityDelaySeconds: 0,
  dnsSyncSeconds: 30,
  zoneBusySeconds: 0,
  targetHealthSeconds: 10,
  deregistrationDelaySeconds: 300,
};

/** The present moment and how far away simulated durations are, as one request sees them. */
export interface Moment {
  /** Epoch milliseconds. */
  readonly now: number;
  /** Epoch milliseconds of a moment `simulatedSeconds` ahead. */
  after(simulatedSeconds: number): number;
}

export function momentOf(clock: SimulatedClock): Moment {
  const now = clock.now().getTime();
  return { now, after: (simulatedSeconds) => now + Math.ceil(clock.toRealMs(simulatedSeconds)) };
}

export const isVisible = (record: { readonly visibleAt: number }, now: number) => record.visibleAt <= now;

export const balancerState = (balancer: LoadBalancer, now: number): BalancerState =>
  now < balancer.settlesAt ? 'provisioning' : balancer.settlesAs;

export const changeStatus = (change: Change, now: number) => (now < change.syncedAt ? 'PENDING' : 'INSYNC');

/** The targets that are registered or still draining. */
export const presentTargets = (group: TargetGroup, now: number) =>
  group.targets.filter((target) => target.goneAt === undefined || now < target.goneAt);

/** Health as DescribeTargetHealth shows it. `waitMs` is the real time from the start of checking until healthy. */
export function targetHealth(group: TargetGroup, target: Target, now: number, waitMs: number): TargetHealth {
  if (target.goneAt !== undefined) {
    return {
      state: 'draining',
      reason: 'Target.DeregistrationInProgress',
      description: 'Target deregistration is in progress',
    };
  }
  if (group.inUseSince === undefined) {
    return {
      state: 'unused',
      reason: 'Target.NotInUse',
      description: 'Target group is not configured to receive traffic from the load balancer',
    };
  }
  if (!group.healthCheck.enabled) {
    return {
      state: 'unavailable',
      reason: 'Target.HealthCheckDisabled',
      description: 'Health checks are disabled for this target group',
    };
  }
  if (target.health) return target.health;
  const checkedFor = now - Math.max(target.registeredAt, group.inUseSince);
  if (checkedFor >= waitMs) return { state: 'healthy' };
  return checkedFor < waitMs / 2
    ? { state: 'initial', reason: 'Elb.RegistrationInProgress', description: 'Target registration is in progress' }
    : { state: 'initial', reason: 'Elb.InitialHealthChecking', description: 'Initial health checks in progress' };
}
