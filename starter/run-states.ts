/** States of a run, by the names that our callers see, with their names in the visibility store. */
export const visibilityStates = {
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

/** From the name in a description of the Temporal client. A run that continued as new runs on. */
export function stateOf(statusName: string): RunState {
  return described[statusName] ?? 'running';
}
