import {
  ActivityFailure,
  allHandlersFinished,
  CancellationScope,
  condition,
  getExternalWorkflowHandle,
  isCancellation,
  setCurrentDetails,
  setHandler,
  TimeoutFailure,
  upsertSearchAttributes,
} from '@temporalio/workflow';
import { ASK_AGAIN } from '../../contract/ip/failures.ts';
import type { IpRunStatus } from '../../contract/ip/inventory.ts';
import { capacityFreed, getRunStatus } from '../../contract/ip/messages.ts';
import { phaseKey, poolNameKey } from '../../contract/search-attributes.ts';
import { runChecklist } from '../../domain/ip/checklist.ts';
import { asRunFailure, describeFailure, runFailure } from '../failures.ts';

/** What every run of the IP room but `ipClaim` is: one piece of work with a status that people can ask for. */
export async function ipRun<Result>(
  about: Pick<IpRunStatus, 'kind' | 'subject' | 'change'>,
  pool: string | undefined,
  work: (status: IpRunStatus) => Promise<Result>,
): Promise<Result> {
  const status: IpRunStatus = { ...about, phase: 'Working' };
  setHandler(getRunStatus, () => status, { description: 'What the run does, and how it ended' });
  setCurrentDetails(runChecklist(status));
  const enter = (phase: IpRunStatus['phase']) => {
    status.phase = phase;
    setCurrentDetails(runChecklist(status));
    upsertSearchAttributes([{ key: phaseKey, value: phase }, ...(pool ? [{ key: poolNameKey, value: pool }] : [])]);
  };
  try {
    const result = await work(status);
    enter('Done');
    return result;
  } catch (error) {
    const failure = asIpFailure(error);
    if (!isCancellation(failure)) status.failure = describeFailure(failure);
    enter('Failed');
    throw failure;
  } finally {
    await CancellationScope.nonCancellable(() => condition(allHandlersFinished));
  }
}

/** The failure that a run of the room ends with: a call that ran out of time is `Busy`, like one that was told so. */
export function asIpFailure(error: unknown): Error {
  if (error instanceof ActivityFailure && error.cause instanceof TimeoutFailure)
    return runFailure(
      {
        type: 'Busy',
        message: `the database did not answer in time. ${ASK_AGAIN}`,
        details: { reason: 'Database', retryAfterSeconds: 1 },
      },
      error,
    );
  return asRunFailure(error);
}

/** Tells waiting claims that there is room. One that has ended meanwhile is no loss: waiting reserves nothing. */
export async function wake(workflowIds: readonly string[]): Promise<void> {
  await Promise.all(
    workflowIds.map((workflowId) =>
      getExternalWorkflowHandle(workflowId)
        .signal(capacityFreed)
        .catch((error: unknown) => {
          if (isCancellation(error)) throw error;
        }),
    ),
  );
}
