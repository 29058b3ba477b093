import { CancellationScope } from '@temporalio/workflow';
import type { ScopeTimings } from '../../domain/scope/settings.ts';
import { describeFailure } from '../failures.ts';
import { local, undoing } from './activities.ts';
import type { ScopeRun } from './run.ts';

/** Compensation: registered before the step it undoes, run in reverse, out of reach of the cancellation. */

interface Undo {
  what: string;
  run: () => Promise<void>;
}

export class Compensations {
  readonly #undos: Undo[] = [];

  before(what: string, run: () => Promise<void>): void {
    this.#undos.unshift({ what, run });
  }

  /** Runs all of them; answers what could not be undone, in words. */
  async run(): Promise<string[]> {
    const leftovers: string[] = [];
    await CancellationScope.nonCancellable(async () => {
      for (const undo of this.#undos.splice(0)) {
        try {
          await undo.run();
        } catch (error) {
          leftovers.push(`${undo.what}: ${describeFailure(error).message}`);
        }
      }
    });
    return leftovers;
  }
}

/** Takes the scope off its balancer and removes a balancer that this leaves without a purpose. */
export async function leaveBalancer(
  run: ScopeRun,
  purpose: 'undo' | 'delete',
  timings: ScopeTimings,
): Promise<{ released?: string; removed: string[] }> {
  const { scopeId } = run.status;
  const { released, remove } = await local.leaveBalancer({ scopeId, run: run.key, purpose });
  for (const balancer of remove) await removeBalancer(run, balancer, timings);
  return { ...(released ? { released } : {}), removed: remove.map(({ name }) => name) };
}

/** Removes a balancer that is `retiring`: the keeper goes, the controller follows, the row ends. */
export async function removeBalancer(
  run: { key: string },
  balancer: { id: string; name: string },
  timings: ScopeTimings,
): Promise<void> {
  const activities = undoing(`ALB ${balancer.name}`, timings);
  await activities.deleteKeeper({ balancerId: balancer.id });
  await activities.watchBalancerGone({ balancerId: balancer.id, reader: `${run.key}/removal` });
  await local.retiredBalancer({ balancerId: balancer.id });
}
