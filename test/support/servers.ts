import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, inject } from 'vitest';
import { databaseName, databasesOf } from '../../sandbox/postgres/databases.ts';
import type { TestServers } from './start-servers.ts';

/** How long a session that was just closed may still be listed by the server. */
const SESSION_END_MS = 3_000;

/** The servers that all test files of the project share. */
export function testServers(): TestServers {
  return inject('servers');
}

/**
 * A migrated database for the calling test file: made before its tests, dropped after them. Call it at the top of the file
 * or of a `describe`; the URL is there once tests run. The file fails when it leaves a connection open.
 */
export function testDatabase(): { readonly url: string } {
  const { admin, template } = testServers().postgres;
  const databases = databasesOf(admin);
  let url: string | undefined;
  beforeAll(async () => {
    url = await databases.createDatabase({ template });
  });
  afterAll(async () => {
    if (url === undefined) return;
    const left = await sessionsLeft(url);
    await databases.dropDatabase(url);
    if (left.length > 0) {
      throw new Error(
        `a pool was left open on ${databaseName(url)}: ${left.length} sessions (${[...new Set(left)].join(', ')})`,
      );
    }
  });
  return {
    get url() {
      if (url === undefined) throw new Error('the database exists only while tests run: read url inside of them');
      return url;
    },
  };

  async function sessionsLeft(database: string): Promise<string[]> {
    const deadline = Date.now() + SESSION_END_MS;
    for (;;) {
      const sessions = await databases.sessions(database);
      if (sessions.length === 0 || Date.now() > deadline) {
        return sessions.map(({ application }) => application || 'without application_name');
      }
      await delay(20);
    }
  }
}

/** A name that no other test uses, for namespaces, task queues, and ids: `<prefix>-<8 hexadecimal digits>`. */
export function uniqueName(prefix: string): string {
  return `${prefix}-${randomBytes(4).toString('hex')}`;
}

/**
 * Makes a Kubernetes namespace for one test and answers its name. It is not deleted: without the namespace controller that
 * would leave it terminating, and the server lives no longer than the run.
 */
export async function testNamespace(prefix = 'test'): Promise<string> {
  const { CoreV1Api, KubeConfig } = await import('@kubernetes/client-node');
  const config = new KubeConfig();
  config.loadFromFile(testServers().kubernetes.kubeconfig.admin);
  const name = uniqueName(prefix);
  await config.makeApiClient(CoreV1Api).createNamespace({ body: { metadata: { name } } });
  return name;
}
