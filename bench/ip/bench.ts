import type { Report } from '../../sandbox/binaries/progress.ts';
import { commandLine } from '../../sandbox/processes/identity.ts';
import { columns } from '../../starter/cli/io.ts';
import { readConfiguration } from '../../worker/configuration.ts';
import type { Bench, Profile, Rows } from '../bench.ts';
import { type Machine, observeMachine, packageVersion, sourceRevision } from '../machine.ts';
import { watchMemory } from '../memory.ts';
import { measureArms } from './arms/measure.ts';
import { type Bed, makeBed } from './bed.ts';
import { measureCrowd } from './crowd.ts';
import { judge } from './goals.ts';
import { measureLoad } from './load/measure.ts';
import { measureOccupancies } from './occupancy.ts';
import { ARMS_CHART, armsChart, CHART, claimChart, ipSection } from './report.ts';
import type { IpBench } from './result.ts';
import { Session } from './session.ts';
import { type Shape, shapes } from './shape.ts';
import { type System, startSystem } from './system.ts';
import { armRows, crowdRows, goalRows, loadRows, occupancyRows, profileLines, wasBusy } from './words.ts';

/**
 * Boots everything, measures, takes it down. `program` is a compiled worker; without one it is built. Throws `WrongCount` when a
 * count is wrong, before a figure of it is given.
 */
export async function benchIp(shape: Shape, report: Report, program?: string): Promise<IpBench> {
  const startedAt = new Date();
  const describeMachine = await observeMachine();
  const bed = await makeBed(report);
  try {
    const occupancies = await measureOccupancies(bed, shape, report);
    const crowd = await measureCrowd(bed, shape, report);
    const system = await startSystem(bed, program, report);
    const measuredSystem = await measureSystem(system, bed, shape, describeMachine, report).finally(() =>
      system.close(),
    );
    const measured = {
      bench: 'ip',
      shape,
      startedAt: startedAt.toISOString(),
      seconds: Math.round((Date.now() - startedAt.getTime()) / 1000),
      occupancies,
      crowd,
      ...measuredSystem,
    } as const;
    return { ...measured, goals: judge(measured) };
  } finally {
    report('Stopping everything');
    await bed.close();
  }
}

async function measureSystem(system: System, bed: Bed, shape: Shape, describeMachine: () => Machine, report: Report) {
  const arms = await measureArms(bed, system, shape, report);
  const memory = await watchMemory(system.worker.pid);
  const load = await measureLoad(system, shape.load, report);
  const workerMemory = await memory.stop();
  return { arms, load, workerMemory, profile: await profileOf(system, describeMachine()) };
}

async function profileOf({ databaseUrl, temporal, settings, connect }: System, machine: Machine): Promise<Profile> {
  const session = await Session.open(databaseUrl);
  const { temporal: client } = await connect();
  try {
    const { rows } = await session.client.query<{ name: string; setting: string }>(
      `select name, setting from pg_settings
         where name in ('server_version', 'fsync', 'synchronous_commit', 'full_page_writes', 'shared_buffers') order by name`,
    );
    const { server_version = 'unknown', ...postgres } = Object.fromEntries(
      rows.map(({ name, setting }) => [name, setting]),
    );
    const revision = await sourceRevision();
    const flags = temporal.pid === undefined ? '' : ((await commandLine(temporal.pid)) ?? '');
    const reading = readConfiguration(settings);
    if (!reading.ok) throw new Error(reading.problems.join('\n'));
    const { workflowSlots, activitySlots, localActivitySlots, maxCachedWorkflows, ipDatabasePoolSize } = reading.values;
    return {
      machine,
      versions: {
        ...(revision === undefined ? {} : { Groundwork: revision }),
        Node: process.version,
        'Temporal server': (await client.workflowService.getSystemInfo({})).serverVersion ?? 'unknown',
        'Temporal SDK': await packageVersion('@temporalio/worker'),
        PostgreSQL: server_version,
      },
      temporalFlags: [...flags.matchAll(/--dynamic-config-value (\S+)/g)].map(([, flag = '']) => flag),
      postgres,
      worker: { workflowSlots, activitySlots, localActivitySlots, maxCachedWorkflows, ipDatabasePoolSize },
    };
  } finally {
    await session.close();
  }
}

function ipLines(run: IpBench): string[] {
  const table = (title: string, rows: Rows) => ['', title, ...columns(rows).map((line) => `  ${line}`)];
  return [
    '',
    ...profileLines(run),
    ...(wasBusy(run)
      ? ['Others used the machine during the run: counts and ratios hold, the times are too long.']
      : []),
    'Counted first: no two blocks overlap, nothing is left over, no deadlock, and every free list is proved.',
    ...table('One claim by live blocks in the pool', occupancyRows(run)),
    ...table('Many clients, batches, denials', crowdRows(run)),
    ...table(`Ways to claim, one pool with ${run.arms.live} live blocks, ms`, armRows(run)),
    ...table('Load, ms', loadRows(run)),
    ...run.load.failureWords.map((words) => `  failed: ${words}`),
    ...table('Goals', goalRows(run)),
  ];
}

export const ipBench: Bench<IpBench> = {
  measure: (shape, report) => benchIp(shapes[shape], report),
  lines: ipLines,
  section: ipSection,
  charts: (run) => ({ [CHART]: claimChart(run), [ARMS_CHART]: armsChart(run) }),
};
