import { Client, Connection } from '@temporalio/client';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readConfiguration, type Values } from '../../worker/configuration.ts';
import { setUpSchedules } from '../../worker/schedules.ts';
import { testServers, uniqueName } from '../support/servers.ts';

const prefix = `${uniqueName('sched')}-`;
const { address, namespace } = testServers().temporal;
let connection: Connection;

beforeAll(async () => {
  connection = await Connection.connect({ address });
});
afterAll(() => connection.close());

function settings(interval: string): Values {
  const reading = readConfiguration(
    { GROUNDWORK_TASK_QUEUE_PREFIX: prefix, GROUNDWORK_RETIREMENT_INTERVAL: interval },
    { withDatabase: false },
  );
  if (!reading.ok) throw new Error(reading.problems.join());
  return reading.values;
}

test('the Schedules are created once, brought up to date afterwards, and a paused one stays paused', async () => {
  const id = `${prefix}balancer-retirement`;
  const handle = new Client({ connection, namespace }).schedule.getHandle(id);
  try {
    expect((await setUpSchedules(connection, namespace, settings('86400'))).created).toContain(id);
    const made = await handle.describe();
    expect(made).toMatchObject({
      action: { workflowType: 'balancerRetirement', workflowId: id, taskQueue: `${prefix}scopes` },
      policies: { overlap: 'SKIP' },
      spec: { intervals: [{ every: 86_400_000 }] },
    });
    await handle.pause('maintenance');
    const again = await setUpSchedules(connection, namespace, settings('7200'));
    expect(again.created).toEqual([]);
    expect(again.updated).toContain(id);
    expect(await handle.describe()).toMatchObject({
      spec: { intervals: [{ every: 7_200_000 }] },
      state: { paused: true, note: 'maintenance' },
    });
  } finally {
    await handle.delete();
  }
});
