import { endingAtBugs } from './call.ts';
import { awaitCapacity, type CapacityWaitInput, type ClaimTry, claimAddress, stopWaiting } from './claim.ts';
import type { IpDependencies } from './dependencies.ts';
import { importClaims } from './import.ts';
import { readInventory } from './inventory.ts';
import { changePool, createPool, deletePool, rebuildPool, reserveRanges, setGrant } from './pools.ts';
import { releaseAddress, renewLease } from './release.ts';
import { surveyPools } from './survey.ts';
import { sweepPools } from './sweep.ts';

type Input = { input: unknown };
type InputOfRun = Input & { run: string };

/**
 * The activities of the IP room, one for each function of the database. Each may run twice or lose its answer, and the
 * function it calls says why that is harmless. What none of them foresaw ends the run as `Internal`.
 */
export function createIpActivities(deps: IpDependencies) {
  return endingAtBugs(deps, {
    // Local activities: one call of the database each.
    claimTimings: async () => ({ abandonAfterSeconds: deps.settings.abandonAfterSeconds }),
    claimAddress: (input: ClaimTry) => claimAddress(deps, input),
    awaitCapacity: (input: CapacityWaitInput) => awaitCapacity(deps, input),
    stopWaiting: () => stopWaiting(deps),
    releaseAddress: (input: Input) => releaseAddress(deps, input),
    renewLease: (input: Input) => renewLease(deps, input),
    createPool: (input: InputOfRun) => createPool(deps, input),
    changePool: (input: InputOfRun) => changePool(deps, input),
    deletePool: (input: InputOfRun) => deletePool(deps, input),
    reserveRanges: (input: InputOfRun) => reserveRanges(deps, input),
    setGrant: (input: InputOfRun) => setGrant(deps, input),
    readInventory: (input: Input) => readInventory(deps, input),

    // Regular activities: statements that may take a minute.
    importClaims: (input: InputOfRun) => importClaims(deps, input),
    rebuildPool: (input: Input) => rebuildPool(deps, input),
    surveyPools: (input: Input) => surveyPools(deps, input),
    sweepPools: () => sweepPools(deps),
  });
}

export type IpActivities = ReturnType<typeof createIpActivities>;
