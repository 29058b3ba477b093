import type { DeploymentStrategy } from '../../../contract/deployment/input.ts';
import type { DeploymentPhase, Side } from '../../../contract/deployment/status.ts';
import type { Failure } from '../../../contract/failures.ts';
import type { Warning } from '../../../contract/scope/status.ts';
import type { TrafficPlan } from '../traffic-plan.ts';
import type { Routing } from './routing.ts';

/** What stays the same during a rollout. Plain JSON. */
export interface RolloutPlan {
  strategy: DeploymentStrategy;
  /** Deployment ids. */
  blue?: string;
  green: string;
  /** Planned instances of green: its R of the replica arithmetic. */
  replicas: number;
  /** The same of blue: what it had before this rollout, or an earlier run of it, changed anything. Unknown: as green's. */
  blueReplicas?: number;
  traffic: TrafficPlan;
  /** Additional ports that green lacks and blue, or an earlier attempt of green, has: their Ingresses go when the rollout is finalized. */
  portsOnlyBlue: number[];
  /** Further deployment ids of the scope whose objects exist without getting traffic. */
  orphans: string[];
}

/** The switch that is under way. */
export interface Wanted {
  percent: number;
  by: 'plan' | 'message';
}

/** Everything a rollout knows about itself. Plain JSON: it may travel through continue-as-new. */
export interface RolloutState {
  phase: DeploymentPhase;
  goal: 'forward' | 'rollback' | 'cancel';
  paused: boolean;
  pauseReason?: string;
  /** Why it rolls back or is paused: a failure, or the reason that a person gave. */
  failure?: Failure;
  reason?: string;
  /** Green's objects are being applied, or are there. */
  greenApplied: 'no' | 'begun' | 'yes';
  greenReady: boolean;
  /** Planned count of each side as last applied. */
  counts: { blue: number; green: number };
  /** The count that is being applied and waited for. */
  scaling?: { side: Side; count: number };
  /** Last routing handed to Kubernetes: it may have taken effect. */
  applied: Routing;
  /** Last routing that the balancer has confirmed. */
  confirmed: Routing;
  /** A routing that must be put back before anything else: after a refusal of our own making or an edit by others. */
  repair?: Routing;
  /** Share of green that is confirmed. */
  percent: number;
  /** The first routing is confirmed. */
  verified: boolean;
  wanted?: Wanted;
  /** A switch that came before the first routing was verified. A pause that comes after it holds it back. */
  kept?: { percent: number; whilePaused: boolean };
  /** Steps of the traffic plan that were begun. */
  step: number;
  /** Seconds that the present hold still has. */
  holdRest?: number;
  finalizing: boolean;
  greenHadWeight: boolean;
  drained: Side[];
  /** The point of no return: the old side is being removed. */
  removalBegun: boolean;
  /** Removals that are done. */
  removed: RemovalTarget[];
  /** Sides whose ill health is known and waits for a person. */
  knownIll: Side[];
  /** Blue was ill before this rollout: it is neither asked for healthy targets while traffic leaves it, nor watched. */
  blueIllBefore?: true;
  /** What others were seen to have made of the rules, when no routing was confirmed since: it may be live. */
  edited?: Routing;
  /** When rules that others had changed were put back last, in ms. */
  putBackAt?: number;
  /** On the way back a routing that still names green was refused: what was before is put back at once. */
  straightBack?: true;
  /** What they were before the routing that is not confirmed yet was begun. `handedOver`: an attempt at it may have taken effect. */
  earlier?: { applied: Routing; greenHadWeight: boolean; handedOver?: true };
  warnings: Warning[];
  /** How it ended. */
  end?: RolloutEnd;
}

export type RemovalTarget = 'ports' | 'blue' | 'green' | 'orphans';

/**
 * A side whose targets must be healthy: `planned` is `healthyPercent` of its ready pods and at least one; `as-before` is one,
 * unless it had none before the routing was applied either.
 */
export interface TargetNeed {
  side: Side;
  healthy: 'planned' | 'one' | 'as-before';
}

/** What to do next. Each is one step for the interpreter; `sayDecision` puts it in words. */
export type Decision =
  /** Green's Services (all ports), then Deployment, HPA, PDB. */
  | { kind: 'apply'; side: 'green' }
  /** Until `count` instances of the side are ready. */
  | { kind: 'wait'; side: Side; count: number }
  /** A new count; `ready`: wait until it is reached. */
  | { kind: 'scale'; side: Side; count: number; ready: boolean }
  /** Wait until `before` holds, apply the Ingresses, then wait until rules and `after` hold on the balancer. */
  | { kind: 'route'; routing: Routing; before: TargetNeed[]; after: TargetNeed[] }
  /** Wait, watching rules and the health of `watch`; without `seconds` until a message comes. */
  | {
      kind: 'hold';
      seconds?: number;
      step: number;
      routing: Routing;
      watch: Side[];
      why: 'plan' | 'message' | 'paused';
    }
  /** A durable timer for connections that are still open. */
  | { kind: 'drain'; side: Side }
  /** `ports`: Ingresses of ports that green lacks. Waited gone. */
  | { kind: 'delete'; what: RemovalTarget }
  | { kind: 'end'; end: RolloutEnd };

export interface RolloutEnd {
  phase: Extract<DeploymentPhase, 'Finalized' | 'RolledBack' | 'Cancelled' | 'Failed'>;
  /** Who serves afterwards. */
  active?: Side;
  percent: number;
  reason?: string;
  /** The run fails with this. */
  failure?: Failure;
}

/** How a step went. */
export type Outcome =
  /** `illBefore`: in words, that blue had no healthy target before the routing was applied, for longer than is tolerated. */
  | { kind: 'done'; warnings?: Warning[]; illBefore?: string }
  /** `applied`: whether a routing was, or may have been, handed to Kubernetes. */
  | { kind: 'failed'; failure: Failure; applied?: boolean }
  /** A message or a cancellation ended it; `restSeconds` is what a hold still had; `applied` as above. */
  | { kind: 'interrupted'; restSeconds?: number; applied?: boolean }
  /** Seen while holding: a side with traffic is ill for longer than tolerated. */
  | { kind: 'ill'; side: Side; failure: Failure; restSeconds?: number }
  /** Seen while holding: the rules are not the expected ones. `at` in ms; `percent` is what green gets. */
  | { kind: 'changed'; at: number; percent: number; words: string; restSeconds?: number };

export type RolloutMessage =
  | { name: 'switchTraffic'; percent: number }
  | { name: 'finalize' }
  | { name: 'rollback'; reason: string }
  | { name: 'pause'; reason?: string }
  | { name: 'resume' }
  | { name: 'retryNow' };

/** `done`: nothing is left to do for it; `joined`: something that does it is under way already. */
export type MessageVerdict =
  | { accepted: true; answer: 'begun' | 'kept' | 'joined' | 'done'; state: RolloutState }
  | { accepted: false; reason: string };
