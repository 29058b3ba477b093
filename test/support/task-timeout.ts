import type { ClientInterceptors, WorkflowClientInterceptor } from '@temporalio/client';
import type { Duration } from '@temporalio/common';
import { msToTs } from '@temporalio/common/lib/time.js';

/**
 * Interceptors of a client whose runs give up a workflow task after `timeout`, not after the server's ten seconds. A task is
 * lost when its worker is killed, and now and then with a worker that keeps no run in memory.
 */
export function withTaskTimeout(timeout: Duration | undefined): ClientInterceptors {
  if (timeout === undefined) return {};
  // The SDK hands on options with the duration in the form of the wire, though their type says otherwise.
  const sooner = <T extends object>(options: T): T => ({ ...options, workflowTaskTimeout: msToTs(timeout) });
  const workflow: WorkflowClientInterceptor = {
    startWithDetails: (input, next) => next({ ...input, options: sooner(input.options) }),
    signalWithStart: (input, next) => next({ ...input, options: sooner(input.options) }),
    startUpdateWithStart: (input, next) => next({ ...input, workflowStartOptions: sooner(input.workflowStartOptions) }),
  };
  return { workflow: [workflow] };
}
