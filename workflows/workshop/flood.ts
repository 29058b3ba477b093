import type { ActivateInput, WorkflowInterceptorsFactory } from '@temporalio/workflow';
import { changedSignal } from '../../contract/workshop/messages.ts';

type Job = NonNullable<ActivateInput['activation']['jobs']>[number];

/**
 * Of all `changed` signals that reach a run in one task only the last is handed on. They say the same, "look again", and each
 * one that is handled costs the SDK some promises: ten thousand of them would take a task over the time that it may run.
 * Nothing else is touched, and since the handler sets one bit, no command depends on how many there were.
 */
export const interceptors: WorkflowInterceptorsFactory = () => ({
  internals: [
    {
      activate: (input, next) => {
        const { activation } = input;
        const jobs = activation.jobs ?? [];
        const last = jobs.findLastIndex(isChanged);
        activation.jobs = jobs.filter((job, index) => index === last || !isChanged(job));
        next(input);
      },
    },
  ],
});

function isChanged({ signalWorkflow }: Job): boolean {
  return signalWorkflow?.signalName === changedSignal.name;
}
