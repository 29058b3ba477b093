import {
  Client,
  type ConnectionLike,
  ScheduleAlreadyRunning,
  ScheduleNotFoundError,
  type ScheduleOptions,
  ScheduleOverlapPolicy,
} from '@temporalio/client';
import { type Room, scheduleIdOf, scheduleIds, taskQueueName, workflowIds, workflowTypes } from '../contract/names.ts';
import { scopeSettings, type Values, workshopTimings } from './configuration.ts';
import { SetupError } from './findings.ts';
import { temporalTrouble } from './temporal-trouble.ts';

/** The Schedules of an installation: runs that the server starts by itself, never two of one at the same time. */

interface Plan {
  id: string;
  room: Room;
  workflowType: string;
  everySeconds: number;
  /** Input of the run. */
  input?: object;
  /** One line of plain text, at most 200 characters. */
  summary: string;
}

/** Everything that is to run by itself. A room adds its line here. */
function plans(values: Values): Plan[] {
  return [
    {
      id: scheduleIds.balancerRetirement,
      room: 'scopes',
      workflowType: workflowTypes.balancerRetirement,
      everySeconds: scopeSettings(values).timings.retirementInterval,
      summary: 'Retire idle balancers, undo what ended runs left, report drift',
    },
    {
      id: scheduleIds.ipSweep,
      room: 'ip',
      workflowType: workflowTypes.ipSweep,
      everySeconds: values.ipSweepIntervalSeconds,
      summary: 'End leases and cool-downs of claims, and what retention keeps no longer',
    },
    {
      id: workflowIds.workshopSweep(values.clusterName),
      room: 'workshops',
      workflowType: workflowTypes.workshopSweep,
      everySeconds: workshopTimings(values).sweepInterval,
      summary: `Look at all workshops of cluster ${values.clusterName}`,
      input: {
        cluster: values.clusterName,
        ...(values.workshopNamespace ? { namespace: values.workshopNamespace } : {}),
      },
    },
  ];
}

export interface SchedulesReport {
  created: string[];
  updated: string[];
}

const CALL_MS = 15_000;

/** Creates the Schedules that are missing and brings the others up to date; a paused one stays paused. Throws `SetupError`. */
export async function setUpSchedules(
  connection: ConnectionLike,
  namespace: string,
  values: Values,
): Promise<SchedulesReport> {
  const client = new Client({ connection, namespace });
  const report: SchedulesReport = { created: [], updated: [] };
  try {
    await client.withDeadline(Date.now() + CALL_MS, async () => {
      for (const plan of plans(values)) {
        const options = optionsOf(plan, values.taskQueuePrefix);
        report[await createOrUpdate(client, options)].push(options.scheduleId);
      }
    });
    return report;
  } catch (error) {
    const { trouble, message } = temporalTrouble(error);
    throw new SetupError(trouble, `Temporal: the Schedules cannot be written: ${message}.`, { cause: error });
  }
}

/** Ids of the Schedules that the namespace lacks. */
export async function missingSchedules(client: Client, values: Values): Promise<string[]> {
  const missing: string[] = [];
  for (const { id } of plans(values)) {
    const scheduleId = scheduleIdOf(values.taskQueuePrefix, id);
    try {
      await client.schedule.getHandle(scheduleId).describe();
    } catch (error) {
      if (!(error instanceof ScheduleNotFoundError)) throw error;
      missing.push(scheduleId);
    }
  }
  return missing;
}

async function createOrUpdate(client: Client, options: ScheduleOptions): Promise<keyof SchedulesReport> {
  try {
    await client.schedule.create(options);
    return 'created';
  } catch (error) {
    if (!(error instanceof ScheduleAlreadyRunning)) throw error;
  }
  const { action, spec, policies } = options;
  await client.schedule.getHandle(options.scheduleId).update(({ state }) => ({
    action: action as never,
    spec,
    ...(policies ? { policies } : {}),
    state: { paused: state.paused, ...(state.note === undefined ? {} : { note: state.note }) },
  }));
  return 'updated';
}

function optionsOf({ id, room, workflowType, everySeconds, summary, input }: Plan, prefix: string): ScheduleOptions {
  const scheduleId = scheduleIdOf(prefix, id);
  const every = Math.max(1000, Math.round(everySeconds * 1000));
  return {
    scheduleId,
    spec: { intervals: [{ every }] },
    action: {
      type: 'startWorkflow',
      workflowType,
      workflowId: scheduleId,
      taskQueue: taskQueueName(prefix, room),
      args: input === undefined ? [] : [input],
      staticSummary: summary,
    },
    policies: {
      overlap: ScheduleOverlapPolicy.SKIP,
      // What was missed while the server was away is made up for by one run.
      catchupWindow: Math.max(10_000, every),
    },
  };
}
