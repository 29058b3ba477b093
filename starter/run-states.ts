/** States of a run, by the names that our callers see, with their names in the visibility store. */
const visibilityStates = {
  running: 'Running',
  completed: 'Completed',
  failed: 'Failed',
  cancelled: 'Canceled',
  terminated: 'Terminated',
  'timed-out': 'TimedOut',
} as const;

export type RunState = keyof typeof visibilityStates;

export const runStates = Object.keys(visibilityStates) as RunState[];

const described: Readonly<Record<string, RunState>> = {
  COMPLETED: 'completed',
  FAILED: 'failed',
  CANCELLED: 'cancelled',
  TERMINATED: 'terminated',
  TIMED_OUT: 'timed-out',
};

/** A condition for the visibility store. Without a state it is all runs but those that went on in another one, which is there too. */
export function conditionOf(state: RunState | undefined): string {
  return state === undefined ? "ExecutionStatus != 'ContinuedAsNew'" : `ExecutionStatus = '${visibilityStates[state]}'`;
}

/** From the name in a description of the Temporal client. A run that continued as new runs on. */
export function stateOf(statusName: string): RunState {
  return described[statusName] ?? 'running';
}
