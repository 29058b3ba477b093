import type { WorkshopSweepInput, WorkshopSweepResult } from '../../contract/workshop/input.ts';
import { asRunFailure } from '../failures.ts';
import { sweeps } from './activities.ts';

/**
 * One look at all workshops, started by the Schedule `workshop-sweep`: wakes every autoscaler that should be open, so that
 * missed events, lost runs and stuck flags are repaired within its interval.
 */
export async function workshopSweep(input: WorkshopSweepInput): Promise<WorkshopSweepResult> {
  try {
    return await sweeps.sweepWorkshops(input);
  } catch (error) {
    throw asRunFailure(error);
  }
}
