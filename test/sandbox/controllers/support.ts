import { setTimeout as delay } from 'node:timers/promises';
import { KubeConfig } from '@kubernetes/client-node';
import { afterAll, beforeAll } from 'vitest';
import { simulatedClock } from '../../../sandbox/clock.ts';
import { KubeClient } from '../../../sandbox/controllers/client.ts';
import { type Controllers, startControllers } from '../../../sandbox/controllers/index.ts';
import { type KubeObject, type Pod, pathOf, type Resource, resources } from '../../../sandbox/controllers/objects.ts';
import { testServers, uniqueName } from '../../support/servers.ts';

export function adminConfig(): KubeConfig {
  const config = new KubeConfig();
  config.loadFromFile(testServers().kubernetes.kubeconfig.admin);
  return config;
}

/**
 * Repeats `read` until it answers something other than undefined, false or an exception; the last exception is the failure. The limit is for a broken program: on a
 * busy machine a controller may be in its longest back-off (10 s at the scale of the tests) more than once.
 */
export async function eventually<T>(read: () => Promise<T | undefined | false>, withinMs = 60_000): Promise<T> {
  const end = Date.now() + withinMs;
  for (;;) {
    let problem: unknown = new Error('the condition never held');
    try {
      const found = await read();
      if (found !== undefined && found !== false) return found;
    } catch (error) {
      problem = error;
    }
    if (Date.now() > end) throw problem;
    await delay(15);
  }
}

export interface Event extends KubeObject {
  type: string;
  reason: string;
  message: string;
  count: number;
  involvedObject: { kind: string; name: string; uid: string };
}

/** What a test does in one namespace of its own. */
export class TestNamespace {
  readonly client: KubeClient;
  readonly name: string;

  private constructor(client: KubeClient, name: string) {
    this.client = client;
    this.name = name;
  }

  static async create(client: KubeClient, prefix: string): Promise<TestNamespace> {
    const name = uniqueName(prefix);
    await client.create(pathOf(resources.namespaces), { metadata: { name } });
    return new TestNamespace(client, name);
  }

  create<T>(
    of: Resource,
    name: string,
    body: Record<string, unknown>,
    metadata: Record<string, unknown> = {},
  ): Promise<T> {
    return this.client.create<T>(pathOf(of, this.name), { ...body, metadata: { name, ...metadata } });
  }

  find<T>(of: Resource, name: string): Promise<T | undefined> {
    return this.client.find<T>(pathOf(of, this.name, name));
  }

  merge<T>(of: Resource, name: string, body: unknown): Promise<T> {
    return this.client.merge<T>(pathOf(of, this.name, name), body);
  }

  remove(of: Resource, name: string, options: Record<string, unknown> = {}): Promise<unknown> {
    return this.client.remove(pathOf(of, this.name, name), options);
  }

  async list<T extends KubeObject>(of: Resource): Promise<T[]> {
    return (await this.client.list<T>(of, {}, false, this.name)).items ?? [];
  }

  pods(): Promise<Pod[]> {
    return this.list<Pod>(resources.pods);
  }

  /** The events of one object, optionally of one reason. */
  async events(uid: string, reason?: string): Promise<Event[]> {
    const all = await this.list<Event>(resources.events);
    return all.filter((event) => event.involvedObject.uid === uid && (reason === undefined || event.reason === reason));
  }
}

/** A Deployment of one container that answers nothing: the sandbox only simulates Pods. */
export function deploymentBody(options: {
  replicas?: number;
  image?: string;
  annotations?: Record<string, string>;
  container?: Record<string, unknown>;
  spec?: Record<string, unknown>;
  app?: string;
}): Record<string, unknown> {
  const { replicas = 2, image = 'web:1', annotations = {}, container = {}, spec = {}, app = 'web' } = options;
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    spec: {
      replicas,
      selector: { matchLabels: { app } },
      ...spec,
      template: {
        metadata: { labels: { app }, annotations },
        spec: { terminationGracePeriodSeconds: 5, containers: [{ name: 'web', image, ...container }] },
      },
    },
  };
}

/** What a file of tests has that needs no AWS. */
export interface Stage {
  client: KubeClient;
  controllers: Controllers;
  ns: TestNamespace;
}

/** Controllers and a namespace of the file's own, before its tests and until after them; `ready` receives them. */
export function withControllers(prefix: string, ready: (stage: Stage) => void): void {
  let stage: Stage | undefined;
  beforeAll(async () => {
    const client = new KubeClient(adminConfig(), 'test');
    const controllers = await startControllers({
      kubeConfig: adminConfig(),
      aws: {
        endpoint: 'http://127.0.0.1:1',
        region: 'eu-west-1',
        credentials: { accessKeyId: 'a', secretAccessKey: 'b' },
      },
      clock: simulatedClock(0.01),
      namespaces: (name) => name.startsWith(`${prefix}-`),
    });
    stage = { client, controllers, ns: await TestNamespace.create(client, prefix) };
    ready(stage);
  });
  afterAll(async () => {
    await stage?.controllers.stop();
    await stage?.client.close();
  });
}
