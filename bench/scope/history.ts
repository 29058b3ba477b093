import type { Bed } from './bed.ts';
import { type Creation, workflowIdOf } from './creations.ts';

/** Where the time of one run went, by the server's own clock, in milliseconds. Steps at the same time all count. */
export interface RunHistory {
  readonly events: number;
  /** From the first event to the last. */
  readonly elapsedMs: number;
  /** Sum over all tasks from being scheduled to being started: the server, the network and a free slot. */
  readonly queuedMs: number;
  /** Sum over workflow tasks from start to completion; local activities run inside. */
  readonly workflowTasksMs: number;
  readonly workflowTasks: number;
  /** Sum over activities from start to completion, by activity. */
  readonly activityMs: Readonly<Record<string, number>>;
  /** Workflow tasks that failed or timed out. */
  readonly failedTasks: number;
}

type Events = NonNullable<
  Awaited<ReturnType<ReturnType<Bed['temporal']['workflow']['getHandle']>['fetchHistory']>>['events']
>;
type Event = Events[number];

export async function historyOf(bed: Bed, creation: Creation): Promise<RunHistory> {
  const history = await bed.temporal.workflow.getHandle(workflowIdOf(creation)).fetchHistory();
  return readHistory(history.events ?? []);
}

/** The histories of many runs, a few at a time. */
export async function historiesOf(bed: Bed, creations: readonly Creation[]): Promise<RunHistory[]> {
  const histories: RunHistory[] = [];
  for (let at = 0; at < creations.length; at += READERS)
    histories.push(...(await Promise.all(creations.slice(at, at + READERS).map((one) => historyOf(bed, one)))));
  return histories;
}

const READERS = 8;

export function readHistory(events: Events): RunHistory {
  const byId = new Map(events.map((event) => [Number(event.eventId), event]));
  const at = (id: unknown) => timeOf(byId.get(Number(id)));
  const activityMs: Record<string, number> = {};
  let queuedMs = 0;
  let workflowTasksMs = 0;
  let workflowTasks = 0;
  let failedTasks = 0;
  for (const event of events) {
    const now = timeOf(event);
    const task = event.workflowTaskStartedEventAttributes;
    if (task) queuedMs += now - at(task.scheduledEventId);
    const completed = event.workflowTaskCompletedEventAttributes;
    if (completed) {
      workflowTasks += 1;
      workflowTasksMs += now - at(completed.startedEventId);
    }
    if (event.workflowTaskFailedEventAttributes || event.workflowTaskTimedOutEventAttributes) failedTasks += 1;
    const started = event.activityTaskStartedEventAttributes;
    if (started) queuedMs += now - at(started.scheduledEventId);
    const done = event.activityTaskCompletedEventAttributes;
    if (done) {
      const type = byId.get(Number(done.scheduledEventId))?.activityTaskScheduledEventAttributes?.activityType?.name;
      activityMs[type ?? ''] = (activityMs[type ?? ''] ?? 0) + now - at(done.startedEventId);
    }
  }
  return {
    events: events.length,
    elapsedMs: timeOf(events.at(-1)) - timeOf(events[0]),
    queuedMs,
    workflowTasksMs,
    workflowTasks,
    activityMs,
    failedTasks,
  };
}

function timeOf(event: Event | undefined): number {
  if (!event?.eventTime) throw new Error('a history lacks an event or its time');
  return Number(event.eventTime.seconds ?? 0) * 1000 + (event.eventTime.nanos ?? 0) / 1e6;
}
