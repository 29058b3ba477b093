import { commandLine } from '../../sandbox/processes/identity.ts';
import { readConfiguration } from '../../worker/configuration.ts';
import type { Profile } from '../bench.ts';
import { type Machine, packageVersion, sourceRevision } from '../machine.ts';
import type { Bed } from './bed.ts';

export async function profileOf(bed: Bed, machine: Machine): Promise<Profile> {
  const { temporal, kubernetes } = bed.sandbox;
  const [info, sdk, revision, postgres, flags] = await Promise.all([
    bed.temporal.workflowService.getSystemInfo({}),
    packageVersion('@temporalio/worker'),
    sourceRevision(),
    postgresSettings(bed),
    temporal.pid === undefined ? '' : commandLine(temporal.pid),
  ]);
  const { server_version = 'unknown', ...durability } = postgres;
  return {
    machine,
    versions: {
      ...(revision === undefined ? {} : { Groundwork: revision }),
      Node: process.version,
      'Temporal server': info.serverVersion ?? 'unknown',
      'Temporal SDK': sdk,
      PostgreSQL: server_version.split(' ')[0] ?? server_version,
      'kube-apiserver': kubernetes.version,
    },
    temporalFlags: [...(flags ?? '').matchAll(/--dynamic-config-value (\S+)/g)].map(([, flag = '']) => flag),
    postgres: durability,
    worker: slotsOf(bed),
  };
}

async function postgresSettings(bed: Bed): Promise<Record<string, string>> {
  const { rows } = await bed.ledger.query<{ name: string; setting: string }>(
    `select name, setting from pg_settings
      where name in ('server_version', 'fsync', 'synchronous_commit', 'full_page_writes') order by name`,
  );
  return Object.fromEntries(rows.map(({ name, setting }) => [name, setting]));
}

function slotsOf(bed: Bed): Record<string, number> {
  const reading = readConfiguration({ GROUNDWORK_DATABASE_URL: 'postgres://unused', ...bed.settings });
  if (!reading.ok) throw new Error(reading.problems.join('\n'));
  const { workflowSlots, activitySlots, localActivitySlots, maxCachedWorkflows, databasePoolSize } = reading.values;
  return { workflowSlots, activitySlots, localActivitySlots, maxCachedWorkflows, databasePoolSize };
}
