import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { simulatedClock } from '../../../sandbox/clock.ts';
import { KubeClient } from '../../../sandbox/controllers/client.ts';
import { EventRecorder } from '../../../sandbox/controllers/events.ts';
import { type KubeObject, pathOf, resources } from '../../../sandbox/controllers/objects.ts';
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

test('repeats of a Normal event are written together, those of a warning at once', async () => {
  const recorder = new EventRecorder({ client, clock: simulatedClock(0.002), component: 'test' }); // five minutes last 0.6 s
  const writes = () => merges.mock.calls.map(([, body]) => (body as { count: number }).count);
  const about = await object('repeats');
  const merges = vi.spyOn(client, 'merge');
  for (let index = 0; index < 4; index += 1) recorder.normal(about, 'Done', 'well');
  for (let index = 0; index < 3; index += 1) recorder.warning(about, 'Failed', 'badly');
  await vi.waitFor(async () => {
    const events = await ns.events(about.metadata.uid);
    expect(events.map(({ reason, count }) => [reason, count]).sort()).toEqual([
      ['Done', 4],
      ['Failed', 3],
    ]);
  }, 20_000);
  expect(writes().sort()).toEqual([2, 3, 4]);
  recorder.stop();
  merges.mockRestore();
});

test('an event that is gone is a new object when it comes again', async () => {
  const recorder = newRecorder();
  const about = await object('gone');
  recorder.normal(about, 'Done', 'well');
  recorder.normal(about, 'Done', 'well');
  await recorder.flushed();
  const [event] = await ns.events(about.metadata.uid);
  expect(event?.count).toBe(2);
  await client.remove(pathOf(resources.events, ns.name, event?.metadata.name ?? ''));
  recorder.normal(about, 'Done', 'well');
  await recorder.flushed(); // the server says that it is gone
  recorder.normal(about, 'Done', 'well');
  await recorder.flushed();
  expect((await ns.events(about.metadata.uid)).map(({ count }) => count)).toEqual([1]);
});
