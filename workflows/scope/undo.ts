import { CancellationScope } from '@temporalio/workflow';
import type { ScopeTimings } from '../../domain/scope/settings.ts';
import { describeFailure, withinPatience } from '../failures.ts';
import { local, undoing } from './activities.ts';
import { isoIn, type ScopeRun } from './run.ts';

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

/**
 * Takes the scope off its balancer and removes a balancer that this leaves without a purpose. One that does not go in time is
 * left to retirement. `left` says whether the scope is on no balancer now.
 */
export async function leaveBalancer(
  run: ScopeRun,
  purpose: 'undo' | 'delete',
  timings: ScopeTimings,
): Promise<{ left: boolean; removed: string[] }> {
  const { scopeId } = run.status;
  const { released, state, remove } = await local.leaveBalancer({ scopeId, run: run.key, purpose });
  const type = purpose === 'delete' ? 'CompensationIncomplete' : 'BalancerTimeout';
  for (const balancer of remove) await awaitRemoval(run, balancer, timings, type);
  return { left: released !== undefined || state === 'released', removed: remove.map(({ name }) => name) };
}

/**
 * Removes a balancer as a wait that the status shows, except while the run undoes: that is shown already, and nobody hastens
 * it. Past the time of a compensation it fails with `type`.
 */
export async function awaitRemoval(
  run: ScopeRun,
  balancer: { id: string; name: string },
  timings: ScopeTimings,
  type: 'BalancerTimeout' | 'CompensationIncomplete',
): Promise<void> {
  const patience = timings.compensationTimeout;
  const name = `balancer ${balancer.name}`;
  const wait = { what: `${name} to be removed`, since: isoIn(Date.now(), 0), until: isoIn(Date.now(), patience) };
  const words = `${name} could not be removed within ${patience} s: look at the load balancer controller's logs`;
  const removal = () =>
    withinPatience(type, words, () => removeBalancer(run, balancer, timings), { leftovers: [name] });
  await (run.status.phase === 'Compensating' ? removal() : run.waiting(wait, removal));
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
