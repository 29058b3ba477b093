import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { simulatedClock } from '../../../sandbox/clock.ts';
import { KubeClient } from '../../../sandbox/controllers/client.ts';
import { EventRecorder } from '../../../sandbox/controllers/events.ts';
import { type KubeObject, resources } from '../../../sandbox/controllers/objects.ts';
import { adminConfig, TestNamespace } from './support.ts';

vi.setConfig({ testTimeout: 180_000 }); // longer than one `eventually`

let client: KubeClient;
let ns: TestNamespace;

beforeAll(async () => {
  client = new KubeClient(adminConfig(), 'test');
  ns = await TestNamespace.create(client, 'events');
});
afterAll(() => client.close());

const object = async (name: string) => ({
  ...(await ns.create<KubeObject>(resources.configMaps, name, {})),
  apiVersion: 'v1',
  kind: 'ConfigMap',
});
const newRecorder = () => new EventRecorder({ client, clock: simulatedClock(1), component: 'test' });

test('equal events are one object with a count', async () => {
  const recorder = newRecorder();
  const about = await object('equal');
  for (let index = 0; index < 4; index += 1) recorder.warning(about, 'Failed', 'the same');
  recorder.normal(about, 'Done', 'the same');
  await recorder.flushed();
  const events = await ns.events(about.metadata.uid);
  expect(events.map(({ type, reason, count }) => [type, reason, count]).sort()).toEqual([
    ['Normal', 'Done', 1],
    ['Warning', 'Failed', 4],
  ]);
});

test('after a burst of 25 an object’s further events are dropped, and similar ones are folded before that', async () => {
  const recorder = newRecorder();
  const about = await object('burst');
  for (let index = 1; index <= 40; index += 1) recorder.warning(about, 'Failed', `request ${index}`);
  await recorder.flushed();
  const events = await ns.events(about.metadata.uid);
  expect(events).toHaveLength(11);
  expect(events.reduce((sum, { count }) => sum + count, 0)).toBe(25);
  expect(events.find(({ count }) => count > 1)?.message).toBe('(combined from similar events): request 25');
});
