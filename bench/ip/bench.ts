import type { Report } from '../../sandbox/binaries/progress.ts';
import { columns } from '../../starter/cli/io.ts';
import type { Bench, Profile, Rows } from '../bench.ts';
import { type Machine, observeMachine, sourceRevision } from '../machine.ts';
import { makeBed } from './bed.ts';
import { measureCrowd } from './crowd.ts';
import { judge } from './goals.ts';
import { measureOccupancies } from './occupancy.ts';
import { CHART, claimChart, ipSection } from './report.ts';
import type { IpBench } from './result.ts';
import { Session } from './session.ts';
import { type Shape, shapes } from './shape.ts';
import { crowdRows, goalRows, occupancyRows, profileLines, wasBusy } from './words.ts';

/** Boots PostgreSQL, measures, takes it down. Throws `WrongCount` when a count is wrong, before a figure of it is given. */
export async function benchIp(shape: Shape, report: Report): Promise<IpBench> {
  const startedAt = new Date();
  const describeMachine = await observeMachine();
  const bed = await makeBed(report);
  try {
    const occupancies = await measureOccupancies(bed, shape, report);
    const crowd = await measureCrowd(bed, shape, report);
    const measured = {
      bench: 'ip',
      shape,
      startedAt: startedAt.toISOString(),
      seconds: Math.round((Date.now() - startedAt.getTime()) / 1000),
      profile: await profileOf(bed.server.url, describeMachine()),
      occupancies,
      crowd,
    } as const;
    return { ...measured, goals: judge(measured) };
  } finally {
    report('Stopping everything');
    await bed.close();
  }
}

async function profileOf(url: string, machine: Machine): Promise<Profile> {
  const session = await Session.open(url);
  try {
    const { rows } = await session.client.query<{ name: string; setting: string }>(
      `select name, setting from pg_settings
         where name in ('server_version', 'fsync', 'synchronous_commit', 'full_page_writes', 'shared_buffers') order by name`,
    );
    const { server_version = 'unknown', ...postgres } = Object.fromEntries(
      rows.map(({ name, setting }) => [name, setting]),
    );
    const revision = await sourceRevision();
    return {
      machine,
      versions: {
        ...(revision === undefined ? {} : { Groundwork: revision }),
        Node: process.version,
        PostgreSQL: server_version,
      },
      temporalFlags: [],
      postgres,
      worker: {},
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
    ...table('Goals', goalRows(run)),
  ];
}

export const ipBench: Bench<IpBench> = {
  measure: (shape, report) => benchIp(shapes[shape], report),
  lines: ipLines,
  section: ipSection,
  charts: (run) => ({ [CHART]: claimChart(run) }),
};
