import { join } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { defineSearchAttributeKey, SearchAttributeType, TypedSearchAttributes } from '@temporalio/common';
import { expect, test } from 'vitest';
import { startTcpProxy } from '../../../sandbox/faults/tcp-proxy.ts';
import { Supervisor } from '../../../sandbox/processes/supervisor.ts';
import { startTemporal } from '../../../sandbox/temporal/server.ts';
import { temporaryFolders } from './support.ts';

const folder = temporaryFolders();
const scopeId = defineSearchAttributeKey('ScopeId', SearchAttributeType.KEYWORD);

async function withClient<T>(address: string, use: (client: Client) => Promise<T>): Promise<T> {
  const connection = await Connection.connect({ address });
  try {
    return await use(new Client({ connection }));
  } finally {
    await connection.close();
  }
}

const start = (client: Client, workflowId: string) =>
  client.workflow.start('nobodyRunsThis', {
    workflowId,
    taskQueue: 'nobody-polls-this',
    typedSearchAttributes: new TypedSearchAttributes([{ key: scopeId, value: '7' }]),
  });

test('a search attribute is known when the server counts as started, and runs survive a restart on a database file', async () => {
  const root = await folder();
  const supervisor = await Supervisor.open(join(root, 'run'));
  const options = {
    supervisor,
    searchAttributes: ['ScopeId', 'Phase'],
    databaseFile: join(root, 'temporal.sqlite'),
    ui: false,
  };
  const first = await startTemporal(options);
  await withClient(first.address, (client) => start(client, 'kept'));
  await first.stop();
  const second = await startTemporal(options);
  const found = await withClient(second.address, (client) => client.workflow.getHandle('kept').describe());
  expect(found.status.name).toBe('RUNNING');
  expect(found.typedSearchAttributes.get(scopeId)).toBe('7');
  await supervisor.stop();
});

test('the web page answers, and a client reaches the server through a TCP proxy that was cut and healed', async () => {
  const supervisor = await Supervisor.open(join(await folder(), 'run'));
  const server = await startTemporal({ supervisor, searchAttributes: ['ScopeId'] });
  expect((await fetch(server.uiUrl ?? '')).status).toBe(200);
  const proxy = await startTcpProxy(server);
  await withClient(`${proxy.host}:${proxy.port}`, async (client) => {
    await start(client, 'before');
    proxy.cut();
    await client.connection.withDeadline(Date.now() + 20_000, () => start(client, 'after'));
    expect((await client.workflow.getHandle('after').describe()).status.name).toBe('RUNNING');
  });
  await proxy.close();
  await supervisor.stop();
});
