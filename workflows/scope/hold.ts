import type { PlacementRow } from '../../activities/scope/ledger/holding.ts';
import type { ScopeTimings } from '../../domain/scope/settings.ts';
import { runFailure, withinPatience } from '../failures.ts';
import { local, watches } from './activities.ts';
import { isoIn, type ScopeRun } from './run.ts';

/** Takes the scope's row in the ledger, waiting for another run that holds it. Fails with `ScopeBusy`. */
export async function holdScope(run: ScopeRun, timings: ScopeTimings): Promise<PlacementRow> {
  const { busyPatience } = timings;
  const { scopeId } = run.status;
  const taking = await local.takePlacement({ scopeId, run: run.key });
  if (taking.taken) return taking.placement;
  const since = isoIn(Date.now(), 0);
  const until = isoIn(Date.now(), busyPatience);
  const wait = { what: `${taking.holder.split('@')[0]} to let go of scope ${scopeId}`, since, until };
  return run.waiting(wait, () =>
    withinPatience('ScopeBusy', `scope ${scopeId} is held by ${taking.holder}`, () =>
      watches(wait.what, timings, busyPatience).waitForPlacement({ scopeId, run: run.key, until }),
    ),
  );
}

/** The row is another run's by now, which only happens to a run that was taken for closed. */
export function lostHold(scopeId: string) {
  const message = `another run took scope ${scopeId} from this one. Wait for it, then repeat.`;
  return runFailure({ type: 'ScopeBusy', message });
}
