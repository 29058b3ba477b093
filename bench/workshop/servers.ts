import { setTimeout as delay } from 'node:timers/promises';
import { KubeConfig } from '@kubernetes/client-node';
import { Connection } from '@temporalio/client';
import { KubeClient } from '../../sandbox/controllers/client.ts';
import { readConfiguration } from '../../worker/configuration.ts';
import { setUpSchedules } from '../../worker/schedules.ts';
import type { Bed } from '../scope/bed.ts';

/** What both measurements on real servers need. */

const PATIENCE_MS = 60_000;

export function administrator(bed: Bed): KubeClient {
  const config = new KubeConfig();
  config.loadFromFile(bed.sandbox.kubernetes.kubeconfigFile('admin'));
  return new KubeClient(config, 'bench');
}

/** The Schedule of the sweep, as `groundwork setup` makes it. */
export async function setUpSweep(bed: Bed, settings: Readonly<Record<string, string>>): Promise<void> {
  const reading = readConfiguration({ GROUNDWORK_DATABASE_URL: 'postgres://unused', ...settings });
  if (!reading.ok) throw new Error(reading.problems.join('\n'));
  const { direct, temporalNamespace } = bed.sandbox.addresses;
  const connection = await Connection.connect({ address: direct.temporal });
  try {
    await setUpSchedules(connection, temporalNamespace, reading.values);
  } finally {
    await connection.close();
  }
}

/** A connection that the server has just closed: what was asked is asked another time. */
export function unlessReset(error: unknown): void {
  if ((error as { code?: string }).code !== 'ECONNRESET') throw error;
}

export async function until(what: string, there: () => Promise<boolean>): Promise<void> {
  for (const end = Date.now() + PATIENCE_MS; !(await there()); await delay(200))
    if (Date.now() > end) throw new Error(`not so after ${PATIENCE_MS / 1000} s: ${what}`);
}
