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

const every = {
  retirement: 'GROUNDWORK_RETIREMENT_INTERVAL',
  ip: 'GROUNDWORK_IP_SWEEP_INTERVAL_SECONDS',
  workshops: 'GROUNDWORK_WORKSHOP_SWEEP_INTERVAL',
};

function settings(seconds: string): Values {
  const intervals = Object.fromEntries(Object.values(every).map((name) => [name, seconds]));
  const reading = readConfiguration(
    { GROUNDWORK_TASK_QUEUE_PREFIX: prefix, GROUNDWORK_CLUSTER_NAME: 'east', ...intervals },
    { withDatabase: false },
  );
  if (!reading.ok) throw new Error(reading.problems.join());
  return reading.values;
}

const schedules = [
  { id: 'balancer-retirement', workflowType: 'balancerRetirement', room: 'scopes' },
  { id: 'ip-sweep', workflowType: 'ipSweep', room: 'ip' },
  { id: 'workshop-sweep/east', workflowType: 'workshopSweep', room: 'workshops' },
].map((one) => ({ ...one, id: `${prefix}${one.id}` }));

test('the Schedules are created once, brought up to date afterwards, and a paused one stays paused', async () => {
  const client = new Client({ connection, namespace });
  const ids = schedules.map(({ id }) => id);
  try {
    const first = await setUpSchedules(connection, namespace, settings('86400'));
    expect(first).toEqual({ created: ids, updated: [] });
    for (const { id, workflowType, room } of schedules) {
      const handle = client.schedule.getHandle(id);
      expect(await handle.describe()).toMatchObject({
        action: { workflowType, workflowId: id, taskQueue: `${prefix}${room}` },
        policies: { overlap: 'SKIP' },
        spec: { intervals: [{ every: 86_400_000 }] },
      });
      await handle.pause('maintenance');
    }
    expect(await setUpSchedules(connection, namespace, settings('7200'))).toEqual({ created: [], updated: ids });
    for (const id of ids) {
      expect(await client.schedule.getHandle(id).describe()).toMatchObject({
        spec: { intervals: [{ every: 7_200_000 }] },
        state: { paused: true, note: 'maintenance' },
      });
    }
  } finally {
    for (const id of ids) await client.schedule.getHandle(id).delete();
  }
});
