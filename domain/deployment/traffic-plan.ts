import type { TrafficPlanInput, TrafficStep } from '../../contract/deployment/input.ts';
import type { InvalidField } from '../../contract/failures.ts';

/** How traffic moves from blue to green when nobody sends messages (specs: deployment, section 11). */
export interface TrafficPlan {
  /** Empty: traffic moves by message only. */
  steps: TrafficStep[];
  autoFinalize: boolean;
  onFailure: 'rollback' | 'pause';
}

export const manualPlan: TrafficPlan = { steps: [], autoFinalize: false, onFailure: 'rollback' };

/** Reads a plan, or names every field of it that is wrong. */
export function readTrafficPlan(input: TrafficPlanInput | null | undefined): {
  plan: TrafficPlan;
  problems: InvalidField[];
} {
  if (!input) return { plan: manualPlan, problems: [] };
  const problems: InvalidField[] = [];
  const wrong = (path: string, message: string) => void problems.push({ path: `trafficPlan.${path}`, message });
  const steps = input.steps ?? [];
  const autoFinalize = input.autoFinalize === true;
  const onFailure = input.onFailure ?? 'rollback';
  if (input.mode === 'manual') {
    if (steps.length > 0) wrong('steps', 'does not go with mode "manual": leave it out, or use mode "steps"');
    if (autoFinalize) wrong('autoFinalize', 'does not go with mode "manual": send finalize when the time has come');
    return { plan: { ...manualPlan, onFailure }, problems };
  }
  if (steps.length === 0) wrong('steps', 'mode "steps" needs at least one step');
  steps.forEach(({ percent, holdSeconds }, index) => {
    if (!Number.isInteger(percent) || percent < 1 || percent > 100) {
      wrong(`steps.${index}.percent`, `must be a whole number 1-100, got ${percent}`);
    } else {
      const before = steps[index - 1]?.percent;
      if (before !== undefined && percent <= before) {
        wrong(`steps.${index}.percent`, `must be above the ${before} of the step before, got ${percent}`);
      }
    }
    if (!Number.isFinite(holdSeconds) || holdSeconds < 0) {
      wrong(`steps.${index}.holdSeconds`, `must be 0 or more seconds, got ${holdSeconds}`);
    }
  });
  const last = steps.at(-1)?.percent;
  if (autoFinalize && last !== undefined && last !== 100) {
    wrong(`steps.${steps.length - 1}.percent`, `must be 100 in the last step of a plan with autoFinalize, got ${last}`);
  }
  return { plan: { steps: steps.map((step) => ({ ...step })), autoFinalize, onFailure }, problems };
}

/** Number of the first step (from 0) above `percent`: where a plan goes on after somebody moved traffic by hand. */
export function nextStep(plan: TrafficPlan, percent: number): number {
  const index = plan.steps.findIndex((step) => step.percent > percent);
  return index === -1 ? plan.steps.length : index;
}
