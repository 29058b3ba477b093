import {
  allHandlersFinished,
  CancellationScope,
  condition,
  isCancellation,
  uuid4,
  workflowInfo,
} from '@temporalio/workflow';
import type { ClaimOutcome } from '../../activities/ip/claim.ts';
import type { IpClaimAbandoned, IpClaimAnswer, IpClaimInput } from '../../contract/ip/claim.ts';
import { mintUids } from '../../domain/ip/uid.ts';
import { describeFailure, runFailure } from '../failures.ts';
import { local } from './activities.ts';
import { ClaimRun } from './claim-run.ts';
import { asIpFailure } from './run.ts';

/**
 * Claims a block, or a batch of equal blocks. One call of the database decides and records; repeating the claim gives the
 * same answer. A full pool refuses at once, or after `waitSeconds` of waiting for room. A claim that was bound stays bound:
 * a cancellation that comes while the call is under way changes nothing.
 */
export async function ipClaim(input: IpClaimInput): Promise<IpClaimAnswer | IpClaimAbandoned> {
  const run = new ClaimRun(input);
  if (input?.answer === 'update' && !(await askedInTime(run))) {
    run.enter('Abandoned');
    const { owner, namespace, name } = run.status;
    return { phase: 'Abandoned', owner, namespace, name };
  }
  try {
    const answer = await obtain(run, input);
    run.end({ answer });
    return answer;
  } catch (error) {
    const failure = asIpFailure(error);
    run.end({ failure: isCancellation(failure) ? cancelledWait(run) : failure });
    throw failure;
  } finally {
    await CancellationScope.nonCancellable(() => condition(allHandlersFinished));
  }
}

/** The start of a run stands also when its update never comes; such a run ends by itself and claims nothing. */
async function askedInTime(run: ClaimRun): Promise<boolean> {
  if (run.asked) return true;
  const { abandonAfterSeconds } = await local('how long to wait for the caller').claimTimings();
  return condition(() => run.asked, abandonAfterSeconds * 1000, { summary: 'the caller asks for the answer' });
}

async function obtain(run: ClaimRun, input: IpClaimInput): Promise<IpClaimAnswer> {
  // Of the start of the run, not of this task: a task that is made again after a crash must mint the same.
  const uids = mintUids(input?.spec?.count, workflowInfo().startTime.getTime(), uuid4);
  const attempt = (final: boolean): Promise<ClaimOutcome> =>
    CancellationScope.nonCancellable(() => local(summaryOf(run)).claimAddress({ input, uids, final }));
  const waitSeconds = input?.dryRun || typeof input?.waitSeconds !== 'number' ? 0 : input.waitSeconds;
  const first = await attempt(!(waitSeconds > 0));
  const outcome =
    first.kind === 'exhausted' && waitSeconds > 0 ? await waitForRoom(run, first, waitSeconds, attempt) : first;
  if (outcome.kind === 'bound') return outcome.answer;
  throw runFailure(outcome.failure);
}

/** Tries at each wake-up and at growing intervals, once more at the deadline, and leaves no trace in the list of waiters. */
async function waitForRoom(
  run: ClaimRun,
  full: Extract<ClaimOutcome, { kind: 'exhausted' }>,
  waitSeconds: number,
  attempt: (final: boolean) => Promise<ClaimOutcome>,
): Promise<ClaimOutcome> {
  const { poolIds, pools, prefixLength, blocks, timings } = full.wait;
  const since = Date.now();
  const until = since + waitSeconds * 1000;
  const wait = { pools, prefixLength, blocks, since: isoTime(since), until: isoTime(until) };
  try {
    run.waitsFor({ ...wait, tries: 1 });
    await local(`wait for room in ${pools.join(', ')}`.slice(0, 200)).awaitCapacity({
      poolIds,
      prefixLength,
      blocks,
      waitSeconds,
    });
    let interval = timings.firstSeconds * 1000;
    for (let tries = 2; ; tries += 1) {
      run.woken = false; // a signal during the try counts for the next one
      const left = until - Date.now();
      const final = left <= 0 || run.waitCancelled;
      const outcome = await attempt(final).catch((error: unknown) => {
        // A database that is away for a while ends no wait: the next try comes.
        if (final || isCancellation(error) || describeFailure(asIpFailure(error)).type !== 'Busy') throw error;
        return undefined;
      });
      if (outcome && outcome.kind !== 'exhausted') return outcome;
      if (outcome && final) return ended(outcome, run, pools, tries);
      run.waitsFor({ ...wait, tries });
      const pause = Math.min(interval, left);
      await condition(() => run.woken || run.waitCancelled, pause, {
        summary: `room in ${pools.join(', ')}`.slice(0, 200),
      });
      interval = Math.min(interval * timings.factor, timings.mostSeconds * 1000);
    }
  } finally {
    // What cannot be taken off now is dropped by the sweep; it must not hide the outcome.
    await CancellationScope.nonCancellable(() =>
      local('leave the list of waiters')
        .stopWaiting()
        .catch(() => undefined),
    );
  }
}

function ended(
  outcome: Extract<ClaimOutcome, { kind: 'exhausted' }>,
  run: ClaimRun,
  pools: readonly string[],
  tries: number,
): ClaimOutcome {
  const why = run.waitCancelled ? 'the wait was cancelled' : 'the wait ended';
  const message = `${why} after ${tries} tries without room in ${pools.join(', ')}. ${outcome.failure.message}`;
  const details = { ...outcome.failure.details, reason: 'WaitEnded', tries };
  return { ...outcome, failure: { ...outcome.failure, message, details } };
}

/** What callers of the update hear when somebody cancels the run while it waits. */
function cancelledWait(run: ClaimRun): Error {
  const { namespace, name } = run.status;
  return runFailure({
    type: 'PoolExhausted',
    message: `the run of claim ${namespace}/${name} was cancelled while it waited for room; nothing was claimed`,
    details: { reason: 'WaitEnded' },
  });
}

function summaryOf({ status }: ClaimRun): string {
  return `claim ${status.namespace}/${status.name}`.slice(0, 200);
}

function isoTime(milliseconds: number): string {
  return new Date(milliseconds).toISOString();
}
