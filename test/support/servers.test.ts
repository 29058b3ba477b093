import { Connection } from '@temporalio/client';
import pg from 'pg';
import { describe, expect, test } from 'vitest';
import { testDatabase, testNamespace, testServers, uniqueName } from './servers.ts';

describe('the servers that test files share', () => {
  const database = testDatabase();
  const other = testDatabase();

  test('give each caller a migrated database of its own', async () => {
    expect(database.url).not.toBe(other.url);
    const client = new pg.Client({ connectionString: database.url });
    await client.connect();
    const { rows } = await client.query('SELECT count(*)::int AS applied FROM groundwork_migration');
    await client.end();
    expect(rows[0].applied).toBeGreaterThan(0);
  });

  test('give each test a Kubernetes namespace of its own', async () => {
    const [one, another] = await Promise.all([testNamespace(), testNamespace()]);
    expect(one).toMatch(/^test-[0-9a-f]{8}$/);
    expect(one).not.toBe(another);
  });

  test('have a Temporal namespace that serves', async () => {
    const { address, namespace } = testServers().temporal;
    const connection = await Connection.connect({ address });
    const { namespaceInfo } = await connection.workflowService.describeNamespace({ namespace });
    await connection.close();
    expect(namespaceInfo?.name).toBe('default');
    expect(uniqueName('queue')).not.toBe(uniqueName('queue'));
  });
});
