import { before, greenAlone, greenShare, type Routing, weighted } from './routing.ts';
import type { RolloutPlan, RolloutState } from './types.ts';

/** Where a run finds the scope when it begins: nothing of green yet, or what an earlier run with the same id left. */
export interface StartingPoint {
  /** What the Ingresses say. `before` when green is not in them. */
  routing: Routing;
  /** Whether green's Deployment or Services exist. */
  greenExists: boolean;
  /** Planned count of blue now, when it is known. */
  blueCount?: number;
  /** Green serves alone, and an earlier run had begun to remove blue: nothing may lead to what is left of it. */
  noWayBack?: boolean;
}

export const freshStart: StartingPoint = { routing: before, greenExists: false };

/** The state before the first decision. A repeat goes on from the percentage that the Ingresses show, and holds it anew. */
export function initialState(plan: RolloutPlan, start: StartingPoint = freshStart): RolloutState {
  const share = greenShare(start.routing);
  const steps = plan.traffic.steps;
  const planned = plannedCounts(plan);
  const step = steps.filter(({ percent }) => percent <= share).length;
  const present = steps[step - 1];
  const finalizing = plan.strategy !== 'initial' && start.routing.form === 'single' && share === 100;
  return {
    phase: 'Creating',
    goal: 'forward',
    paused: false,
    greenApplied: start.greenExists ? 'begun' : 'no',
    greenReady: false,
    counts: { ...planned, blue: start.blueCount ?? planned.blue },
    applied: start.routing,
    confirmed: start.routing,
    percent: share,
    verified: false,
    step,
    ...(present?.percent === share ? { holdRest: present.holdSeconds } : {}),
    finalizing,
    greenHadWeight: share > 0,
    drained: finalizing ? ['blue'] : [],
    removalBegun: finalizing && start.noWayBack === true,
    removed: [],
    knownIll: [],
    warnings: [],
  };
}

/** Something of the old version that its routing named is gone. Where green serves alone, that is the removal that an earlier run began. */
export function withoutWayBack(state: RolloutState): RolloutState {
  return state.finalizing ? { ...state, removalBegun: true } : state;
}

/** What each side has when all traffic is its own. */
export function plannedCounts({ replicas, blueReplicas }: RolloutPlan): { blue: number; green: number } {
  return { blue: blueReplicas ?? replicas, green: replicas };
}

/** The first routing that names green: it gets no more than it had. */
export function firstRouting(plan: RolloutPlan, state: RolloutState): Routing {
  return plan.strategy === 'initial' || state.finalizing ? greenAlone : weighted(state.percent);
}
